import { deflateRawSync, gzipSync } from 'node:zlib';

/** A file that must be refused for its content, and what is said of it. */
export interface BrokenFile {
  readonly name: string;
  readonly content: string | Uint8Array;
  /** Behind the name of the file: the place, the problem, the offending text. */
  readonly says: string | RegExp;
  /** Beside the file on the command line of `entropy`. */
  readonly options?: readonly string[];
}

/** A format, written by hand: what may be wrong with two atoms of it. */
interface FormatOfRows {
  readonly ending: string;
  /** The file around some rows of atoms, with what it declares for their number. */
  readonly around: (rows: string, count?: string) => string;
  readonly first: string;
  /** Ends in three coordinates. */
  readonly second: string;
  /** One atom more. */
  readonly third: string;
  /** Line of the first atom. */
  readonly line: number;
}

const BOX = '0 9\n0 9\n0 9';
const extxyz = (rows: string, count = '2', comment = 'Lattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3') =>
  `${count}\n${comment}\n${rows}`;
const plainXyz = (rows: string, count = '2') => extxyz(rows, count, 'two atoms');
const dump = (rows: string, count = '2', box = `ITEM: BOX BOUNDS pp pp pp\n${BOX}`, columns = 'id type x y z') =>
  `ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n${count}\n${box}\nITEM: ATOMS ${columns}\n${rows}`;
const poscar = (rows: string, count = '2', { scale = '1.0', cell = '9 0 0\n0 9 0\n0 0 9', mode = 'Direct' } = {}) =>
  `copper\n${scale}\n${cell}\nCu\n${count}\n${mode}\n${rows}`;
const xdatcar = (rows: string, count = '2') =>
  `copper\n1.0\n9 0 0\n0 9 0\n0 0 9\nCu\n${count}\nDirect configuration=     1\n${rows}`;
const lammpsData = (rows: string, count = '2', box = '0 9 xlo xhi\n0 9 ylo yhi\n0 9 zlo zhi') =>
  `LAMMPS data file\n\n${count} atoms\n1 atom types\n\n${box}\n\nAtoms # atomic\n\n${rows}`;
const cif = (rows: string, a = '9', group = 'P 1') =>
  `data_copper\n_cell_length_a ${a}\n_cell_length_b 9\n_cell_length_c 9\n_cell_angle_alpha 90\n_cell_angle_beta 90\n` +
  `_cell_angle_gamma 90\n_space_group_name_H-M_alt '${group}'\nloop_\n_atom_site_label\n_atom_site_type_symbol\n` +
  `_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n${rows}`;

const XYZ = { first: 'Cu 0 0 0', second: 'Cu 2 2 2', third: 'Cu 2 2 4', line: 3 };
const LAMMPS = { first: '1 1 0 0 0', second: '2 1 2 2 2', third: '3 1 2 2 4' };
const VASP = { first: '0 0 0', second: '.2 .2 .2', third: '.2 .2 .4', line: 9 };
const CIF = { first: 'Cu1 Cu 0 0 0', second: 'Cu2 Cu .2 .2 .2', third: 'Cu3 Cu .2 .2 .4', line: 15 };

const FORMATS: Readonly<Record<string, FormatOfRows>> = {
  extxyz: { ending: '.xyz', around: extxyz, ...XYZ },
  xyz: { ending: '-plain.xyz', around: plainXyz, ...XYZ },
  dump: { ending: '.dump', around: dump, ...LAMMPS, line: 10 },
  data: { ending: '.lmp', around: lammpsData, ...LAMMPS, line: 12 },
  poscar: { ending: '.poscar', around: poscar, ...VASP },
  xdatcar: { ending: '.xdatcar', around: xdatcar, ...VASP },
  cif: { ending: '.cif', around: cif, ...CIF },
};

/** A sound file of each format, of two atoms. */
export const SOUND_FILES: readonly { readonly name: string; readonly content: string }[] = Object.values(FORMATS).map(
  ({ ending, around, first, second }) => ({ name: `sound${ending}`, content: around(`${first}\n${second}\n`) }),
);

