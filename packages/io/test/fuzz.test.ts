import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createMatrix, createStructure, ParseError, type Structure, SurprisalError } from '@surprisal/core';
import {
  formatExtxyz,
  formatNpy,
  formatNpz,
  parseFrameSlice,
  parseNpy,
  parseNpz,
  type StructureFormat,
} from '@surprisal/io';
import { loadAddon } from '@surprisal/native';
import { longTests, mutate, outsideData, type RandomStream, randomStream } from '@surprisal/testing';
import { describe, test } from 'vitest';
import { CommentError, parseExtxyzComment } from '../src/extxyz-comment.ts';
import { decompress } from '../src/node/decompress.ts';
import { splitFrames } from '../src/node/expand-inputs.ts';
import { readWith } from '../src/read-structures.ts';
import { RowBlocks } from '../src/row-blocks.ts';
import { readText } from './read-text.ts';

/** Cases of each parser. */
const CASES = longTests ? 1_000_000 : 10_000;
const MINUTES = 60_000;
/** A case that takes longer hangs. */
const LONGEST_MS = 1000;
/** Array memory that broken files of at most 64 KiB may leave to the collector. */
const MOST_MEMORY = 512 * 1024 * 1024;
const FILE = 'broken.file';

const encoder = new TextEncoder();

/** Small files of ours, of each format and of what it permits. */
const FILES: Readonly<Record<StructureFormat, readonly string[]>> = {
  extxyz: [
    '2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3:forces:R:3:tag:I:1:free:L:1:name:S:1 energy=-1.5 pbc="T T F"\nNa 0 0 0 0.1 -1e-3 2D2 7 T a\nCl 2 2 2.5 nan inf 0 -8 F b\n',
    '1\nProperties=pos:R:3:Z:I:1 virial="1 2 3 4 5 6 7 8 9" a={1 2 3} b=[[1,2],[3,4]] c=_JSON "[true, null]" d="x \\"y\\"" flag\n1.5 -2 3 29\n',
    '2\nLattice=\'1 0 0 0 1 0 0 0 1\' Origin="0 0 1" text=\'two words\' e="T F T"\nH 0 0 0\nO 0.5 0.5 0.5\n1\nH2O\nHe 1 2 3\n',
  ],
  xyz: ['2\nhydrogen\nH 0 0 0 1\nH 0 0 0.74 2.5\n\n', '1\n\n6 1e1 -.5 +3.\n2\nenergy=1\nH 0 0 0\nX 1 2 3\n'],
  'lammps-dump': [
    'ITEM: TIMESTEP\n100\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp ff\n-1 4.5\n0 5.25\n0 6\nITEM: ATOMS id type element x y z vx\n2 1 Cu 1 2 3 0.5\n1 2 Zr 0.25 0 0 -1\n',
    'ITEM: UNITS\nreal\nITEM: TIME\n0.5\nITEM: TIMESTEP\n1\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS xy xz yz pp pp pp\n-1 4.5 -1\n0 5.25 0.5\n0 6 0.25\nITEM: ATOMS xs ys zs c_1[1] c_1[2]\n0.5 .25 1e-1 3 x\n',
  ],
  'lammps-data': [
    '# two atoms\n\n2 atoms\n2 atom types\n\n-1 4.5 xlo xhi\n0 5 ylo yhi\n0 6 zlo zhi\n0.5 0 0.25 xy xz yz\n\nMasses\n\n1 63.5 # Cu\n2 91.2\n\nAtoms # charge\n\n2 1 0.5 1 2 3 0 0 1\n1 2 -0.5 0 0 0 0 0 0\n\nVelocities\n\n1 0 0 1\n2 0 1 0\n',
    'LAMMPS data file, units = real\n1 atoms\n1 atom types\n0 4 xlo xhi\n0 4 ylo yhi\n0 4 zlo zhi\n\nAtoms\n\n1 1 0.5 0.25 0.125\n',
  ],
  poscar: [
    'NaCl\n-64.0\n1 0 0\n0 1 0\n0.1 0 1\nNa Cl\n1 1\nSelective dynamics\nDirect\n0 0 0 T T F\n0.5 0.5 0.5 F F F\n\n0.1 0 0\n0 0.2 0\n',
    'Cu\n1 2 3\n4 0 0\n0 4 0\n0 0 4\n2\nCartesian\n0 0 0 Cu\n2 2 0 Cu\n',
  ],
  xdatcar: [
    'MD of Si\n1.0\n4 0 0\n0 4 0\n0 0 4\nSi O\n1 1\nDirect configuration=     1\n0 0 0\n0.5 0.5 0.5\nDirect configuration=     2\n0.01 0 0\n0.5 0.51 0.5\n',
  ],
  cif: [
    "data_a\n_chemical_formula_sum 'Na Cl'\n_cell_formula_units_Z 2\n_cell_length_a 4.0(1)\n_cell_length_b 5\n_cell_length_c 6\n_cell_angle_alpha 90\n_cell_angle_beta 95.5\n_cell_angle_gamma 90\nloop_\n_space_group_symop_operation_xyz\nx,y,z\n'-x,1/2+y,-z'\nloop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\nNa1 Na+ 0.25 0.1(2) 0.5 1\n'Cl 1' Cl- 0 .5 0 0.5\n",
    "data_b\n_text\n;\nlines\n;\n_cell.length_a 4\n_cell.length_b 4\n_cell.length_c 4\n_cell.angle_alpha 90\n_cell.angle_beta 90\n_cell.angle_gamma 90\n_symmetry.space_group_name_H-M 'P 1 21/n 1'\nloop_\n_atom_site.type_symbol\n_atom_site.Cartn_x\n_atom_site.Cartn_y\n_atom_site.Cartn_z\nC 1 2 3\nFE 0 0 0.5 # end\ndata_c\n_cell_length_a 3\n_space_group_name_Hall '-P 2yn'\n",
  ],
};

