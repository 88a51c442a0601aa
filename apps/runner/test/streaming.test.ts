import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { atomCount, createMatrix, type Structure } from '@surprisal/core';
import { openStructures, readMatrix, writeMatrix } from '@surprisal/io/node';
import { maxAbsDifference, randomStream } from '@surprisal/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DhDocument, OverlapDocument } from '../src/result-document.ts';
import { runJson, runRefused } from './command-checks.ts';
import { buildSurprisal, finished, runProcess, runSurprisal, startSurprisal } from './surprisal-process.ts';

/** So little that chunks are as small as they get: 1024 environments. */
const LITTLE = '170M';

let folder: string;
let test: string;
let reference: string;
const inFolder = (name: string) => join(folder, name);

/** Frames of a shaken simple cubic crystal, `side`³ atoms each, every second one of another species. */
function crystal(side: number, frames: number, seed: number): string {
  const random = randomStream(seed);
  let text = '';
  for (let frame = 0; frame < frames; frame++) {
    text += `${side ** 3}\nLattice="${2.6 * side} 0 0 0 ${2.6 * side} 0 0 0 ${2.6 * side}" kind=${frame % 3 === 0 ? 'cold' : 'warm'}\n`;
    for (let atom = 0; atom < side ** 3; atom++) {
      const site = [Math.floor(atom / side / side), Math.floor(atom / side) % side, atom % side];
      const place = site.map((at) => (2.6 * at + random.between(-0.1, 0.1) * (1 + (frame % 3))).toFixed(5));
      text += `${atom % 2 === 0 ? 'Cu' : 'Zr'} ${place.join(' ')}\n`;
    }
  }
  return text;
}

function surprisalsOf(frame: Structure): Float64Array {
  const column = frame.columns.get('dH');
  if (column?.kind !== 'real') throw new Error('the frame has no δH');
  return column.values;
}

async function valuesOf(path: string): Promise<Float64Array> {
  const bytes = await readFile(path);
  const start = 10 + bytes.readUInt16LE(8);
  return new Float64Array(Uint8Array.from(bytes.subarray(start)).buffer);
}