/** Rows, numbers of atoms and coordinates that are wrong, in every format that has a way to be wrong so. */
const BROKEN_ROWS: readonly BrokenFile[] = Object.entries(FORMATS).flatMap(([format, spec]) => {
  const { ending, around, first, second, third, line } = spec;
  const broken = (what: string, rows: readonly string[], says: string | RegExp, count?: string): BrokenFile => ({
    name: `${what}${ending}`,
    content: around(rows.map((row) => `${row}\n`).join(''), count),
    says,
  });
  const withLast = (value: string) => second.replace(/\S+$/, value);
  const files = ['nan', '-inf', '1e999', 'zero'].map((value) =>
    broken(
      `coordinate-${value}`,
      [first, withLast(value)],
      new RegExp(`^:${line + 1}:\\d+: .*number.* was expected \\(near "${value}"\\)$`),
    ),
  );
  files.push(
    broken(
      'row-short',
      [first.replace(/ \S+$/, ''), second],
      format === 'cif' ? `:${line + 2}: ` : `:${line}: atom 1 of 2`,
    ),
  );
  // Behind the atoms of plain XYZ and POSCAR may stand what is read, or not, with a word about it.
  if (format !== 'xyz' && format !== 'poscar')
    files.push(
      broken(
        'row-long',
        [`${first} 7`, second],
        format === 'cif' ? `:${line + 2}: ` : new RegExp(`^:${line}:.*(near "7")`),
      ),
    );
  // A CIF does not say how many atoms it holds.
  if (format === 'cif') return files;
  const counting =
    format === 'extxyz' || format === 'xyz'
      ? 'a frame of an XYZ file begins with'
      : /number|species|counts of atoms|\bheader\b/;
  files.push(
    broken('atoms-fewer', [first], `:${line}: the file ends after 1 of the 2 atoms`),
    broken('atoms-more', [first, second, third], new RegExp(`^:${line + 2}: .*\\(near "${third}"\\)$`)),
    broken(
      'atoms-coincide',
      [first, second.replace(/\S+ \S+ \S+$/, '0 0 0')],
      ': frame 1 of those read: atoms 1 and 2 lie at the same place',
    ),
    ...['many', '-1', '1.5', '1e12', '99999999999999999999'].map((count) =>
      broken(`count-${count}`, [first, second], counting, count),
    ),
  );
  return files;
});

/** Declared, and not there. */
export const ENORMOUS_COUNTS: readonly BrokenFile[] = Object.values(FORMATS)
  .filter(({ around }) => around !== cif)
  .map(({ ending, around, first, second, line }) => ({
    name: `enormous${ending}`,
    content: around(`${first}\n${second}\n`, '1000000000000'),
    says: `:${line + 1}: the file ends after 2 of the 1000000000000 atoms`,
  }));

const ATOMS = `${XYZ.first}\n${XYZ.second}\n`;
const DUMP_ATOMS = `${LAMMPS.first}\n${LAMMPS.second}\n`;
const VASP_ATOMS = `${VASP.first}\n${VASP.second}\n`;
const CIF_ATOMS = `${CIF.first}\n${CIF.second}\n`;
const flat = 'the periodic cell vectors are linearly dependent';
const withoutVector = 'axis a is periodic but has no cell vector';