/** Real files of each format that are small, in the folder of outside data where that is at hand. */
const REAL_FILES: Readonly<Record<StructureFormat, readonly string[]>> = {
  extxyz: [
    'extxyz/ice_test.xyz',
    'extxyz/slab_C49N.xyz',
    '3bpa/iso_atoms.xyz',
    'edge/skewed.xyz',
    'bad/xyz/extended.xyz',
  ],
  xyz: ['xyz/methane.xyz', 'xyz/trajectory.xyz', 'bad/xyz/helium.xyz'],
  'lammps-dump': ['lammps/conf.bcc.scaled.dump', 'lammps/dump.rdx_wc.0', 'bad/lammps/atom-duplicated-id.lammpstrj'],
  'lammps-data': ['lammps-data/triclinic-1.lmp', 'lammps-data/whitespaces.lmp'],
  poscar: [
    'poscar/Cr2O3.direct.poscar',
    'poscar/MnO.cartesian.poscar',
    'poscar/POSCAR_no_species',
    'poscar/POSCAR_velocity',
  ],
  xdatcar: ['xdatcar/XDATCAR-CaSiO3'],
  cif: ['cif/Graphite.cif', 'cif/LiFePO4.cif'],
};
/** Of a trajectory, so much is enough. */
const LARGEST_SEED = 4096;

function realFiles(format: StructureFormat): Uint8Array[] {
  const folder = outsideData();
  if (folder === undefined) return [];
  return REAL_FILES[format].map((file) => readFileSync(join(folder, file)).subarray(0, LARGEST_SEED));
}

/** Whether an error is a refusal as a user may see it: known, in one line, and of a file that cannot be believed with its name. */
function expectRefusal(error: unknown, codes: ReadonlySet<string>): void {
  if (!(error instanceof SurprisalError)) throw error;
  if (!codes.has(error.code))
    throw new Error(`the code ${error.code} was not expected: ${error.message}`, { cause: error });
  expectLine(error.message);
  if (error instanceof ParseError && !error.message.startsWith(FILE)) throw new Error(`no file in: ${error.message}`);
}

function expectLine(message: string): void {
  if (/[\n\r\0]/.test(message) || message.length < 10) throw new Error(`not one line: ${JSON.stringify(message)}`);
}

const OF_CONTENT: ReadonlySet<string> = new Set(['PARSE_ERROR', 'UNKNOWN_FORMAT', 'UNSUPPORTED']);
const OF_ARRAYS: ReadonlySet<string> = new Set(['PARSE_ERROR', 'UNSUPPORTED', 'INVALID_ARGUMENT']);
const OF_ARGUMENTS: ReadonlySet<string> = new Set(['INVALID_ARGUMENT']);

