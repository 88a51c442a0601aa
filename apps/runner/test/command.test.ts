import { access, copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createMatrix, type Structure } from '@surprisal/core';
import { differentialEntropy } from '@surprisal/entropy';
import { openStructures, readMatrix, writeMatrix } from '@surprisal/io/node';
import { maxAbsDifference } from '@surprisal/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  DescriptorsDocument,
  DhDocument,
  EntropyDocument,
  InfoDocument,
  OverlapDocument,
} from '../src/result-document.ts';
import { checkDocument, runJson, runRefused } from './command-checks.ts';
import {
  buildSurprisal,
  finished,
  runProcess,
  runSurprisal,
  startSurprisal,
  surprisalPath,
} from './surprisal-process.ts';

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const COPPER = fixture('copper.xyz');
const WATER = fixture('water.xyz');
const ALLOY = fixture('alloy.dump');

/** Environments of the fixtures. */
const COPPER_ATOMS = 3 * 32;
const WATER_ATOMS = 4 * 3;

let folder: string;
const inFolder = (name: string) => join(folder, name);

beforeAll(async () => {
  await buildSurprisal();
  folder = await mkdtemp(join(tmpdir(), 'surprisal-command-'));
  await mkdir(inFolder('empty'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function framesOf(path: string): Promise<Structure[]> {
  const frames: Structure[] = [];
  for await (const structure of openStructures(path)) frames.push(structure);
  return frames;
}

/** The column that `dh` adds. */
function surprisalsOf({ columns }: Structure): Float64Array {
  const column = columns.get('dH');
  if (column?.kind !== 'real') throw new Error('the column dH is absent, or not of real numbers');
  return column.values;
}

describe('entropy', () => {
  it('gives H, its maximum and D for each bandwidth', async () => {
    const document = await runJson<EntropyDocument>(['entropy', COPPER, WATER, '-b', '0.015,0.03,1000']);
    expect(document).toMatchObject({
      schemaVersion: 1,
      command: 'entropy',
      inputs: [
        { path: COPPER, frames: 3, environments: COPPER_ATOMS },
        { path: WATER, frames: 4, environments: WATER_ATOMS },
      ],
      parameters: { descriptor: 'quests', k: 32, cutoff: 5, tieTolerance: 1e-6, precision: 'f32', frames: null },
      environments: COPPER_ATOMS + WATER_ATOMS,
      warnings: [],
      output: null,
    });
    expect(document.results.map(({ bandwidth }) => bandwidth)).toEqual([0.015, 0.03, 1000]);
    for (const { entropy, diversity, maxEntropy } of document.results) {
      expect(maxEntropy).toBe(Math.log(COPPER_ATOMS + WATER_ATOMS));
      expect(0 <= entropy && entropy <= diversity && diversity <= maxEntropy).toBe(true);
    }
    expect(document.results[2]?.entropy).toBeCloseTo(0, 6);
    const { read, descriptors, kernel, total } = document.seconds;
    expect(read + descriptors + kernel).toBeLessThanOrEqual(total + 0.005);
  });

  it('is the same on both backends, on any number of threads, and over a matrix of the same environments', async () => {
    const matrix = inFolder('copper.npz');
    await runJson(['descriptors', COPPER, '-o', matrix]);
    const native = await runJson<EntropyDocument>(['entropy', COPPER, '--backend', 'native', '-j', '2']);
    const again = await runJson<EntropyDocument>(['entropy', matrix, '--backend', 'native', '-j', '7']);
    const reference = await runJson<EntropyDocument>(['entropy', matrix, '--backend', 'reference']);
    expect(native.backend).toMatchObject({ name: 'native', threads: 2 });
    expect(again.results).toEqual(native.results);
    expect(again.inputs).toEqual([{ path: matrix, frames: null, environments: COPPER_ATOMS }]);
    expect(again.parameters).toMatchObject({ descriptor: null, k: null, cutoff: null, tieTolerance: null });
    expect(reference.backend).toEqual({ name: 'reference', isa: 'none', threads: 1 });
    // The reference works on the same float32 numbers, in float64.
    expect(reference.results[0]?.entropy).toBeCloseTo(native.results[0]?.entropy as number, 5);
  });

  it('prints aligned lines for a person', async () => {
    const { code, stdout, stderr } = await runSurprisal(['entropy', COPPER, '-b', '0.015,0.03']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^environments {2}96 environments in .*copper\.xyz, 3 frames$/);
    const table = lines.slice(-4, -1);
    expect(table[0]).toContain('entropy H (nats)');
    expect(new Set(table.map((line) => line.length)).size).toBe(1);
    expect(stdout).not.toContain('\u001b');
  });

  it('takes frames, cutoff, neighbours and precision from the command line', async () => {
    const document = await runJson<EntropyDocument>([
      ...['entropy', COPPER, WATER, '--frames', '0:4:2', '-k', '8', '-c', '3.5', '--precision', 'f32', '-j', '1'],
    ]);
    expect(document.inputs.map(({ frames }) => frames)).toEqual([2, 2]);
    expect(document.parameters).toEqual({
      descriptor: 'quests',
      k: 8,
      cutoff: 3.5,
      tieTolerance: 1e-6,
      descriptorParameters: { parts: 'x1x2' },
      precision: 'f32',
      skipBelow: 1e-6,
      frames: '0:4:2',
    });
    expect(document.backend.threads).toBe(1);
    const last = await runJson<EntropyDocument>(['entropy', WATER, '--frames', '-1']);
    expect(last.inputs[0]).toMatchObject({ frames: 1, environments: 3 });
  });

  it('writes its document to a file too', async () => {
    const output = inFolder('entropy.json');
    const printed = await runJson<EntropyDocument>(['entropy', WATER, '-o', output]);
    expect(JSON.parse(await readFile(output, 'utf8'))).toEqual(printed);
    expect(printed.output).toBe(output);
  });
});

describe('descriptors', () => {
  it.each(['x.npy', 'x.npz'])('writes %s', async (name) => {
    const output = inFolder(name);
    const document = await runJson<DescriptorsDocument>(['descriptors', COPPER, WATER, '-o', output]);
    expect(document.results).toEqual([{ rows: COPPER_ATOMS + WATER_ATOMS, columns: 63, precision: 'f32' }]);
    expect(document.output).toBe(output);
    const matrix = await readMatrix(output);
    expect([matrix.rows, matrix.columns]).toEqual([COPPER_ATOMS + WATER_ATOMS, 63]);
    expect(matrix.data).toBeInstanceOf(Float32Array);
  });

  it('stacks matrices and structures, in the order of the files and in the precision that is asked for', async () => {
    const [water, both] = [inFolder('water.npy'), inFolder('both.npy')];
    await runJson(['descriptors', WATER, '-o', water, '--precision', 'f64']);
    await runJson(['descriptors', COPPER, water, '-o', both, '--precision', 'f32']);
    const stacked = await readMatrix(both);
    expect(stacked.data).toBeInstanceOf(Float32Array);
    expect([...stacked.data.subarray(COPPER_ATOMS * 63)]).toEqual([
      ...Float32Array.from((await readMatrix(water)).data),
    ]);
  });

  it('is float32 where float32 is known to do, and else float64', async () => {
    const [narrow, wide, archive] = [inFolder('float32.npy'), inFolder('float64.npy'), inFolder('float64.npz')];
    await runJson(['descriptors', WATER, '-o', narrow]);
    await runJson(['descriptors', WATER, '-o', wide, '--precision', 'f64']);
    await runJson(['descriptors', wide, '-o', archive]);
    expect((await readMatrix(archive)).data).toEqual((await readMatrix(wide)).data);
    const module = inFolder('mine.mjs');
    await writeFile(
      module,
      `export default { name: 'mine', columns: 63, cutoff: 1, parameters: {}, async compute(structures, { precision } = {}) {
        const rows = structures.reduce((sum, { positions }) => sum + positions.length / 3, 0);
        return { rows, columns: 63, data: new (precision === 'f32' ? Float32Array : Float64Array)(63 * rows) };
      } };`,
    );
    const precisionOf = async (...args: string[]) => (await runJson<EntropyDocument>(args)).parameters.precision;
    expect(await precisionOf('entropy', WATER, narrow)).toBe('f32');
    expect(await precisionOf('entropy', WATER, '-b', '0.02,0.01')).toBe('f32');
    expect(await precisionOf('entropy', WATER, '-b', '0.02,0.009')).toBe('f64');
    expect(await precisionOf('entropy', WATER, '-b', '0.009', '--precision', 'f32')).toBe('f32');
    for (const double of [wide, archive]) {
      expect(await precisionOf('entropy', WATER, double)).toBe('f64');
      expect(await precisionOf('overlap', narrow, '-r', double)).toBe('f64');
      expect(await precisionOf('entropy', double, '--precision', 'f32')).toBe('f32');
    }
    expect(await precisionOf('entropy', WATER, '--descriptor', module)).toBe('f64');
  });

  it('keeps what float32 would lose of a matrix whose numbers are large beside their distances', async () => {
    const offset = inFolder('offset.npy');
    const rows = Float64Array.from({ length: 40 }, (_, i) => 1e6 + (i % 4) * 0.01);
    await writeMatrix(offset, createMatrix(40, 1, rows));
    const [kept] = (await runJson<EntropyDocument>(['entropy', offset, '-b', '0.001'])).results;
    expect(kept?.entropy).toBeCloseTo(Math.log(4), 9);
    const [lost] = (await runJson<EntropyDocument>(['entropy', offset, '-b', '0.001', '--precision', 'f32'])).results;
    expect(lost?.entropy).toBeCloseTo(0, 9);
    const [wide] = (await runJson<EntropyDocument>(['entropy', offset, '-b', '0.015'])).results;
    const K = (d: number) => Math.exp(-((d * 0.01) ** 2) / 2 / 0.015 ** 2);
    const [end, middle] = [1 + K(1) + K(2) + K(3), 1 + 2 * K(1) + K(2)];
    expect(wide?.entropy).toBeCloseTo(Math.log(4) - (Math.log(end) + Math.log(middle)) / 2, 6);
  });

  it('needs a target', async () => {
    expect(await runRefused(['descriptors', WATER], 2)).toContain('-o x.npy');
  });
});

describe('dh', () => {
  const args = ['dh', WATER, COPPER, '-r', COPPER, WATER];

  it('sums up δH for each bandwidth', async () => {
    const document = await runJson<DhDocument>([...args, '-b', '0.015,0.05', '--eps', '-1']);
    expect(document).toMatchObject({
      command: 'dh',
      environments: WATER_ATOMS + COPPER_ATOMS,
      reference: {
        environments: COPPER_ATOMS + WATER_ATOMS,
        inputs: [{ path: COPPER }, { path: WATER }],
      },
      eps: -1,
    });
    expect(document.results.map(({ bandwidth }) => bandwidth)).toEqual([0.015, 0.05]);
    for (const { dH, novelty } of document.results) {
      expect(dH.min <= dH.median && dH.median <= dH.p95 && dH.p95 <= dH.max).toBe(true);
      // Each environment is in the reference itself.
      expect(dH.max).toBeLessThanOrEqual(0);
      expect(novelty).toBeGreaterThanOrEqual(0);
    }
  });

  it('writes the same values as .npy, .csv, .json and .xyz', async () => {
    const outputs = ['dh.npy', 'dh.csv', 'dh.json', 'dh.xyz', 'dh.xyz.gz'].map(inFolder);
    for (const output of outputs) expect((await runJson<DhDocument>([...args, '-o', output])).output).toBe(output);
    const [npy = '', csv = '', json = '', ...structures] = outputs;

    const matrix = inFolder('test.npy');
    const reference = inFolder('reference.npy');
    await runJson(['descriptors', WATER, COPPER, '-o', matrix]);
    await runJson(['descriptors', COPPER, WATER, '-o', reference]);
    const expected = await differentialEntropy(await readMatrix(matrix), await readMatrix(reference));

    // One bandwidth gives an array of one dimension.
    const header = (await readFile(npy)).subarray(0, 128).toString('latin1');
    expect(header).toContain(`'shape': (${expected.length},)`);
    const values = new Float64Array(Uint8Array.from((await readFile(npy)).subarray(-8 * expected.length)).buffer);
    expect(maxAbsDifference(values, expected)).toBeLessThan(1e-9);

    const rows = (await readFile(csv, 'utf8')).trimEnd().split('\n');
    expect(rows[0]).toBe('file,frame,atom,dH');
    expect(rows.slice(1).map((row) => Number(row.split(',')[3]))).toEqual([...values]);
    expect(rows[1]).toMatch(/water\.xyz,0,0,/);
    expect(rows[WATER_ATOMS + 34]).toMatch(/copper\.xyz,1,1,/);

    const document = JSON.parse(await readFile(json, 'utf8'));
    checkDocument(document);
    expect(document.values).toEqual([[...values]]);
    expect(document.frames).toHaveLength(7);
    expect(document.frames[4]).toMatchObject({ input: 1, frame: 0, environments: 32 });
    const firstCopper = values.subarray(WATER_ATOMS, WATER_ATOMS + 32);
    expect(document.frames[4].max).toEqual([Math.max(...firstCopper)]);

    for (const output of structures) {
      const frames = await framesOf(output);
      expect(frames).toHaveLength(7);
      expect(frames.flatMap((frame) => [...surprisalsOf(frame)])).toEqual([...values]);
      const copper = frames[4] as Structure;
      const original = (await framesOf(COPPER))[0] as Structure;
      expect(copper.positions).toEqual(original.positions);
      expect(copper.cell).toEqual(original.cell);
      for (const [name, column] of original.columns) expect(copper.columns.get(name)).toEqual(column);
      for (const [name, value] of original.info) expect(copper.info.get(name)).toEqual(value);
      expect(copper.info.get('dH_max')?.values[0]).toBe(Math.max(...firstCopper));
      const mean = firstCopper.reduce((sum, value) => sum + value, 0) / 32;
      expect(copper.info.get('dH_mean')?.values[0]).toBeCloseTo(mean, 12);
    }
  });

  it('writes a column for each bandwidth', async () => {
    const [npy, csv, json, xyz] = ['many.npy', 'many.csv', 'many.json', 'many.xyz'].map(inFolder) as [
      string,
      string,
      string,
      string,
    ];
    for (const output of [npy, csv, json, xyz]) {
      await runJson(['dh', WATER, '-r', WATER, '-b', '0.015,0.05', '-o', output]);
    }
    const matrix = await readMatrix(npy);
    expect([matrix.rows, matrix.columns]).toEqual([WATER_ATOMS, 2]);
    const rows = (await readFile(csv, 'utf8')).trimEnd().split('\n');
    expect(rows[0]).toBe('file,frame,atom,dH_0.015,dH_0.05');
    expect(rows.slice(1).flatMap((row) => row.split(',').slice(3).map(Number))).toEqual([...matrix.data]);
    const document = JSON.parse(await readFile(json, 'utf8'));
    checkDocument(document);
    expect(document.values.map((values: number[]) => values.length)).toEqual([WATER_ATOMS, WATER_ATOMS]);
    const frames = await framesOf(xyz);
    expect(frames.flatMap((frame) => [...surprisalsOf(frame)])).toEqual([...matrix.data]);
    expect(frames[0]?.columns.get('dH')?.width).toBe(2);
    expect(frames[0]?.info.get('dH_mean')?.shape).toEqual([2]);
  });

  it('replaces what an earlier run wrote, and keeps the order of unsorted dumps', async () => {
    const [first, second] = [inFolder('first.xyz'), inFolder('second.xyz')];
    await runJson(['dh', ALLOY, '-r', COPPER, '--species', '1=Cu,2=Zr', '-o', first, '--frames', '1:']);
    await runJson(['dh', first, '-r', WATER, '-o', second]);
    const [before] = await framesOf(first);
    const [after] = await framesOf(second);
    expect(before?.species.symbols.toSorted()).toEqual(['Cu', 'Zr']);
    expect(after?.positions).toEqual(before?.positions);
    expect([...(after?.columns.keys() ?? [])]).toEqual([...(before?.columns.keys() ?? [])]);
    expect(after?.columns.get('dH')).not.toEqual(before?.columns.get('dH'));
  });

  it('gives another name to columns that extended XYZ cannot hold, and says so', async () => {
    const dump = inFolder('odd-names.dump');
    const output = inFolder('odd-names.xyz');
    await writeFile(
      dump,
      'ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS ff ff ff\n0 9\n0 9\n0 9\n' +
        'ITEM: ATOMS element x y z c_1[1] pos v:a\nH 0 0 0 1 2 3\nH 0 0 1 4 5 6\n',
    );
    const { code, stdout } = await runSurprisal(['dh', dump, '-r', WATER, '-o', output, '--json']);
    expect(code).toBe(0);
    const { warnings } = JSON.parse(stdout) as DhDocument;
    expect(warnings).toHaveLength(3);
    expect(warnings[0]).toContain(`${dump}: the atoms have no ids`);
    expect(warnings[1]).toContain(`${output}: the column "pos" is written as "pos_"`);
    const [frame] = await framesOf(output);
    expect([...(frame?.columns.keys() ?? [])]).toEqual(['c_1[1]', 'pos_', 'v_a', 'dH']);
  });

  it('refuses to repeat structures that a matrix does not hold, before any work', async () => {
    const matrix = inFolder('nothing-to-repeat.npy');
    await writeMatrix(matrix, createMatrix(1, 63, new Float64Array(63)), {});
    const stderr = await runRefused(['dh', matrix, '-r', COPPER, '-o', inFolder('y.xyz')], 2);
    expect(stderr).toMatch(/holds no structures/);
  });
});

describe('overlap', () => {
  it('gives the share that the reference knows, and the rest', async () => {
    const same = await runJson<OverlapDocument>(['overlap', WATER, '-r', WATER]);
    expect(same).toMatchObject({ command: 'overlap', eps: 1e-5, reference: { environments: WATER_ATOMS } });
    expect(same.results).toEqual([{ bandwidth: 0.015, overlap: 1, novelty: 0 }]);
    const other = await runJson<OverlapDocument>(['overlap', WATER, '-r', COPPER, '--eps', '1', '-b', '0.015,0.02']);
    expect(other.results).toEqual([
      { bandwidth: 0.015, overlap: 0, novelty: 1 },
      { bandwidth: 0.02, overlap: 0, novelty: 1 },
    ]);
  });
});

describe('files under another name', () => {
  it('are read as what they are', async () => {
    const [matrix, structures] = [inFolder('matrix.dat'), inFolder('structures.npy')];
    await runJson(['descriptors', WATER, '-o', inFolder('named.npz')]);
    await copyFile(inFolder('named.npz'), matrix);
    await copyFile(WATER, structures);
    const expected = await runJson<EntropyDocument>(['entropy', WATER]);
    const document = await runJson<EntropyDocument>(['entropy', matrix]);
    expect(document.inputs).toEqual([{ path: matrix, frames: null, environments: WATER_ATOMS }]);
    expect(document.results).toEqual(expected.results);
    expect((await runJson<EntropyDocument>(['entropy', structures])).results).toEqual(expected.results);
  });
});

describe('info', () => {
  it('says what files hold', async () => {
    const matrix = inFolder('info.npy');
    await writeMatrix(matrix, createMatrix(2, 3, Float32Array.of(1, 2, 3, 4, 5, -6)), {});
    const document = await runJson<InfoDocument>(['info', COPPER, WATER, matrix]);
    const [copper, water, numbers] = document.results;
    expect(copper).toMatchObject({
      kind: 'structures',
      frames: 3,
      atoms: COPPER_ATOMS,
      species: { Cu: COPPER_ATOMS },
      boundaries: { TTT: 3 },
      cell: { lengths: [{ mean: 7.22 }, {}, {}], angles: [{ mean: expect.closeTo(90, 9) }, {}, {}] },
      volumePerAtom: { mean: expect.closeTo(7.22 ** 3 / 32, 9) },
      neighbors: { min: expect.any(Number) },
      bandwidth: { suggested: expect.closeTo(0.0618, 3) },
    });
    expect(water).toMatchObject({
      species: { O: 4, H: 8 },
      boundaries: { FFF: 4 },
      cell: null,
      neighbors: { min: 2, mean: 2, max: 2 },
      bandwidth: { suggested: null, reason: expect.stringMatching(/not every frame is periodic/) },
      odd: [expect.stringMatching(/fewer than 32 neighbours/)],
    });
    expect(numbers).toEqual({
      path: matrix,
      kind: 'matrix',
      rows: 2,
      columns: 3,
      precision: 'f32',
      min: -6,
      max: 5,
      odd: [],
    });
  });

  it('counts ties and near-ties, and knows a cell with a vacuum', async () => {
    const crystal = inFolder('crystal.xyz');
    const slab = inFolder('slab.xyz');
    const atoms = 'Cu 0 0 0\nCu 0 1.8 1.8\nCu 1.8 0 1.8\nCu 1.8 1.8 0\n';
    const moved = 'Cu 0.00001 0 0\nCu 0 1.80002 1.8\nCu 1.8 0 1.80004\nCu 1.8 1.8 0.00003\n';
    await writeFile(
      crystal,
      `4\nLattice="3.6 0 0 0 3.6 0 0 0 3.6"\n${atoms}4\nLattice="3.6 0 0 0 0 3.6 0 3.6 0"\n${moved}`,
    );
    await writeFile(slab, `4\nLattice="3.6 0 0 0 3.6 0 0 0 30"\n${atoms}`);
    const document = await runJson<InfoDocument>(['info', crystal, slab]);
    const [first, second] = document.results;
    expect(first).toMatchObject({
      ties: { tied: expect.any(Number), nearlyTied: expect.any(Number) },
      odd: expect.arrayContaining([expect.stringMatching(/left-handed/), expect.stringMatching(/nearly tied/)]),
    });
    if (first?.kind !== 'structures') throw new Error('the crystal is a structure');
    expect(first.ties.tied).toBeGreaterThanOrEqual(0.5);
    expect(first.ties.nearlyTied).toBeGreaterThan(0);
    expect(first.ties.tied + first.ties.nearlyTied).toBe(1);
    expect(second).toMatchObject({ bandwidth: { suggested: null, reason: expect.stringMatching(/empty/) } });
  });

  it('repeats what the reader found odd', async () => {
    const document = await runJson<InfoDocument>(['info', ALLOY]);
    expect(document.warnings).toHaveLength(1);
    expect(document.results[0]?.odd[0]).toMatch(/types/);
    expect((await runSurprisal(['info', inFolder('slab.xyz')])).stdout).toMatch(/^volume per atom +[\d.]+ Å³$/m);
    const surface = inFolder('surface.xyz');
    await writeFile(surface, '2\nLattice="4 0 0 0 4 0 0 0 40" pbc="T T F"\nCu 0 0 0\nCu 0 0 2\n');
    expect((await runSurprisal(['info', surface])).stdout).toMatch(
      /^volume per atom .* Å³, of the whole cell .*empty/m,
    );
    const { stdout, stderr } = await runSurprisal(['info', ALLOY]);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^odd +.*types/m);
  });
});

describe('doctor', () => {
  it('says what runs, and why', async () => {
    const document = await runJson<Record<string, unknown>>(['doctor']);
    expect(document).toMatchObject({
      command: 'doctor',
      node: process.versions.node,
      backend: { name: 'native', reason: expect.any(String) },
      native: { loaded: true, isas: expect.arrayContaining(['baseline']), problem: null },
      packages: { '@surprisal/core': expect.any(String), '@surprisal/kernels': expect.any(String) },
      memory: { total: expect.any(Number) },
    });
    const { code, stdout } = await runSurprisal(['doctor']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^backend +native/m);
    expect(stdout).toMatch(/^memory +.*GiB/m);
  });
});

describe('without the binary', () => {
  const env = { SURPRISAL_NATIVE: 'off' };

  it('works, and says once why it is slow and how to mend it', async () => {
    const { code, stdout, stderr } = await runSurprisal(['dh', WATER, '-r', COPPER, '--json'], { env });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^surprisal: warning: [^\n]*SURPRISAL_NATIVE=off[^\n]*slower[^\n]*unset[^\n]*\n$/);
    const document = JSON.parse(stdout) as DhDocument;
    checkDocument(document);
    expect(document.backend.name).toBe('reference');
    expect(document.warnings).toHaveLength(1);
  });

  it('--backend native fails and says how to mend it', async () => {
    expect(await runRefused(['entropy', WATER, '--backend', 'native'], 1, { env })).toMatch(/SURPRISAL_NATIVE.*unset/);
  });

  it('--backend reference needs no warning', async () => {
    expect((await runJson<EntropyDocument>(['entropy', WATER, '--backend', 'reference'], { env })).warnings).toEqual(
      [],
    );
  });

  it('the doctor says what is wrong', async () => {
    const { stdout } = await runSurprisal(['doctor', '--json', '--quiet'], { env });
    const document = JSON.parse(stdout);
    checkDocument(document);
    expect(document).toMatchObject({ backend: { name: 'reference' }, native: { loaded: false, compiler: null } });
  });
});

describe('targets', () => {
  it('are not replaced unless that is asked for', async () => {
    const output = inFolder('existing.npy');
    await writeFile(output, 'precious');
    expect(await runRefused(['descriptors', WATER, '-o', output], 2)).toMatch(/existing\.npy exists.*--overwrite/);
    expect(await readFile(output, 'utf8')).toBe('precious');
    await runJson(['descriptors', WATER, '-o', output, '--overwrite']);
    expect((await readMatrix(output)).rows).toBe(WATER_ATOMS);
    const link = inFolder('dangling.npy');
    await symlink(inFolder('nowhere.npy'), link);
    expect(await runRefused(['descriptors', WATER, '-o', link], 2)).toMatch(/exists/);
  });

  it('are looked at before the files are', async () => {
    const broken = inFolder('broken-first.xyz');
    await writeFile(broken, 'no structure\n');
    await writeFile(inFolder('taken.json'), '{}');
    await mkdir(inFolder('folder.json'));
    const cases: [string[], RegExp][] = [
      [['entropy', broken, '-o', inFolder('taken.json')], /exists/],
      [['entropy', broken, '-o', inFolder('folder.json'), '--overwrite'], /no regular file/],
      [['entropy', broken, '-o', inFolder('x.txt')], /writes \.json/],
      [['descriptors', broken, '-o', inFolder('x.csv')], /writes \.npy, \.npz/],
      [['dh', broken, '-r', broken, '-o', inFolder('x.gz')], /\.xyz\.gz/],
      [['descriptors', broken, '-o', join(folder, 'absent', 'x.npy')], /absent: there is no such/],
    ];
    for (const [args, message] of cases) expect(await runRefused(args, 2)).toMatch(message);
  });

  it('come whole or not at all', async () => {
    const own = await mkdtemp(join(folder, 'own-'));
    const broken = join(own, 'broken.xyz');
    await writeFile(broken, '1\n\nH 0 0 0\n2\n\nH 0 0 0\n');
    expect(await runRefused(['descriptors', broken, '-o', join(own, 'x.npy')], 1)).toMatch(/broken\.xyz:\d+/);
    expect(await readdir(own)).toEqual(['broken.xyz']);
  });
});

describe('input that cannot be used', () => {
  it.each([
    [['entropy', 'absent.xyz'], /absent\.xyz: there is no such file/],
    [['entropy', 'empty'], /folder empty/],
    [['overlap', WATER, '-r', 'absent.npy'], /absent\.npy/],
  ])('%j: a path, exit 2', async (args, message) => {
    expect(await runRefused(args, 2, { cwd: folder })).toMatch(message);
  });

  it.each([
    ['no format', 'some words\n', /format/],
    ['an empty file', '', /empty/],
    ['a bad number', '1\n\nH 0 zero 0\n', /:3(:\d+)?: .*zero/],
    [
      'atoms at the same place',
      '2\n\nH 0 0 0\nH 0 0 0\n',
      /frame 1 of those read: atoms 1 and 2 lie at the same place/,
    ],
    ['a flat cell', '1\nLattice="1 0 0 0 1 0 1 1 0" pbc="T T T"\nH 0 0 0\n', /cell/],
  ])('%s: the content, exit 1, with the place', async (name, content, message) => {
    const path = inFolder(`${name.replaceAll(' ', '-')}.txt`);
    await writeFile(path, content);
    const stderr = await runRefused(['entropy', path, '--backend', 'reference'], 1);
    expect(stderr).toContain(path);
    expect(stderr).toMatch(message);
    expect(await runRefused(['entropy', path, '--backend', 'native'], 1)).toBe(stderr);
  });

  it('matrices of another width, or with what is no number', async () => {
    const [narrow, strange] = [inFolder('narrow.npy'), inFolder('strange.npy')];
    await writeMatrix(narrow, createMatrix(2, 5, new Float64Array(10)), {});
    await writeMatrix(strange, createMatrix(1, 2, Float64Array.of(1, Number.NaN)), {});
    expect(await runRefused(['entropy', WATER, narrow], 1)).toMatch(
      /narrow\.npy: .* 5 numbers, but 63 in .*water\.xyz/,
    );
    expect(await runRefused(['dh', WATER, '-r', narrow], 1)).toMatch(
      /63 numbers, but 5 in the reference .*narrow\.npy/,
    );
    expect(await runRefused(['entropy', strange], 1)).toMatch(/strange\.npy: row 1, column 2 holds NaN/);
  });

  it('a slice that selects nothing', async () => {
    const { code, stderr } = await runSurprisal(['entropy', WATER, '--frames', '100:']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: .*no environment/);
  });
});

describe('the command line', () => {
  it.each([
    [[]],
    [['nonsense']],
    [['entropy']],
    [['entropy', WATER, '--nonsense']],
    [['entropy', WATER, '-k', '1']],
    [['entropy', WATER, '-k', '99999']],
    [['entropy', WATER, '-c', '-5']],
    [['entropy', WATER, '-b', '0.015,0']],
    [['entropy', WATER, '-b', '0.02,0.02']],
    [['entropy', WATER, '-b', '1e-30']],
    [['entropy', WATER, '-j', '0']],
    [['entropy', WATER, '-j', '100000']],
    [['entropy', WATER, '--frames', '1:2:0']],
    [['entropy', WATER, '--format', 'pdb']],
    [['entropy', WATER, '--backend', 'gpu']],
    [['entropy', WATER, '--species', 'Cu']],
    [['entropy', WATER, '--units', 'furlong']],
    [['info', WATER, '-k', '5000']],
    [['info', WATER, '--units', 'lj']],
    [['overlap', 'absent.xyz', '-r', WATER, '-b', '1e-30']],
    [['entropy', WATER, '--precision', 'f16']],
    [['dh', WATER]],
    [['overlap', WATER, '-r', WATER, '--eps', 'much']],
    [['doctor', '-k', '3']],
  ])('%j is refused in one sentence, exit 2', async (args) => {
    const result = await runSurprisal(args);
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code: 2, stdout: '' });
    // Without a command the help stands before the sentence.
    expect(result.stderr.trimEnd().split('\n').at(-1)).toMatch(/^surprisal: error: \S/);
    if (args.length > 0) expect(result.stderr.trimEnd()).not.toContain('\n');
  });

  it('explains itself', async () => {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(await runSurprisal(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    const help = await runSurprisal(['--help']);
    expect(help.code).toBe(0);
    for (const command of ['info', 'descriptors', 'entropy', 'dh', 'overlap', 'doctor']) {
      expect(help.stdout).toContain(`  ${command} `);
      const own = await runSurprisal([command, '--help']);
      expect({ code: own.code, stderr: own.stderr }).toEqual({ code: 0, stderr: '' });
      for (const option of [
        '--json',
        '--output',
        '--overwrite',
        '--quiet',
        '--no-progress',
        '--verbose',
        '--threads',
      ]) {
        expect(own.stdout).toContain(option);
      }
    }
    expect((await runSurprisal(['help', 'dh'])).stdout).toMatch(/default 0\.015/);
  });

  it('shows a stack only to who asks for it', async () => {
    const { stderr } = await runSurprisal(['entropy', 'absent.xyz', '--verbose'], { cwd: folder });
    expect(stderr).toMatch(/\n {4}at /);
  });

  it.each([['entropy', WATER], ['entropy', WATER, '--json'], ['--version'], ['--help'], ['help', 'dh'], ['doctor']])(
    'says in one sentence that results cannot be written: %s %s',
    async (...args) => {
      const { code, stderr } = await runProcess('sh', [
        ...['-c', 'exec "$@" > /dev/full', 'sh'],
        ...[process.execPath, surprisalPath, ...args],
      ]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^surprisal: error: cannot write to standard output: [^\n]+\n$/);
    },
  );

  it('does not mind that messages cannot be written', async () => {
    const { code, stdout } = await runProcess('sh', [
      ...['-c', 'exec "$@" 2> /dev/full', 'sh'],
      ...[process.execPath, surprisalPath, 'entropy', ALLOY, '--json'],
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ command: 'entropy' });
  });

  it('says which options have no effect', async () => {
    const [npy, npz] = [inFolder('idle.npy'), inFolder('idle.npz')];
    await runJson(['descriptors', WATER, '-o', npy]);
    await runJson(['descriptors', WATER, '-o', npz]);
    const warnedOf = async (...args: string[]) => {
      const { code, stdout, stderr } = await runSurprisal([...args, '--json']);
      expect(code).toBe(0);
      const { warnings, parameters } = JSON.parse(stdout) as EntropyDocument;
      expect(stderr.trimEnd().split('\n')).toEqual(
        stderr === '' ? [''] : warnings.map((warning) => `surprisal: warning: ${warning}`),
      );
      return { flags: warnings.map((warning) => /^--\S+(?= has no effect: )/.exec(warning)?.[0]), parameters };
    };
    const options = ['--frames', '5:', '--species', '1=Cu', '--units', 'nano', '-k', '10', '--array', 'descriptors'];
    const idle = await warnedOf('entropy', npy, ...options);
    expect(idle.flags).toEqual(['--frames', '--species', '--units', '--k', '--array']);
    expect(idle.parameters).toMatchObject({ k: null, frames: null });
    expect((await warnedOf('entropy', npz, '--array', 'descriptors', '-c', '4')).flags).toEqual(['--cutoff']);
    const mixed = await warnedOf('dh', npy, '-r', WATER, '--frames', '0:', '-k', '32');
    expect(mixed).toMatchObject({ flags: [], parameters: { k: 32, frames: '0:' } });
    expect((await warnedOf('info', WATER, '-b', '0.02', '--precision', 'f32')).flags).toEqual([
      ...['--bandwidth', '--precision'],
    ]);
    expect((await warnedOf('entropy', WATER, '-b', '0.02', '--precision', 'f32')).flags).toEqual([]);
    const ofGroups = ['--eps', '1', '--seed', '2', '--projections', '3'];
    const alone = (await warnedOf('entropy', WATER, ...ofGroups)).flags;
    expect(alone.toSorted()).toEqual(['--eps', '--projections', '--seed']);
    expect((await warnedOf('entropy', WATER, ...ofGroups, '--group-by', 'file')).flags).toEqual([]);
    expect((await warnedOf('dh', WATER, '-r', WATER, ...ofGroups, '--group-by', 'file')).flags).toEqual([
      ...['--projections', '--seed'],
    ]);
    expect((await warnedOf('neighbors', WATER, '--precision', 'f32')).flags).toEqual(['--precision']);
    expect((await warnedOf('bandwidth', '--volume', '11', '--frames', ':')).flags).toEqual(['--frames']);
    expect((await warnedOf('bandwidth', WATER, '--scan-range', '0.1,1,3')).flags).toEqual(['--scan-range']);
    expect((await warnedOf('learning-curve', WATER, '--order', 'file', '-n', '2')).flags).toEqual(['--repeats']);
  });

  it('warns once of a file that is test and reference', async () => {
    const { warnings } = JSON.parse((await runSurprisal(['overlap', ALLOY, '-r', ALLOY, '--json'])).stdout);
    expect(warnings).toHaveLength(1);
  });

  it('does not mind a reader that goes away', async () => {
    const child = startSurprisal(['entropy', COPPER, '--json']);
    child.stdout?.destroy();
    const { code, stderr } = await finished(child);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('leaves nothing behind', async () => {
    const left = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.tmp'));
    expect(left).toEqual([]);
    await expect(access(inFolder('y.xyz'))).rejects.toThrow();
  });
});