/** Cells, headers and ids that cannot be. */
const BROKEN_HEADERS: readonly BrokenFile[] = [
  {
    name: 'cell-zero.xyz',
    content: extxyz(ATOMS, '2', 'Lattice="0 0 0 0 0 0 0 0 0" pbc="T T T"'),
    says: `:2: ${withoutVector}`,
  },
  {
    name: 'cell-flat.xyz',
    content: extxyz(ATOMS, '2', 'Lattice="1 0 0 2 0 0 0 0 9" pbc="T T T"'),
    says: `:2: ${flat}`,
  },
  { name: 'cell-none.xyz', content: extxyz(ATOMS, '2', 'pbc="T T T"'), says: `:2: ${withoutVector}` },
  {
    name: 'cell-nan.xyz',
    content: extxyz(ATOMS, '2', 'Lattice="9 0 0 0 nan 0 0 0 9"'),
    says: /^:2:10: Lattice must hold nine finite numbers \(near "9 0 0 0 nan/,
  },
  {
    name: 'cell-seven.xyz',
    content: extxyz(ATOMS, '2', 'Lattice="9 0 0 0 9 0 0"'),
    says: ':2:10: Lattice holds 7 numbers; nine are needed',
  },
  {
    name: 'cell-thin.xyz',
    content: extxyz(ATOMS, '2', 'Lattice="1e-3 0 0 0 1e-3 0 0 0 1e-3"'),
    says: ': frame 1 of those read: the cell is so thin',
  },
  {
    name: 'pbc.xyz',
    content: extxyz(ATOMS, '2', 'Lattice="9 0 0 0 9 0 0 0 9" pbc="T T maybe"'),
    says: /^:2:34: pbc must hold three of T and F.*\(near "T T maybe"\)/,
  },
  {
    name: 'properties.xyz',
    content: extxyz(ATOMS, '2', 'Properties=species:Q:1:pos:R:3'),
    says: ':2:12: column "species" has the kind "Q"',
  },
  {
    name: 'properties-wide.xyz',
    content: extxyz(ATOMS, '2', 'Properties=species:S:1:pos:R:3:a:R:1000000000000'),
    says: ':2:12: column "a" has the width',
  },
  {
    name: 'quote.xyz',
    content: extxyz(ATOMS, '2', 'Lattice="9 0 0 0 9 0 0 0 9'),
    says: ':2:9: the quote " does not close',
  },
  { name: 'id-twice.dump', content: dump('1 1 0 0 0\n1 1 2 2 2\n'), says: ':11: the id 1 belongs to two atoms' },
  { name: 'id-twice.lmp', content: lammpsData('1 1 0 0 0\n1 1 2 2 2\n'), says: ':13: the id 1 belongs to two atoms' },
  {
    name: 'box-zero.dump',
    content: dump(DUMP_ATOMS, '2', 'ITEM: BOX BOUNDS pp pp pp\n0 0\n0 9\n0 9'),
    says: /^:6: the box is periodic along x.*\(near "0 0"\)/,
  },
  {
    name: 'box-backwards.dump',
    content: dump(DUMP_ATOMS, '2', 'ITEM: BOX BOUNDS pp pp pp\n0 9\n9 0\n0 9'),
    says: /^:7: the box ends at 0 before it begins at 9 along y.*\(near "9 0"\)/,
  },
  {
    name: 'box-nan.dump',
    content: dump(DUMP_ATOMS, '2', 'ITEM: BOX BOUNDS pp pp pp\n0 nan\n0 9\n0 9'),
    says: /^:6: .*\(near "0 nan"\)/,
  },
  {
    name: 'box-flags.dump',
    content: dump(DUMP_ATOMS, '2', `ITEM: BOX BOUNDS pp pp no\n${BOX}`),
    says: ':5: BOX BOUNDS must end with three boundary flags',
  },
  {
    name: 'columns.dump',
    content: dump(DUMP_ATOMS, '2', undefined, 'id type a b c'),
    says: ':9: ITEM: ATOMS must name coordinates',
  },
  { name: 'species.dump', content: dump('1 1 0 0 0\n2 2 2 2 2\n'), options: ['--species', '1=Cu'], says: /type 2/ },
  {
    name: 'box-zero.lmp',
    content: lammpsData(DUMP_ATOMS, '2', '0 0 xlo xhi\n0 9 ylo yhi\n0 9 zlo zhi'),
    says: /^:6: the box ends at 0 where it begins.*\(near "0 0 xlo xhi"\)/,
  },
  {
    name: 'box-none.lmp',
    content: lammpsData(DUMP_ATOMS, '2', '0 9 ylo yhi\n0 9 zlo zhi'),
    says: /the header must give the box/,
  },
  {
    name: 'type.lmp',
    content: lammpsData('1 5 0 0 0\n2 1 2 2 2\n'),
    says: ':12: the type of the atom is 5; the header declares 1',
  },
  {
    name: 'scale-zero.poscar',
    content: poscar(VASP_ATOMS, '2', { scale: '0' }),
    says: /^:2: .*scale of the cell.*\(near "0"\)/,
  },
  {
    name: 'cell-zero.poscar',
    content: poscar(VASP_ATOMS, '2', { cell: '0 0 0\n0 0 0\n0 0 0' }),
    says: `:5: ${withoutVector}`,
  },
  { name: 'cell-flat.poscar', content: poscar(VASP_ATOMS, '2', { cell: '9 0 0\n9 0 0\n0 0 9' }), says: `:5: ${flat}` },
  {
    name: 'cell-short.poscar',
    content: poscar(VASP_ATOMS, '2', { cell: '9 0\n0 9 0\n0 0 9' }),
    says: ':3: cell vector a must be three finite numbers (near "9 0")',
  },
  {
    name: 'mode.poscar',
    content: poscar(VASP_ATOMS, '2', { mode: '1' }),
    says: ':8: Selective dynamics, Direct or Cartesian was expected (near "1")',
  },
  {
    name: 'counts.poscar',
    content: poscar(VASP_ATOMS, '1 1'),
    says: ':7: there are 1 species and 2 counts of atoms (near "1 1")',
  },
  { name: 'cell-flat.xdatcar', content: xdatcar(VASP_ATOMS).replace('0 9 0', '9 0 0'), says: `:5: ${flat}` },
  {
    name: 'cell-zero.cif',
    content: cif(CIF_ATOMS, '0'),
    says: ':2:16: _cell_length_a: a length above 0, in Å, was expected (near "0")',
  },
  {
    name: 'cell-word.cif',
    content: cif(CIF_ATOMS, 'nine'),
    says: ':2:16: _cell_length_a: a number was expected (near "nine")',
  },
  {
    name: 'cell-flat.cif',
    content: cif(CIF_ATOMS).replace('alpha 90', 'alpha 180'),
    says: ':5:19: _cell_angle_alpha: an angle between 0 and 180°',
  },
  { name: 'group.cif', content: cif(CIF_ATOMS, '9', 'P 99 x'), says: /the space group is not known/ },
  {
    name: 'element.cif',
    content: cif('Qq1 Qq 0 0 0\n'),
    says: ':15:5: _atom_site_type_symbol: the symbol of an element was expected (near "Qq")',
  },
  { name: 'atomless.cif', content: 'data_copper\n_cell_length_a 9\n', says: /no data block holds atoms/ },
  {
    name: 'quote.cif',
    content: cif("Cu1 Cu 0 0 'open\n"),
    says: ':15:12: _atom_site_fract_z: the line ends within quotes',
  },
  { name: 'text.cif', content: cif(';\nnever closed\n'), says: ':15:1: the text field that begins here has no end' },
];

/** Bytes as from a dice, the same each time. */
function rubbish(length: number): Uint8Array {
  let state = 12345;
  return Uint8Array.from({ length }, () => {
    state = (1103515245 * state + 12345) % 2 ** 31;
    return state >> 16;
  });
}

const SOUND = extxyz(ATOMS);
const damaged = gzipSync(SOUND);
damaged[20] = (damaged[20] as number) ^ 0xff;
const ENDINGS = ['.xyz', '.dump', '.lmp', '.poscar', '.xdatcar', '.cif', '.npy', '.npz', '.xyz.gz'];

/** Files that are nothing, or something else. */
const BROKEN_BYTES: readonly BrokenFile[] = [
  ...ENDINGS.map((ending) => ({ name: `empty${ending}`, content: '', says: /: .*(the file is empty|zip archive)/ })),
  { name: 'blank.xyz', content: '\n \n\t\n', says: ': the file is empty' },
  { name: 'mark-alone.xyz', content: '\ufeff', says: ': the file is empty' },
  { name: 'zeros.xyz', content: new Uint8Array(9000), says: /^:1: .*\(near "\\u0000/ },
  { name: 'zeros-behind.xyz', content: `${SOUND}${'\0'.repeat(500)}\n`, says: /^:5: .*\(near "\\u0000/ },
  ...ENDINGS.map((ending) => ({ name: `rubbish${ending}`, content: rubbish(5000), says: /^[^\p{Cc}]+$/u })),
  { name: 'rubbish', content: rubbish(5000), says: ': neither content nor name say of which format it is' },
  { name: 'letter', content: 'Dear reader,\nno structure is here.\n', says: ': neither content nor name' },
  {
    name: 'utf-16.xyz',
    content: Buffer.from(`\ufeff${SOUND}`, 'utf16le'),
    says: ':1: the file is UTF-16 text; convert it',
  },
  { name: 'returns-alone.xyz', content: SOUND.replaceAll('\n', '\r'), says: /^:1: / },
  {
    name: 'another-format.xyz',
    content: SOUND,
    options: ['--format', 'cif'],
    says: ':1: a name (_…), loop_ or data_… was expected (near "2")',
  },
  { name: 'gz-header.xyz.gz', content: Uint8Array.of(0x1f, 0x8b, 1, 2, 3), says: ': the gzip stream is damaged' },
  { name: 'gz-one-byte.xyz.gz', content: Uint8Array.of(0x1f), says: ': ' },
  { name: 'gz-cut.xyz.gz', content: gzipSync(SOUND).subarray(0, 30), says: ': the gzip stream is cut off' },
  { name: 'gz-damaged.xyz.gz', content: damaged, says: ': the gzip stream is damaged' },
  {
    name: 'gz-tail.xyz.gz',
    content: Buffer.concat([gzipSync(SOUND), Buffer.from('rubbish')]),
    says: ': behind the gzip stream comes something',
  },
  { name: 'gz-twice.xyz.gz', content: gzipSync(gzipSync(SOUND)), says: ': the file is gzipped twice' },
  { name: 'gz-empty.xyz.gz', content: gzipSync(''), says: ': the file is empty' },
  { name: 'cut.xyz', content: SOUND.slice(0, -9), says: /^:3: the file ends after 1 of the 2 atoms/ },
  { name: 'cut.dump', content: dump(DUMP_ATOMS).slice(0, -4), says: /^:11: / },
  { name: 'cut.cif', content: cif(CIF_ATOMS).slice(0, -4), says: /^:\d+: / },
];

/** What makes a `.npy` file. */
interface Npy {
  readonly descr?: string;
  readonly fortran?: boolean;
  readonly shape?: string;
  readonly values?: readonly number[];
}

/** A `.npy` file of float64, whatever its header says. */
export function npy({
  descr = '<f8',
  fortran = false,
  shape = '(2, 3)',
  values = [1, 2, 3, 4, 5, 7],
}: Npy): Uint8Array {
  const dictionary = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': ${shape}, }`;
  const header = Buffer.alloc(128, ' ');
  Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]).copy(header);
  header.write(dictionary, 10);
  header[127] = 10;
  const data = new DataView(new ArrayBuffer(8 * values.length));
  for (const [at, value] of values.entries()) data.setFloat64(8 * at, value, !descr.startsWith('>'));
  return Buffer.concat([header, new Uint8Array(data.buffer)]);
}

/** A `.npz` archive of one compressed array; its checksum is not looked at before its size is. */
export function npz(name: string, array: Uint8Array): Uint8Array {
  const compressed = deflateRawSync(array);
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt16LE(8, 4);
  common.writeUInt32LE(compressed.length, 14);
  common.writeUInt32LE(array.length, 18);
  common.writeUInt16LE(name.length, 22);
  const entry = Buffer.concat([Buffer.from('PK\x01\x02\x14\0', 'latin1'), common, Buffer.alloc(14), Buffer.from(name)]);
  const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), compressed]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(entry.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, entry, end]);
}