/** What is read of broken files, or refused, is what they say: it can be written, and then reads the same. */
async function readAndRepeat(bytes: Uint8Array, format: StructureFormat | undefined): Promise<void> {
  let structures: Structure[];
  try {
    structures = await readText(bytes, { file: FILE, format, onWarning: expectWarning });
  } catch (error) {
    expectRefusal(error, OF_CONTENT);
    return;
  }
  await expectRepeated(structures);
}

/** Formats of which native code reads rows, with more of them than the files above have. */
const OF_NATIVE_ROWS: Partial<Record<StructureFormat, readonly string[]>> = {
  extxyz: [
    `9\nLattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3:tag:I:1:free:L:1:force:R:2\n${'Na 0.5 -1e-3 2.25 7 T 1.5 nan\nCl 1 2 3 -8 false 0 1e2\nNa 4 5 6 0 F -0 .5\n'.repeat(3)}`,
    `6\nProperties=Z:I:1:pos:R:3:name:S:1\n${'29 0 0 1.123456789012345678 a\n8 1 1 2 bb\n'.repeat(3)}`,
  ],
  xyz: [`8\n\n${'H 0 0 0.74 1 2\n6 1e1 -.5 +3. 0 0\n'.repeat(4)}`],
  'lammps-dump': [
    `ITEM: TIMESTEP\n1\nITEM: NUMBER OF ATOMS\n8\nITEM: BOX BOUNDS pp pp ff\n0 9\n0 9\n0 9\nITEM: ATOMS id type element x y z vx c_1\n${[5, 2, 8, 1, 3, 4, 7, 6].map((id) => `${id} ${1 + (id % 2)} ${id % 2 === 0 ? 'Cu' : 'Zr'} ${id}.25 -1 1e-3 0.5 ${id}\n`).join('')}`,
  ],
};

const { addon } = loadAddon();

/** Native code, which takes rows from the second on here, reads and refuses what the reference does, with the same words. */
async function expectSameNatively(bytes: Uint8Array, format: StructureFormat, random: RandomStream): Promise<void> {
  if (addon === null) return;
  const blocks = new RowBlocks(addon, random.whole(1, 3), 1);
  const chunk = random.chance(0.3) ? random.whole(1, 100) : 1 << 20;
  const [expected, found] = [
    await outcomeOf(bytes, format, undefined, 1 << 20),
    await outcomeOf(bytes, format, blocks, chunk),
  ];
  if (expected.said !== found.said) throw new Error(`native code says ${found.said}; the reference ${expected.said}`);
  if (expected.structures.length !== found.structures.length) throw new Error('native code reads other frames');
  for (const [frame, structure] of expected.structures.entries()) {
    const difference = differenceOf(structure, found.structures[frame] as Structure, false);
    if (difference !== undefined) throw new Error(`native code reads other ${difference} of frame ${frame}`);
  }
}

/** The structures of a file up to where it is refused, and everything that is said of it. */
async function outcomeOf(
  bytes: Uint8Array,
  format: StructureFormat,
  blocks: RowBlocks | undefined,
  chunk: number,
): Promise<{ readonly structures: readonly Structure[]; readonly said: string }> {
  async function* chunks(): AsyncGenerator<Uint8Array, void> {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
  }
  const structures: Structure[] = [];
  const said: string[] = [];
  try {
    const options = { file: FILE, format, onWarning: (message: string) => void said.push(message) };
    for await (const structure of readWith(blocks, chunks(), options)) structures.push(structure);
  } catch (error) {
    said.push(String(error));
  }
  return { structures, said: said.join('; ') };
}

function expectWarning(message: string): void {
  expectLine(message);
  if (!message.startsWith(FILE)) throw new Error(`no file in: ${message}`);
}

async function expectRepeated(structures: readonly Structure[]): Promise<void> {
  let text = '';
  let isRenamed = false;
  for (const structure of structures) {
    const onWarning = () => {
      isRenamed = true;
    };
    for (const piece of formatExtxyz(structure, { onWarning })) text += piece;
  }
  if (structures.length === 0) return;
  const again = await readText(text, { file: FILE, format: 'extxyz' });
  if (again.length !== structures.length) throw new Error(`${structures.length} frames became ${again.length}`);
  for (const [frame, structure] of structures.entries()) {
    const difference = differenceOf(structure, again[frame] as Structure, isRenamed);
    if (difference !== undefined)
      throw new Error(`frame ${frame}, written and read again, has other ${difference}:\n${text}`);
  }
}

