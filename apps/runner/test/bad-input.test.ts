import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Structure, SurprisalError } from '@surprisal/core';
import { openStructures, readMatrix } from '@surprisal/io/node';
import { outsideTest } from '@surprisal/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  BROKEN_FILES,
  type BrokenFile,
  ENORMOUS_COUNTS,
  heavyFiles,
  npy,
  npz,
  SMALL_FILES,
  SOUND_FILES,
  UNUSUAL_FILES,
} from './broken-files.ts';
import { runBatch } from './command-batch.ts';
import { checkDocument, runRefused } from './command-checks.ts';
import { buildSurprisal, type ProcessResult, runProcess, runSurprisal, surprisalPath } from './surprisal-process.ts';

let folder: string;
const inFolder = (name: string) => join(folder, name);

beforeAll(async () => {
  await buildSurprisal();
  folder = await mkdtemp(join(tmpdir(), 'surprisal-bad-input-'));
  for (const [name, content] of Object.entries(SMALL_FILES)) await writeFile(inFolder(`${name}.xyz`), content);
  await writeFile(inFolder('three.npy'), npy({}));
  await writeFile(inFolder('two.npy'), npy({ shape: '(3, 2)' }));
  await writeFile(inFolder('row.npy'), npy({ shape: '(1, 6)' }));
  for (const name of ['empty', 'words', 'taken.json', 'out']) await mkdir(inFolder(name));
  await writeFile(inFolder('words/notes.txt'), 'nothing of use\n');
  await writeFile(inFolder('old.json'), 'precious');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** One sentence on standard error, nothing on standard output, the right code. */
function expectRefusal({ code, stdout, stderr }: ProcessResult, expected: number, says: string | RegExp): void {
  expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
  expect(stderr).toMatch(/^surprisal: error: [^\n]+\n$/);
  const sentence = stderr.slice('surprisal: error: '.length, -1);
  if (typeof says === 'string') expect(sentence).toContain(says);
  else expect(sentence).toMatch(says);
}

function expectBroken(result: ProcessResult | undefined, { name, says }: BrokenFile): void {
  if (result === undefined) throw new Error(`${name} was not tried`);
  expect(result.code).toBe(1);
  expectRefusal(result, 1, name);
  const behind = result.stderr.slice(result.stderr.indexOf(name) + name.length, -1);
  if (typeof says === 'string') expect(behind).toContain(says);
  else expect(behind).toMatch(says);
}

async function tryFiles(files: readonly BrokenFile[]) {
  for (const { name, content } of files) await writeFile(inFolder(name), content);
  return runBatch(
    files.map(({ name, options = [] }) => ['entropy', name, ...options]),
    folder,
  );
}

describe('a file that cannot be believed', () => {
  let results: readonly ProcessResult[] = [];

  beforeAll(async () => {
    expect(new Set(BROKEN_FILES.map(({ name }) => name)).size).toBe(BROKEN_FILES.length);
    ({ results } = await tryFiles(BROKEN_FILES));
  });

  it.each(BROKEN_FILES.map((file, row) => ({ ...file, row })))('$name', (file) =>
    expectBroken(results[file.row], file),
  );

  it('is refused in the same words by a process of its own', async () => {
    for (const row of [0, Math.floor(BROKEN_FILES.length / 2), BROKEN_FILES.length - 1]) {
      const { name, options = [] } = BROKEN_FILES[row] as BrokenFile;
      expect(await runRefused(['entropy', name, ...options], 1, { cwd: folder })).toBe(results[row]?.stderr);
    }
  });

  it('of 10¹² atoms, of lines of 10 MB, and compressed to do harm: in little memory', async () => {
    const empty = await runBatch([['entropy', 'one.xyz']], folder);
    const files = [...ENORMOUS_COUNTS, ...heavyFiles()];
    const heavy = await tryFiles(files);
    for (const [row, file] of files.entries()) expectBroken(heavy.results[row], file);
    expect(heavy.maxRss - empty.maxRss).toBeLessThan(256 * 2 ** 20);
    for (const { name } of files) await rm(inFolder(name));
  });

  it('leaves no stack but to who asks for it, and no file', async () => {
    const args = ['descriptors', 'coordinate-nan.xyz', '-o', 'out/x.npy'];
    const { stderr } = await runSurprisal([...args, '--verbose'], { cwd: folder });
    expect(stderr).toMatch(/\n {4}at /);
    await runRefused(args, 1, { cwd: folder });
    for (const format of ['xyz', 'dump', 'poscar']) {
      await runRefused(['convert', 'coordinate-nan.xyz', `out/x.${format}`], 1, { cwd: folder });
    }
    await runRefused(['dh', 'sound.xyz', 'coordinate-nan.xyz', '-r', 'sound.xyz', '-o', 'out/x.xyz.gz'], 1, {
      cwd: folder,
    });
    expect(await readdir(inFolder('out'))).toEqual([]);
  });
});

describe('a file cut off at any byte', () => {
  async function framesOf(path: string): Promise<{ structures: Structure[]; warnings: string[] }> {
    const structures: Structure[] = [];
    const warnings: string[] = [];
    const onWarning = (message: string) => void warnings.push(message);
    for await (const structure of openStructures(path, { onWarning })) structures.push(structure);
    return { structures, warnings };
  }

  function expectSentence(error: unknown, path: string): void {
    expect(error).toBeInstanceOf(SurprisalError);
    expect((error as Error).message).toMatch(/^[^\n\p{Cc}]+$/u);
    expect((error as Error).message).toContain(path);
  }

  it.each([...SOUND_FILES])('$name is refused, or what is read of it is right or said', async ({ name, content }) => {
    const path = inFolder(`cut-${name}`);
    await writeFile(path, content);
    const whole = await framesOf(path);
    for (let length = 0; length < content.length; length++) {
      await writeFile(path, content.slice(0, length));
      const outcome = await framesOf(path).catch((error: unknown) => error);
      if (outcome instanceof Error) {
        expectSentence(outcome, path);
        continue;
      }
      const { structures, warnings } = outcome as typeof whole;
      const isSaid = warnings.some((message) => !whole.warnings.includes(message));
      // A CIF may end behind any atom, and any file without its last line end.
      const isShorter = name.endsWith('.cif') && content[length - 1] === '\n';
      if (!isSaid && !isShorter) expect(structures, `${length} bytes`).toEqual(whole.structures);
    }
  });

  it.each([...SOUND_FILES])('$name compressed is refused', async ({ name, content }) => {
    const path = inFolder(`cut-${name}.gz`);
    const bytes = gzipSync(content);
    for (let length = 0; length < bytes.length; length++) {
      await writeFile(path, bytes.subarray(0, length));
      expectSentence(await framesOf(path).catch((error: unknown) => error), path);
    }
  });

  it.each([
    ['.npy', npy({})],
    ['.npz', npz('descriptors.npy', npy({}))],
  ])('a matrix, %s, is refused', async (ending, bytes) => {
    const path = inFolder(`cut-matrix${ending}`);
    for (let length = 0; length < bytes.length; length++) {
      await writeFile(path, bytes.subarray(0, length));
      expectSentence(await readMatrix(path).catch((error: unknown) => error), path);
    }
  });
});

describe('a file that is unusual', () => {
  interface Document {
    readonly warnings: readonly string[];
    readonly environments: number;
  }
  let results: readonly ProcessResult[] = [];

  beforeAll(async () => {
    for (const { name, content } of UNUSUAL_FILES) await writeFile(inFolder(`unusual-${name}`), content);
    // A wide kernel, so that no set is too small for it.
    const lines = UNUSUAL_FILES.map(({ name }) => ['entropy', `unusual-${name}`, '-b', '1e6', '--json', '--quiet']);
    ({ results } = await runBatch(lines, folder));
  });

  it.each(UNUSUAL_FILES.map((file, row) => ({ ...file, row })))(
    '$name is read, and what is odd is said',
    ({ row, says }) => {
      const { code, stdout, stderr } = results[row] as ProcessResult;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const document = JSON.parse(stdout) as Document;
      checkDocument(document);
      const odd = document.warnings.filter((message) => !message.startsWith('undersampled'));
      expect(odd).toHaveLength(says.length);
      for (const [i, pattern] of says.entries()) expect(odd[i]).toMatch(pattern);
    },
  );
});

describe('outside data', () => {
  const OUTSIDE: Readonly<Record<string, RegExp>> = {
    'xyz/extended.xyz':
      /:3: atom 1 of 1, column "bad": the line ends where a number was expected \(near "H 1\.0 4\.0 2\.3"\)$/,
    'xyz/helium.xyz': /:6: the file ends after 4 of the 8 atoms that the frame declares$/,
    'lammps/atom-duplicated-id.lammpstrj': /:11: the id 2 belongs to two atoms of this frame$/,
    'lammps/atom-no-item.lammpstrj': /:9: a line that begins with ITEM: was expected \(near "DUMMY"\)$/,
    'lammps/atom-too-many-fields.lammpstrj': /:10:11: atom 1 of 2 has more fields than the 5 .* \(near "X"\)$/,
    'lammps/box-not-item.lammpstrj': /:5: a line that begins with ITEM: was expected \(near "DUMMY"\)$/,
    'lammps/box-wrong-size.lammpstrj': /:6: the bounds of the box along x must be 3 numbers, as line 5 announces/,
    'lammps/timestep-item-name.lammpstrj': /:1: this item is not known in a dump of atoms; .* \(near "ITEM: DUMMY"\)$/,
  };

  outsideTest('all that is there to be refused is refused, file and line', async (data) => {
    const files = (await readdir(join(data, 'bad'), { recursive: true })).filter((name) => name.includes('.'));
    expect(files.toSorted()).toEqual(Object.keys(OUTSIDE).toSorted());
    const { results } = await runBatch(
      Object.keys(OUTSIDE).map((name) => ['entropy', name]),
      join(data, 'bad'),
    );
    for (const [row, says] of Object.values(OUTSIDE).entries()) expectRefusal(results[row] as ProcessResult, 1, says);
  });

  outsideTest('each broken frame of the file of many is refused', async (data) => {
    const lines = (await readFile(join(data, 'bad/xyz/extended.xyz'), 'utf8')).trimEnd().split('\n');
    const names = [];
    for (let line = 0; line < lines.length; line += 3) {
      const name = `broken-frame-${line / 3}.xyz`;
      await writeFile(inFolder(name), `${lines.slice(line, line + 3).join('\n')}\n`);
      names.push(name);
    }
    expect(names).toHaveLength(9);
    const { results } = await runBatch(
      names.map((name) => ['entropy', name]),
      folder,
    );
    for (const result of results)
      expectRefusal(result, 1, /^broken-frame-\d\.xyz:3(:\d+)?: atom 1 of 1, column "bad": .*expected \(near "/);
  });
});

describe('a command line that cannot be', () => {
  const CASES: readonly (readonly [line: string, says: string | RegExp, code?: number])[] = [
    ...['0', '1', '-1', '1.5', 'nan', 'x'].map(
      (k) => [`entropy sound.xyz -k ${k}`, /-k.*whole number from 2 on/] as const,
    ),
    ['entropy sound.xyz -k 1000000000', /k is 1000000000.*4096/],
    ...['0', '-1', 'nan', 'inf', 'x'].map(
      (cutoff) => [`entropy sound.xyz -c ${cutoff}`, /-c.*number above 0/] as const,
    ),
    ['entropy sound.xyz -c 1e9', /cutoff is 1000000000/],
    ...['0', '-1', 'nan', 'Infinity', 'x', '0.1,,0.2', '0.1,auto'].map(
      (h) => [`entropy sound.xyz -b ${h}`, /-b.*number above 0/] as const,
    ),
    ['entropy sound.xyz -b 0.1,0.1', /one value is there twice/i],
    ['entropy sound.xyz -b 1e-300', /bandwidth is 1e-300/],
    ['entropy sound.xyz -b auto:magic', /auto:gaussian, auto:cutoff and auto:neighbors/],
    ...['0', '1.1', '-0.5', 'nan', 'x'].map(
      (share) => [`learning-curve sound.xyz -f ${share}`, /above 0 and not above 1/] as const,
    ),
    ['learning-curve sound.xyz -f 0.5,0.5', /twice/],
    ['learning-curve sound.xyz -n 0', /whole number from 1 on/],
    ['learning-curve sound.xyz --seed nan', /whole number from 0 on/],
    ['learning-curve sound.xyz --unit atoms', /choices are frames, environments/],
    ['learning-curve three.npy', /a matrix knows no frames.*--unit environments/],
    ['entropy sound.xyz --tie-tolerance -1', /number from 0 on/],
    ['entropy sound.xyz --precision f16', /choices are f64, f32/],
    ['entropy sound.xyz -j 0', /whole number from 1 on/],
    ['entropy sound.xyz --format pdb', /choices are/],
    ['entropy sound.xyz --species 0=Cu', /from 1 on/],
    ['entropy sound.xyz --frames a:b', /"a" is not a whole number/],
    ['entropy sound.xyz --frames 1:2:0', /the step is 0/],
    ['entropy sound.xyz@x', /^sound\.xyz@x: frames "x"/],
    ['entropy sound.xyz@0:2:0', /^sound\.xyz@0:2:0: .*the step is 0/],
    ['entropy sound.xyz --frames 5:', /^sound\.xyz: no environment is left to look at: no frame was selected/, 1],
    ['entropy none.xyz', /^none\.xyz: no environment is left to look at: the frames that were read hold no atoms/, 1],
    ['entropy', /missing required argument/],
    ['entropi sound.xyz', /unknown command 'entropi' \(Did you mean entropy\?\)/],
    ['entropy sound.xyz --bandwith 1', /Did you mean --bandwidth/],
    ['dh sound.xyz', /--reference/],
    ['dh sound.xyz -r sound.xyz --eps nan', /must be a number/],
    ['entropy absent.xyz', 'cannot read absent.xyz: there is no such file'],
    ['entropy absent/absent.xyz', 'there is no such file'],
    ['entropy sound.xyz/absent.xyz', 'there is no such file'],
    ['entropy *.absent', 'no file matches *.absent'],
    ['entropy empty', 'the folder empty holds no files of structures or matrices'],
    ['entropy words', 'the folder words holds no files of structures or matrices'],
    ['overlap sound.xyz -r absent.npy', 'cannot read absent.npy'],
    ['entropy sound.xyz --descriptor absent', /--descriptor absent: there is no such file; quests and multicomponent/],
    ['entropy sound.xyz --descriptor sound.xyz', /is not a module/],
    ['entropy sound.xyz --descriptor-options {', /is not JSON/],
    ['entropy sound.xyz --descriptor-options []', /must be a JSON object/],
    ['entropy sound.xyz --descriptor-options {"a":1}', /quests does not know "a"/],
    [
      'entropy sound.xyz --descriptor multicomponent --descriptor-options {"species":["Zr"]}',
      /^sound\.xyz: frame 1 .*atom 1 is Cu, which is not among the species Zr/,
      1,
    ],
    ['entropy sound.xyz --descriptor multicomponent --descriptor-options {"species":["Cu","Cu"]}', /Cu twice/],
    ['entropy sound.xyz -o old.json', 'old.json exists; choose another name, or replace it with --overwrite'],
    ['entropy sound.xyz -o taken.json --overwrite', 'no regular file'],
    ['entropy sound.xyz -o absent/x.json', 'absent: there is no such file or folder'],
    ['entropy sound.xyz -o sound.xyz/x.json', 'sound.xyz is no folder'],
    ['entropy sound.xyz -o x.txt', 'this command writes .json, .csv, .npz'],
    [`entropy sound.xyz -o out/${'x'.repeat(300)}.json`, 'the name is too long'],
    ['descriptors sound.xyz', '-o x.npy'],
    ['descriptors three.npy -o three.npy --overwrite', 'three.npy is one of the inputs'],
    ['dh sound.xyz -r one.xyz -o one.xyz --overwrite', 'one.xyz is one of the inputs'],
    ['convert sound.xyz sound.xyz', 'sound.xyz is one of the inputs'],
    ['convert sound.xyz ./sound.xyz --overwrite', 'is one of the inputs'],
    ['convert sound.xyz out/x', 'its name does not say in which format'],
    ['convert sound.xyz out/x.cif', 'cif is read and not written'],
    ['convert three.npy out/x.xyz', 'is a matrix, which goes to .npy or .npz'],
    ['convert sound.xyz', /missing required argument 'out'/],
    ['convert none.xyz out/x.poscar', /^out\/x\.poscar: the structure has no cell/, 1],
    ['compare sound.xyz', 'there is one set only'],
    ['compare three.npy two.npy', 'two.npy: an environment has 2 numbers, but 3 in three.npy', 1],
    ['compare none.xyz sound.xyz', 'none.xyz: no environment is left', 1],
    ['leakage three.npy two.npy', '2 numbers, but 3 in the training set three.npy', 1],
    ['leakage sound.xyz none.xyz', 'none.xyz: no environment is left', 1],
    ['leakage sound.xyz', /missing required argument 'test'/],
    ['gap three.npy --subset two.npy', '2 numbers, but 3 in the full set three.npy', 1],
    ['gap sound.xyz', /--subset/],
    ['gap sound.xyz --subset none.xyz', 'none.xyz: no environment is left', 1],
    ['dh three.npy -r two.npy', '3 numbers, but 2 in the reference two.npy', 1],
    ['entropy sound.xyz --group-by config_type', /no frame has the label "config_type"/],
    ['entropy three.npy --group-by species', /three\.npy is a matrix and holds no labels/],
    ['bandwidth', 'give files, or the volume per atom with --volume'],
    ['bandwidth sound.xyz --volume 3', 'give files or --volume, not both'],
    ['bandwidth --volume 3 --scan', '--scan looks at environments'],
    ['bandwidth --volume 0', /number above 0/],
    ['bandwidth one.xyz --rule gaussian', /does not hold here.*take the rule neighbors/],
    ['bandwidth sound.xyz --scan --scan-range 2,1,3', /ends and the number of steps/],
    ['bandwidth one.xyz', /one environment; a bandwidth from neighbours needs at least two/, 1],
    ['entropy one.xyz -b auto', /one environment; a bandwidth from neighbours needs at least two/, 1],
    ['neighbors', 'give files, or --density and --mass'],
    ['neighbors --density 3', '--density and --mass belong together'],
    ['neighbors sound.xyz --mass 3', 'not both'],
    ['neighbors sound.xyz --atom 1', 'name the file for it'],
    ['neighbors sound.xyz --atom 2 -o out/x.xyz', 'there is no atom 2'],
    ['neighbors sound.xyz one.xyz --atom 0 -o out/x.xyz', '--atom belongs to one file'],
    ['neighbors sound.xyz --atom 0 -o out/x.npy', 'its name says no format'],
    ['neighbors three.npy', 'three.npy is a matrix, which knows no neighbours'],
    ['neighbors none.xyz', 'there are no atoms', 1],
    ['metrics sound.xyz -o out/x.txt', 'the ending says how to write it'],
    ['completion', /missing required argument 'shell'/],
    ['completion tcsh', /choices are/],
    ['doctor more', /too many arguments/],
  ];
  let results: readonly ProcessResult[] = [];

  beforeAll(async () => {
    const lines = CASES.map(([line]) => line.split(' '));
    ({ results } = await runBatch(lines, folder));
  });

  it.each(CASES.map(([line, says, code = 2], row) => ({ line, says, code, row })))(
    '$line: $code',
    ({ says, code, row }) => expectRefusal(results[row] as ProcessResult, code, says),
  );

  it('leaves everything as it was', async () => {
    expect(await readFile(inFolder('old.json'), 'utf8')).toBe('precious');
    expect(await readFile(inFolder('sound.xyz'), 'utf8')).toBe(SMALL_FILES.sound);
    expect(await readFile(inFolder('one.xyz'), 'utf8')).toBe(SMALL_FILES.one);
    expect(await readdir(inFolder('out'))).toEqual([]);
  });

  it('keeps names that hold line ends, and empty ones, on one line', async () => {
    const { results: odd } = await runBatch(
      [
        ['entropy', 'two\nlines.xyz'],
        ['entropy', 'escape\u001b[31m.xyz'],
        ['entropy', ''],
        ['entropy', 'sound.xyz', '-o', ''],
        ['entropy', 'sound.xyz', '--descriptor', 'two\nlines'],
      ],
      folder,
    );
    for (const result of odd) expectRefusal(result, 2, /^[^\p{Cc}]+$/u);
  });
});

describe('few environments, and frames without any', () => {
  const FILES = ['one.xyz', 'sound.xyz', 'gaps.xyz', 'row.npy'];
  const LINES = FILES.flatMap((file) => [
    ...['entropy', 'metrics', 'info'].map((command) => [command, file]),
    ...['gap --subset', 'dh -r', 'overlap -r'].map((words) => {
      const [command = '', option = ''] = words.split(' ');
      return [command, file, option, file];
    }),
    ['learning-curve', file, '--unit', 'environments'],
    ['leakage', file, file],
    ['compare', file, file],
    ['bandwidth', file, '--scan', '--rule', 'neighbors'],
    ...(file.endsWith('.npy')
      ? []
      : [
          ['neighbors', file],
          ['learning-curve', file, '--order', 'file', '-f', '1'],
          ['entropy', file, '--group-by', 'species'],
          ['metrics', file, '--sensitivity'],
        ]),
  ]);

  it('give a document, or one sentence', async () => {
    const { results } = await runBatch(
      LINES.map((line) => [...line, '--json', '--quiet']),
      folder,
    );
    for (const [row, result] of results.entries()) {
      const line = (LINES[row] as string[]).join(' ');
      if (result.code === 0) {
        expect(result.stderr, line).toBe('');
        checkDocument(JSON.parse(result.stdout));
      } else {
        // Nothing but a bandwidth needs two environments, and such that differ.
        expect(line).toMatch(/^bandwidth /);
        expectRefusal(result, 1, /at least two|all 2 environments are equal/);
      }
    }
  });
});

describe('a system that does not let it', () => {
  const command = [process.execPath, surprisalPath];

  /** Runs a command in a shell that does something first; what is left in `out` is told on standard output. */
  const runIn = (shell: string, args: readonly string[]) =>
    runProcess(
      'sh',
      ['-c', `${shell}\n"$@"; code=$?; ls -A out | sed 's/^/left: /'; exit $code`, 'sh', ...command, ...args],
      {
        cwd: folder,
      },
    );

  /** Runs a command while a small file system, with these options, is mounted at `out`; undefined where none may be. */
  async function runMounted(options: string, args: readonly string[]): Promise<ProcessResult | undefined> {
    const script = `mount -t tmpfs -o ${options} tmpfs out || exit 99\n"$@"; code=$?; ls -A out | sed 's/^/left: /'; exit $code`;
    const words = ['-m', 'sh', '-c', script, 'sh', ...command, ...args];
    const result = await runProcess('unshare', words, { cwd: folder }).catch(() => undefined);
    return result?.code === 99 || /^unshare:/.test(result?.stderr ?? '') ? undefined : result;
  }

  const matrix = ['descriptors', 'many.xyz', '-o', 'out/x.npy'];
  const WRITERS = [
    matrix,
    ['convert', 'many.xyz', 'out/x.lammpstrj'],
    ['dh', 'many.xyz', '-r', 'one.xyz', '-o', 'out/x.csv'],
  ];

  beforeAll(() => writeFile(inFolder('many.xyz'), SMALL_FILES.sound.repeat(1000)));

  it('a disk that is full: one sentence, and nothing is left', async () => {
    for (const args of WRITERS) {
      const full = await runMounted('size=16k', args);
      if (full !== undefined) expectRefusal(full, 1, /^cannot write out\/x\.\w+: the disk is full$/);
      // In blocks of 512 bytes; a limit that anybody may set.
      const limited = await runIn('ulimit -f 8', args);
      expectRefusal(limited, 1, /^cannot write out\/x\.\w+: the file would be larger than is allowed here$/);
    }
  });

  it('a folder that cannot be written: one sentence, before any work', async () => {
    const mounted = await runMounted('ro', matrix);
    if (mounted !== undefined) {
      expectRefusal(mounted, 2, 'out/x.npy cannot be written: out: the file system is read-only');
      return;
    }
    // Permissions do not bind who is root, and who is not cannot mount.
    const user = process.getuid?.() === 0 ? 'set -- setpriv --reuid=65534 --regid=65534 --clear-groups "$@"\n' : '';
    const denied = await runIn(`${user}chmod 755 . && chmod 555 out`, matrix);
    await runProcess('chmod', ['755', 'out'], { cwd: folder });
    expectRefusal(denied, 2, 'out/x.npy cannot be written: out: permission denied');
  });

  it('a reader that goes away: no sentence, no failure', async () => {
    const { code, stdout, stderr } = await runProcess(
      'sh',
      [
        '-c',
        '{ "$@"; echo "code $?" >&2; } | head -c 1',
        'sh',
        ...command,
        'leakage',
        'many.xyz',
        'many.xyz',
        '--json',
        '--quiet',
      ],
      { cwd: folder },
    );
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '{', stderr: 'code 0\n' });
  });
});

describe('the batch', () => {
  it('leaves nothing behind', async () => {
    const left = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.tmp'));
    expect(left).toEqual([]);
  });
});