const BROKEN_MATRICES: readonly BrokenFile[] = [
  {
    name: 'vector.npy',
    content: npy({ shape: '(6,)' }),
    says: ': the array has the shape (6,); a matrix has two dimensions',
  },
  { name: 'cube.npy', content: npy({ shape: '(1, 2, 3)' }), says: ': the array has the shape (1, 2, 3)' },
  {
    name: 'integers.npy',
    content: npy({ descr: '<i8' }),
    says: ': the numbers are of type <i8; float64 (<f8) and float32',
  },
  { name: 'objects.npy', content: npy({ descr: '|O' }), says: ': the numbers are of type |O' },
  {
    name: 'short.npy',
    content: npy({ values: [1, 2] }),
    says: ': an array of the shape (2, 3) in float64 takes 48 bytes; 16 are there',
  },
  {
    name: 'long.npy',
    content: npy({ shape: '(1, 1)' }),
    says: ': an array of the shape (1, 1) in float64 takes 8 bytes; 48 are there',
  },
  {
    name: 'enormous.npy',
    content: npy({ shape: '(1000000000000, 63)' }),
    says: 'takes 504000000000000 bytes; 48 are there',
  },
  { name: 'negative.npy', content: npy({ shape: '(-2, 3)' }), says: ': the header of the NumPy array' },
  {
    name: 'rowless.npy',
    content: npy({ shape: '(0, 3)', values: [] }),
    says: ': no environment is left to look at: a matrix without rows',
  },
  { name: 'narrow.npy', content: npy({ shape: '(6, 0)', values: [] }), says: ': the array has the shape (6, 0)' },
  { name: 'nan.npy', content: npy({ values: [1, 2, 3, 4, Number.NaN, 6] }), says: ': row 2, column 2 holds NaN' },
  {
    name: 'infinite.npy',
    content: npy({ values: [1, 2, Number.NEGATIVE_INFINITY, 4, 5, 6] }),
    says: ': row 1, column 3 holds -Infinity',
  },
  { name: 'cut-header.npy', content: npy({}).subarray(0, 60), says: ': the file ends in the header' },
  {
    name: 'cut.npz',
    content: npz('x.npy', npy({})).subarray(0, -30),
    says: ': this is not a zip archive, or it is cut off',
  },
  {
    name: 'no-zip.npz',
    content: 'PK\u0003\u0004, and then words',
    says: ': this is not a zip archive, or it is cut off',
  },
];