/** What differs between two structures, to the last bit. */
function differenceOf(a: Structure, b: Structure, isRenamed: boolean): string | undefined {
  if (!isSame(a.positions, b.positions)) return 'positions';
  if (!isSame(a.cell, b.cell)) return 'cell';
  if (!isSame(a.pbc, b.pbc)) return 'boundaries';
  if (!isSame(symbols(a), symbols(b))) return 'species';
  for (const what of ['columns', 'info'] as const) {
    const [names, others] = [[...a[what].keys()], [...b[what].keys()]];
    if (isRenamed ? names.length !== others.length : !isSame(names, others))
      return `names of ${what}: ${names}; ${others}`;
    for (const [at, name] of names.entries()) {
      const [one, other] = [a[what].get(name), b[what].get(others[at] as string)];
      if (one?.kind !== other?.kind || !isSame(one?.values, other?.values)) return `${what} ${name}`;
      if (one !== undefined && 'shape' in one && !isSame(one.shape, (other as typeof one).shape))
        return `shape of ${name}`;
    }
  }
  return undefined;
}

function symbols({ species }: Structure): string[] {
  return Array.from(species.index, (place) => species.symbols[place] as string);
}

function isSame(a: ArrayLike<unknown> | null | undefined, b: ArrayLike<unknown> | null | undefined): boolean {
  if (a === null || b === null || a === undefined || b === undefined) return a === b;
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (!Object.is(a[at], b[at])) return false;
  return true;
}

/** A promise that fails where it is not settled in time. */
function watched(pending: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('never ends')), 10 * LONGEST_MS);
    const done = () => clearTimeout(timer);
    pending.then(
      () => {
        done();
        resolve();
      },
      (error: unknown) => {
        done();
        reject(error);
      },
    );
  });
}

async function timed(run: () => void | Promise<void>): Promise<number> {
  const started = performance.now();
  const pending = run();
  if (pending !== undefined) await watched(pending);
  return performance.now() - started;
}

/**
 * Hands broken files to a parser, thousands of them, each made from a seed of its own. One that fails is printed; the
 * environment variable SURPRISAL_SEED repeats it alone.
 */
function fuzz(
  name: string,
  files: readonly (string | Uint8Array)[],
  check: (bytes: Uint8Array, random: RandomStream) => void | Promise<void>,
): void {
  const seeds = files.map((file) => (typeof file === 'string' ? encoder.encode(file) : file));
  test(
    name,
    async () => {
      for (const seed of seeds) await check(seed, randomStream(0));
      const asked = process.env['SURPRISAL_SEED'];
      const first = asked ? Number(asked) : Math.floor(Math.random() * 2 ** 31);
      for (let seed = first; seed < first + (asked ? 1 : CASES); seed++) {
        const random = randomStream(seed);
        const bytes = mutate(random.pick(seeds), random, seeds);
        try {
          // A machine that is busy with other things may stall once.
          let took = await timed(() => check(bytes, random));
          if (took > LONGEST_MS) took = await timed(() => check(bytes, random));
          if (took > LONGEST_MS) throw new Error(`${took.toFixed(0)} ms`);
          if (seed % 1024 === 0 && process.memoryUsage().arrayBuffers > MOST_MEMORY) throw new Error('too much memory');
        } catch (error) {
          const content = Buffer.from(bytes).toString('latin1');
          throw new Error(
            `seed ${seed} (repeat with SURPRISAL_SEED=${seed}): ${error instanceof Error ? error.message : String(error)}\n` +
              `bytes: ${JSON.stringify(content)}`,
            { cause: error },
          );
        }
      }
    },
    longTests ? 120 * MINUTES : 10 * MINUTES,
  );
}