beforeAll(async () => {
  await buildSurprisal();
  folder = await mkdtemp(join(tmpdir(), 'surprisal-streaming-'));
  [test, reference] = [inFolder('test.xyz'), inFolder('reference.xyz')];
  // 343 atoms twelve times, and one frame of 2197 that is more than a chunk; 6860 and 3087 environments.
  await writeFile(test, crystal(7, 12, 1) + crystal(13, 1, 2) + crystal(7, 2, 3));
  await writeFile(reference, crystal(7, 9, 4));
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('dh within little memory', () => {
  it('gives the same bits as within much', async () => {
    const outputs = { much: inFolder('much.npy'), little: inFolder('little.npy'), one: inFolder('one.npy') };
    // The first frame alone fits.
    const args = ['dh', test, '-r', `${reference}@:1`, '-b', '0.03,0.1', '--group-by', 'kind'];
    const much = await runJson<DhDocument>([...args, '-o', outputs.much]);
    const little = await runJson<DhDocument>([...args, '-o', outputs.little, '--memory', LITTLE]);
    await runJson<DhDocument>([...args, '-o', outputs.one, '--memory', LITTLE, '--threads', '1']);
    expect(little.memory).toMatchObject({ source: '--memory', chunk: 1024, referencePasses: 1, budget: 170 * 2 ** 20 });
    expect(little.memory.peak).toBeLessThan(170 * 2 ** 20);
    expect(much.memory.chunk).toBeGreaterThan(1024);
    expect(little.results).toEqual(much.results);
    expect(little.groups).toEqual(much.groups);
    const bytes = await readFile(outputs.much);
    expect((await readFile(outputs.little)).equals(bytes)).toBe(true);
    expect((await readFile(outputs.one)).equals(bytes)).toBe(true);
    expect(bytes.length).toBe(128 + 8 * 2 * 6999);
  });

  it('goes through a reference set that does not fit, of structures or of rows', async () => {
    const matrix = inFolder('reference.npy');
    await runJson(['descriptors', reference, '-o', matrix, '--precision', 'f64']);
    // With nothing skipped, rounding is all that blocks of the reference set change.
    const exact = ['-b', '0.03,0.1', '--skip-below', '0', '--precision', 'f64'];
    const args = [...exact, '--group-by', 'species', '-o'];
    const [whole, streamed] = [inFolder('whole.npy'), inFolder('streamed.npy')];
    const expected = await runJson<DhDocument>(['dh', test, '-r', reference, ...args, whole]);
    const values = await valuesOf(whole);
    for (const set of [[reference], [matrix]]) {
      const by = set[0] === matrix ? [...exact, '-o'] : args;
      const document = await runJson<DhDocument>([
        ...['dh', test, '-r', ...set, ...by, streamed, '--memory', LITTLE, '--overwrite'],
      ]);
      expect(document.memory.referencePasses).toBeGreaterThan(1);
      expect(document.reference.environments).toBe(3087);
      expect(maxAbsDifference(await valuesOf(streamed), values)).toBeLessThan(1e-12);
      if (set[0] === reference) expect(document.groups).toEqual(expected.groups);
    }
    const counted = ['overlap', test, '-r', reference, '--eps', '-2', '--precision', 'f64'];
    const overlap = await runJson<OverlapDocument>(counted);
    const little = await runJson<OverlapDocument>([...counted, '--memory', LITTLE]);
    expect(little.memory.referencePasses).toBeGreaterThan(1);
    expect(little.results).toEqual(overlap.results);
  });

  it('needs no second pass in float64 for what the reference set holds once', async () => {
    const args = ['dh', `${reference}@:2`, '-r', reference, '--precision', 'f64', '-b', '0.0005'];
    const { memory, results } = await runJson<DhDocument>([...args, '--memory', LITTLE]);
    expect(results[0]?.dH.max).toBeCloseTo(0, 9);
    expect(memory).toMatchObject({ chunk: 1024, referencePasses: 1 });
    const near = await runJson<DhDocument>([...args, '--eps', '1e-9', '--memory', LITTLE]);
    expect(near.memory.referencePasses).toBe(2);
  });

  it('decides in float64 at eps what blocks of a float32 reference set cannot tell', async () => {
    // Cold frames of the reference set are every third.
    const sets = { test, reference, cold: `${reference}@::3` };
    const wide: Record<string, string> = {};
    for (const [name, files] of Object.entries(sets)) {
      const narrow = inFolder(`${name}-narrow.npy`);
      await runJson(['descriptors', files, '-o', narrow]);
      const { rows, columns, data } = await readMatrix(narrow);
      wide[name] = inFolder(`${name}-wide.npy`);
      await writeMatrix(wide[name], createMatrix(rows, columns, Float64Array.from(data)));
    }
    const thrice = (file: string | undefined) => ['-r', ...Array<string>(3).fill(file as string)];
    const exactly = async (name: string) => {
      const output = inFolder(`exactly-${name}.npy`);
      await runJson([
        'dh',
        wide['test'] as string,
        ...thrice(wide[name]),
        '-b',
        '0.1',
        '--skip-below',
        '0',
        '-o',
        output,
      ]);
      return await valuesOf(output);
    };
    const known = { all: await exactly('reference'), cold: await exactly('cold') };
    for (const [of, values] of Object.entries(known)) {
      const value = values.toSorted()[3500] as number;
      // The one environment is on either side of an eps that float32 cannot tell from it.
      for (const eps of [value - 1e-9, value + 1e-9]) {
        const args = [
          'dh',
          test,
          ...thrice(reference),
          '-b',
          '0.1',
          `--eps=${eps}`,
          '--group-by',
          'kind',
          '--memory',
          LITTLE,
        ];
        const { results, groups, memory } = await runJson<DhDocument>(args);
        expect(memory.referencePasses).toBeGreaterThan(1);
        const above = (dH: Float64Array) => dH.filter((each) => each > eps).length;
        if (of === 'all') expect(Math.round((results[0]?.novelty as number) * 6999)).toBe(above(known.all));
        else {
          const column = groups?.reference.findIndex(({ name }) => name === 'cold') as number;
          const within = groups?.sets.reduce(
            (sum, { environments }, g) => sum + environments * (groups.maps[0]?.overlap[g]?.[column] as number),
            0,
          );
          expect(Math.round(within as number)).toBe(6999 - above(known.cold));
        }
      }
    }
  });

  it('writes the same rows and structures whichever way they come', async () => {
    const large = async (...more: string[]) => {
      const [csv, xyz, json] = ['csv', 'xyz', 'json'].map((ending) => inFolder(`rows-${more.length}.${ending}`));
      for (const output of [csv, xyz, json] as string[]) {
        await runJson<DhDocument>([
          ...['dh', test, '-r', reference, '--skip-below', '0', '--precision', 'f64', '-o', output, ...more],
        ]);
      }
      const frames: Structure[] = [];
      for await (const frame of openStructures(xyz as string)) frames.push(frame);
      return {
        csv: await readFile(csv as string, 'utf8'),
        frames,
        json: JSON.parse(await readFile(json as string, 'utf8')),
      };
    };
    const [much, little] = [await large(), await large('--memory', LITTLE)];
    expect(much.frames.map(atomCount)).toEqual([...Array(12).fill(343), 2197, 343, 343]);
    const ofFrames = much.frames.flatMap((frame) => [...surprisalsOf(frame)]);
    const ofRows = much.csv
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split(','));
    expect(ofRows.map((row) => Number(row[3]))).toEqual(ofFrames);
    expect(ofRows[12 * 343 + 5]?.slice(1, 3)).toEqual(['12', '5']);
    expect(much.json.values[0]).toEqual(ofFrames);
    // The reference set does not fit, so the structures are read once more.
    const again = little.frames.flatMap((frame) => [...surprisalsOf(frame)]);
    expect(maxAbsDifference(again, ofFrames)).toBeLessThan(1e-12);
    expect(little.json.values[0]).toEqual(again);
    expect(little.csv.split('\n').map((line) => line.split(',').slice(0, 3))).toEqual(
      much.csv.split('\n').map((line) => line.split(',').slice(0, 3)),
    );
  });

  it('reads a matrix by rows', async () => {
    const matrix = inFolder('test.npy');
    await runJson(['descriptors', test, '-o', matrix]);
    const [much, little] = [inFolder('matrix-much.csv'), inFolder('matrix-little.csv')];
    await runJson(['dh', matrix, '-r', `${reference}@:1`, '-o', much]);
    await runJson(['dh', matrix, '-r', `${reference}@:1`, '-o', little, '--memory', LITTLE]);
    const text = await readFile(little, 'utf8');
    expect(text).toBe(await readFile(much, 'utf8'));
    expect(text.trimEnd().split('\n').at(-1)).toMatch(/^[^,]*test\.npy,,6998,-?\d/);
    expect((await readMatrix(matrix)).rows).toBe(6999);
  });

  it('repeats structures that come through a pipe', async () => {
    const [pipe, output, expected] = [inFolder('pipe.xyz'), inFolder('piped.xyz'), inFolder('unpiped.xyz')];
    expect((await runProcess('mkfifo', [pipe])).code).toBe(0);
    const running = runSurprisal(['dh', pipe, '-r', `${reference}@:1`, '-o', output, '--quiet']);
    await pipeline(createReadStream(test), createWriteStream(pipe));
    expect((await running).code).toBe(0);
    await runJson(['dh', test, '-r', `${reference}@:1`, '-o', expected]);
    expect(await readFile(output, 'utf8')).toBe(await readFile(expected, 'utf8'));
  });

  it('finds a bandwidth in a reference set that is looked at as a whole, or says how much that takes', async () => {
    const auto = ['dh', test, '-r', reference, '-b', 'auto:gaussian', '--precision', 'f64'];
    const little = await runJsonWithNotes(auto.concat('--memory', LITTLE));
    expect(little.memory.referencePasses).toBeGreaterThan(1);
    expect(little.results[0]?.bandwidth).toBe((await runJsonWithNotes(auto)).results[0]?.bandwidth);
    const nearest = ['dh', test, '-r', reference, '-b', 'auto:neighbors', '--precision', 'f64'];
    const refused = await runRefused([...nearest, '--memory', '166M'], 1);
    expect(refused).toMatch(/too little: \d+ MiB are needed.*in which the bandwidth is to be found.*or a bandwidth\n$/);
  });
});

/** As runJson, where a note about the bandwidth stands on standard error. */
async function runJsonWithNotes(args: readonly string[]): Promise<DhDocument> {
  const { code, stdout } = await runSurprisal([...args, '--json']);
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

describe('too little memory', () => {
  it.each([
    ['10M', /160 MiB for the process itself/],
    ['160M', /for chunks of environments/],
  ])('%s is refused before any work, with how much is needed', async (memory, what) => {
    const output = inFolder('never.npy');
    const stderr = await runRefused(['dh', test, '-r', reference, '--memory', memory, '-o', output], 1);
    expect(stderr).toMatch(what);
    const needed = /give --memory (\d+M)/.exec(stderr)?.[1];
    expect(needed).toBeDefined();
    expect((await readdir(folder)).filter((name) => name.startsWith('never'))).toEqual([]);
  });

  it('names the frame that is too large, and with what it asks for the work is done', async () => {
    const large = inFolder('large.xyz');
    await writeFile(large, crystal(40, 1, 7));
    const args = ['dh', large, '-r', `${reference}@:1`];
    const neededOf = (stderr: string) => Number(/give --memory (\d+)M/.exec(stderr)?.[1]);
    const stderr = await runRefused([...args, '--memory', LITTLE], 1);
    expect(stderr).toMatch(/a frame of 64,000 atoms in .*large\.xyz; give --memory \d+M\n$/);
    let needed = neededOf(stderr);
    // Chunks that grow with the memory are counted in; what is found only later, δH of so many environments, is not.
    const { code, stderr: more } = await runSurprisal([...args, '--memory', `${needed}M`, '--quiet']);
    if (code !== 0) {
      expect(more).toContain('for δH of the ');
      needed = neededOf(more);
    }
    const { memory } = await runJson<DhDocument>([...args, '--memory', `${needed}M`]);
    expect(memory.peak).toBeLessThan(memory.budget);
  });

  it('says so of a descriptor that takes whole frames', async () => {
    const module = inFolder('whole.mjs');
    await writeFile(
      module,
      `export default { name: 'whole', columns: 400, cutoff: 3, parameters: {}, async compute(structures, { precision }) {
        const rows = structures.reduce((sum, { positions }) => sum + positions.length / 3, 0);
        const kind = precision === 'f32' ? Float32Array : Float64Array;
        return { rows, columns: 400, data: new kind(rows * 400) };
      } };`,
    );
    const stderr = await runRefused(
      ['dh', `${test}@12`, '-r', `${reference}@:1`, '--descriptor', module, '--memory', '185M'],
      1,
    );
    expect(stderr).toMatch(
      /2,197 atoms in [^,]*, all of which the descriptor whole describes at a time.*give --memory \d+M/,
    );
  });

  it('takes parts of a frame from a descriptor that computes them, and believes none', async () => {
    const module = inFolder('parts.mjs');
    const of = (parts: string) => `
      const rowOf = (atom) => Float64Array.of(Math.sin(atom), Math.cos(atom));
      export default { name: 'parts', columns: 2, cutoff: 3, parameters: {},
        async compute(structures) {
          const data = structures.flatMap(({ positions }) => Array.from({ length: positions.length / 3 }, (_, atom) => [...rowOf(atom)]).flat());
          return { rows: data.length / 2, columns: 2, data: Float64Array.from(data) };
        },
        async *computeParts({ positions }, rows) {
          for (let end = positions.length / 3; end > 0; end -= rows) {
            const atoms = Uint32Array.from({ length: Math.min(rows, end) }, (_, i) => end - 1 - i);
            const data = Float64Array.from([...atoms].flatMap((atom) => [...rowOf(atom)]));
            ${parts}
          }
        } };`;
    const args = ['dh', `${test}@12`, '-r', `${reference}@:1`, '--descriptor', module];
    await writeFile(module, of('yield { atoms, matrix: { rows: atoms.length, columns: 2, data } };'));
    const [much, little] = [inFolder('parts-much.npy'), inFolder('parts-little.npy')];
    await runJson([...args, '-o', much]);
    const { memory } = await runJson<DhDocument>([...args, '-o', little, '--memory', LITTLE]);
    // Rows of two numbers are small: only a chunk as large as there is would hold the frame.
    expect(memory.chunk).toBeGreaterThan(2197);
    await runJson([...args, '-o', little, '--memory', '162M', '--overwrite']);
    expect((await readFile(little)).equals(await readFile(much))).toBe(true);
    for (const [parts, problem] of [
      ['yield { atoms, matrix: { rows: 1, columns: 2, data } };', 'rows; it must give one for each atom'],
      ['yield { atoms: [...atoms], matrix: { rows: atoms.length, columns: 2, data } };', 'a Uint32Array of 1 to'],
      [
        'data[5] = NaN; yield { atoms, matrix: { rows: atoms.length, columns: 2, data } };',
        'gave NaN for atom 2195, column 2',
      ],
      [
        'atoms[3] = 2197; yield { atoms, matrix: { rows: atoms.length, columns: 2, data } };',
        'atom 2197, counted from 0',
      ],
      ['return;', 'gave 0 rows in all'],
    ] as const) {
      await writeFile(module, of(parts));
      const stderr = await runRefused([...args, '--memory', '162M'], 1);
      expect(stderr).toContain(problem);
      expect(stderr).toContain('parts.mjs');
    }
  });

  it.each(['2', '0G', 'half', '1.5X', '-1G'])('--memory %s is no size', async (size) => {
    expect(await runRefused(['dh', test, '-r', reference, '--memory', size], 2)).toMatch(/512M or 2G/);
  });
});

describe('what goes wrong in one stage', () => {
  it('of the reader: names file and line, and no file stays', async () => {
    const broken = inFolder('broken.xyz');
    const frame = '1\nLattice="5 0 0 0 5 0 0 0 5"\nCu 0 0 0\n';
    await writeFile(broken, `${frame.repeat(999)}1\nLattice="5 0 0 0 5 0 0 0 5"\nCu 0 zero 0\n`);
    const stderr = await runRefused(['dh', broken, '-r', reference, '-o', inFolder('stage.xyz'), '--no-progress'], 1);
    expect(stderr).toMatch(/broken\.xyz:3000:6: /);
    expect((await readdir(folder)).filter((name) => name.startsWith('stage'))).toEqual([]);
  });

  it('of descriptors: names file and frame', async () => {
    const twice = inFolder('twice.xyz');
    const frame = '1\nLattice="5 0 0 0 5 0 0 0 5"\nCu 0 0 0\n';
    await writeFile(twice, `${frame.repeat(50)}2\nLattice="5 0 0 0 5 0 0 0 5"\nCu 0 0 0\nCu 0 0 0\n`);
    const args = ['dh', twice, '-r', `${reference}@:1`, '-o', inFolder('stage.csv')];
    expect(await runRefused(args, 1)).toMatch(/twice\.xyz: frame 51 of those read: atoms 1 and 2/);
    // In a frame that goes through in parts, too.
    const large = crystal(13, 1, 8).split('\n');
    large[1000] = large[999] as string;
    await writeFile(twice, large.join('\n'));
    expect(await runRefused([...args, '--memory', LITTLE], 1)).toMatch(
      /twice\.xyz: frame 1 of those read: atoms 998 and 999/,
    );
    expect((await readdir(folder)).filter((name) => name.startsWith('stage'))).toEqual([]);
  });

  it('of the writer: the folder is gone', async () => {
    const gone = inFolder('gone');
    await mkdir(gone);
    // The frames come through a pipe, so that there is time to take the folder away.
    const pipe = inFolder('slow.xyz');
    expect((await runProcess('mkfifo', [pipe])).code).toBe(0);
    const child = startSurprisal(['dh', pipe, '-r', `${reference}@:1`, '-o', join(gone, 'x.csv'), '--no-progress']);
    const end = finished(child);
    const writer = createWriteStream(pipe);
    writer.write(crystal(3, 1, 1));
    while ((await readdir(gone)).length === 0) await sleep(20);
    await rm(gone, { recursive: true });
    writer.end(crystal(3, 1, 1));
    const { code, stderr } = await end;
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^surprisal: error: cannot write [^\n]+\n$/),
    });
  });
});