/** Every file that is refused for its content, small ones. */
export const BROKEN_FILES: readonly BrokenFile[] = [
  ...BROKEN_ROWS,
  ...BROKEN_HEADERS,
  ...BROKEN_BYTES,
  ...BROKEN_MATRICES,
];

/** Files that ask for much. They are made when they are wanted. */
export function heavyFiles(): readonly BrokenFile[] {
  const long = (text: string) => text.repeat(10_000_000);
  return [
    {
      name: 'long-line.dump',
      content: `ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n${long('1')}\n`,
      says: /^:4: .*\(near "1{80}…"\)$/,
    },
    { name: 'long-number.xyz', content: `1\n\nCu 0 0 ${long('9')}\n`, says: /^:3:8: .*\(near "9{80}…"\)$/ },
    { name: 'long-line.poscar', content: `copper\n${long('9')}\n`, says: /^:2: / },
    { name: 'long-line.cif', content: `data_x\n_a ${long('y')}\n`, says: /no data block holds atoms/ },
    { name: 'longer-line.xyz', content: long('xx'), says: ':1: the line is longer than 16777216 bytes' },
    {
      name: 'bomb.xyz.gz',
      content: gzipSync(' \n'.repeat(40_000_000)),
      says: /: \d+ compressed bytes make \d+ and perhaps more/,
    },
    {
      name: 'bomb.npz',
      content: npz('x.npy', Buffer.concat([npy({ shape: '(2000000, 5)', values: [] }), Buffer.alloc(80_000_000)])),
      says: /: \d+ compressed bytes make \d+/,
    },
  ];
}