describe(`${CASES} broken files each`, () => {
  const everything = Object.values(FILES).flat();
  for (const [format, files] of Object.entries(FILES) as [StructureFormat, readonly string[]][]) {
    const ofRows = OF_NATIVE_ROWS[format];
    fuzz(format, [...files, ...realFiles(format), ...(ofRows ?? [])], async (bytes, random) => {
      await readAndRepeat(bytes, format);
      if (ofRows !== undefined && random.chance(0.15)) await expectSameNatively(bytes, format, random);
    });
  }

  fuzz('any format, told by its content', everything, (bytes) => readAndRepeat(bytes, undefined));

  fuzz('gz', [gzipSync(everything[0] as string), gzipSync('x'.repeat(10_000)), gzipSync('')], async (bytes, random) => {
    const cut = random.whole(0, bytes.length);
    async function* chunks(): AsyncGenerator<Uint8Array, void> {
      yield bytes.subarray(0, cut);
      yield bytes.subarray(cut);
    }
    try {
      let length = 0;
      for await (const chunk of decompress(FILE, chunks(), {})) length += chunk.length;
      // What is read is all that is there: gzip says how much that is in its last four bytes.
      if (bytes[0] === 0x1f && bytes[1] === 0x8b && length > 1032 * bytes.length) throw new Error(`${length} bytes`);
    } catch (error) {
      expectRefusal(error, OF_CONTENT);
    }
  });

  const matrices = [
    createMatrix(2, 3, Float64Array.of(1, -0, Number.NaN, 4, 5, 1e-310)),
    createMatrix(3, 1, Float32Array.of(1, 2, 3)),
  ];
  const joined = (pieces: Iterable<Uint8Array>) => new Uint8Array(Buffer.concat([...pieces]));

  fuzz(
    'npy',
    matrices.map((matrix) => joined(formatNpy(matrix))),
    (bytes) => {
      try {
        const matrix = parseNpy(bytes, FILE);
        const again = parseNpy(joined(formatNpy(matrix)), FILE);
        if (!isSame(matrix.data, again.data) || matrix.columns !== again.columns)
          throw new Error('reads otherwise again');
      } catch (error) {
        expectRefusal(error, OF_ARRAYS);
      }
    },
  );

  fuzz(
    'npz',
    matrices.flatMap((matrix) => [joined(formatNpz(matrix)), joined(formatNpz(matrix, { array: 'x' }))]),
    async (bytes) => {
      try {
        const matrix = await parseNpz(bytes, FILE);
        const again = await parseNpz(joined(formatNpz(matrix)), FILE);
        if (!isSame(matrix.data, again.data) || matrix.columns !== again.columns)
          throw new Error('reads otherwise again');
      } catch (error) {
        expectRefusal(error, OF_ARRAYS);
      }
    },
  );

  fuzz('frames of a path', ['0:100:5', 'traj.xyz@-1', ':', 'a@1.xyz@::-2', '1'], (bytes) => {
    const text = new TextDecoder().decode(bytes);
    const split = splitFrames(text);
    if (split !== undefined && `${split.path}@${split.slice}` !== text) throw new Error('parts are not the whole');
    try {
      const { start, stop, step } = parseFrameSlice(split?.slice ?? text);
      if (step === 0) throw new Error('the step is 0');
      const again = parseFrameSlice(`${start ?? ''}:${stop ?? ''}:${step}`);
      if (!isSame([again.start, again.stop, again.step], [start, stop, step])) throw new Error('reads otherwise again');
    } catch (error) {
      expectRefusal(error, OF_ARGUMENTS);
    }
  });

  const comments = everything.flatMap((file) => file.split('\n').filter((line) => line.includes('=')));
  fuzz('comment of extended XYZ', comments, (bytes) => {
    const line = new TextDecoder().decode(bytes).replaceAll(/[\n\r]/g, ' ');
    let comment: ReturnType<typeof parseExtxyzComment>;
    try {
      comment = parseExtxyzComment(line);
    } catch (error) {
      if (!(error instanceof CommentError)) throw error;
      return;
    }
    const { info } = comment;
    const structure = createStructure({ positions: new Float64Array(3), info });
    let isRenamed = false;
    const onWarning = () => {
      isRenamed = true;
    };
    const [, written = ''] = [...formatExtxyz(structure, { onWarning })].join('').split('\n');
    const again = { ...structure, info: parseExtxyzComment(written).info };
    const difference = differenceOf(structure, again, isRenamed);
    if (difference !== undefined) throw new Error(`written and read again, there are other ${difference}: ${written}`);
  });
});