describe('an interruption', () => {
  /** A descriptor that says when it is at work, and goes on until it is told to end. */
  const ENDLESS = `export default { name: 'endless', columns: 1, cutoff: 3, parameters: {}, async compute(structures, { signal }) {
    if (structures[0].positions.length > 3000) {
      process.stderr.write('at work\\n');
      const alive = setInterval(() => undefined, 1000);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      clearInterval(alive);
      throw signal.reason;
    }
    const rows = structures.reduce((sum, { positions }) => sum + positions.length / 3, 0);
    return { rows, columns: 1, data: new Float64Array(rows) };
  } };`;

  it.each(['reader', 'descriptors', 'kernel sums', 'writer'])(
    'in the stage %s leaves nothing behind',
    async (stage) => {
      const own = await mkdtemp(inFolder('own-'));
      const output = join(own, 'out.xyz');
      const pipe = inFolder(`${stage.split(' ')[0]}.fifo`);
      const endless = inFolder('endless.mjs');
      const little = [`${reference}@:1`, '-o', output, '--verbose', '--no-progress'];
      let args: string[];
      let isThere: RegExp = /kernel sums of chunks/;
      let writer: ReturnType<typeof createWriteStream> | undefined;
      if (stage === 'reader') {
        expect((await runProcess('mkfifo', [pipe])).code).toBe(0);
        args = ['dh', pipe, '--format', 'extxyz', '-r', ...little];
      } else if (stage === 'descriptors') {
        await writeFile(endless, ENDLESS);
        args = ['dh', `${test}@12`, '--descriptor', endless, '-r', ...little];
        isThere = /at work/;
      } else if (stage === 'kernel sums') {
        const many = inFolder('many.xyz');
        await writeFile(many, crystal(30, 3, 1));
        // Thousands of times what the descriptors take, in the slowest arithmetic there is.
        args = ['dh', many, '-r', many, ...little.slice(1), '-b', '0.01,0.02,0.03,0.04,0.05,0.06,0.07,0.08', '-j', '1'];
      } else {
        const many = inFolder('wide.xyz');
        await writeFile(many, crystal(30, 10, 1));
        args = ['dh', many, '-r', ...little, '--format', 'extxyz'];
      }
      const child = startSurprisal(args);
      let said = '';
      child.stderr?.on('data', (text) => {
        said += text;
      });
      const end = finished(child);
      if (stage === 'reader') {
        writer = createWriteStream(pipe);
        writer.on('error', () => undefined);
        writer.write(crystal(3, 1, 1));
      }
      while (!isThere.test(said)) await sleep(20);
      if (stage === 'writer') {
        const size = async () => {
          const [name] = await readdir(own);
          return name === undefined ? 0 : (await readFile(join(own, name)).catch(() => '')).length;
        };
        while ((await size()) === 0) await sleep(5);
      } else {
        await sleep(300);
      }
      expect((await readdir(own)).every((name) => name.startsWith(basename(output)))).toBe(true);
      const sent = performance.now();
      child.kill('SIGINT');
      const { code, stdout } = await end;
      writer?.destroy();
      expect({ code, stdout, left: await readdir(own) }).toEqual({ code: 130, stdout: '', left: [] });
      expect(performance.now() - sent).toBeLessThan(1500);
    },
  );
});