/** A file that is read though something about it is odd, and how that is said. */
export interface UnusualFile {
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly says: readonly RegExp[];
}

const block = cif(CIF_ATOMS);

/** All of these are read. */
export const UNUSUAL_FILES: readonly UnusualFile[] = [
  {
    name: 'no-id.dump',
    content: dump('1 0 0 0\n1 2 2 2\n', '2', undefined, 'type x y z'),
    says: [/the atoms have no ids/, /numbers its atom types but does not name them/],
  },
  { name: 'no-type.dump', content: dump('1 0 0 0\n2 2 2 2\n', '2', undefined, 'id x y z'), says: [/named X/] },
  {
    name: 'coordinates-alone.dump',
    content: dump('0 0 0\n.2 .2 .2\n', '2', undefined, 'xs ys zs'),
    says: [/the atoms have no ids/, /named X/],
  },
  {
    name: 'no-flags.dump',
    content: dump('Cu 0 0 0\nCu 2 2 2\n', '2', `ITEM: BOX BOUNDS\n${BOX}`, 'element x y z'),
    says: [/no boundary flags; the box is taken to be periodic/, /the atoms have no ids/],
  },
  {
    name: 'volume.poscar',
    content: poscar(VASP_ATOMS, '2', { scale: '-1000' }),
    says: [/line 2: the scale is negative and is taken for the volume of the cell, 1000 Å³/],
  },
  {
    name: 'strange-symbol.poscar',
    content: poscar(VASP_ATOMS).replace('Cu\n', 'Qq\n'),
    says: [/the species "Qq" is no element/],
  },
  {
    name: 'nameless.poscar',
    content: poscar(VASP_ATOMS).replace('Cu\n', ''),
    says: [/does not name its species; they are named X1/],
  },
  {
    name: 'words-behind.poscar',
    content: poscar('0 0 0 a\n.2 .2 .2 b\n'),
    says: [/what stands behind the coordinates is not read/],
  },
  {
    name: 'words-behind.xyz',
    content: plainXyz('Cu 0 0 0 1\nCu 2 2 2\n'),
    says: [/not the same count of numbers in every line; left out/],
  },
  {
    name: 'no-style.lmp',
    content: lammpsData(DUMP_ATOMS).replace(' # atomic', ''),
    says: [/does not name their style/, /numbers its atom types/],
  },
  {
    name: 'blocks.cif',
    content: `${block}\n${block.replace('data_copper', 'data_more')}`,
    says: [/data_more holds atoms too; each data block with atoms is a frame/],
  },
  {
    name: 'block-empty.cif',
    content: `data_nothing\n_cell_length_a 9\n\n${block}`,
    says: [/data_nothing holds no atoms and is passed over/],
  },
  {
    name: 'label-twice.cif',
    content: block.replace('Cu2', 'Cu1'),
    says: [/line 16: the label Cu1 belongs to an earlier site too/],
  },
  {
    name: 'site-twice.cif',
    content: cif('Cu1 Cu 0 0 0\nCu2 Cu .2 .2 .2\nCu3 Cu 0 0 0\n'),
    says: [/line 17: site Cu3 lies where Cu1 does and is left out/],
  },
  {
    name: 'unterminated.xyz',
    content: SOUND.trimEnd(),
    says: [/line 4, the last, has no end; the file may be cut off there/],
  },
  { name: 'mixed-ends.xyz', content: SOUND.replace('\n', '\r\n'), says: [/line 2 ends otherwise than line 1/] },
  { name: 'windows.xyz', content: SOUND.replaceAll('\n', '\r\n'), says: [] },
  { name: 'mark.xyz', content: `\ufeff${SOUND}`, says: [/begins with a byte order mark/] },
  { name: 'not-compressed.xyz.gz', content: SOUND, says: [/the name ends in \.gz, but the file is not gzipped/] },
  { name: 'compressed.xyz', content: gzipSync(SOUND), says: [] },
  { name: 'strange-symbol.xyz', content: SOUND.replace('Cu 2', 'Qq 2'), says: [/the species "Qq" is no element/] },
  { name: 'numbers.xyz', content: SOUND.replaceAll('Cu', '29'), says: [/read as atomic numbers/] },
  { name: 'big-endian.npy', content: npy({ descr: '>f8' }), says: [/the numbers are stored big-endian/] },
  { name: 'fortran.npy', content: npy({ fortran: true }), says: [/in Fortran order/] },
];

/** Structures of few atoms, and of none. */
export const SMALL_FILES: Readonly<Record<'sound' | 'one' | 'none' | 'gaps' | 'labels', string>> = {
  sound: SOUND,
  one: '1\n\nCu 0 0 0\n',
  none: '0\n\n0\n\n',
  gaps: `0\n\n${SOUND}0\n\n`,
  labels: `${SOUND.replace('Properties', 'config_type=a Properties')}${SOUND.replace('Properties', 'config_type=b Properties').replace('2 2 2', '2 2 3')}`,
};
