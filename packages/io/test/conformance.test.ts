import { type Column, createStructure, type InfoValue, type Structure, type StructureInit } from '@surprisal/core';
import { formatStructures, readStructures, type StructureFormat, WRITABLE_FORMATS } from '@surprisal/io';
import { type TestReaderOptions, testReader } from '@surprisal/testing';

const text = (value: string): InfoValue => ({ kind: 'string', shape: [], values: [value] });
const whole = (value: number): InfoValue => ({ kind: 'integer', shape: [], values: Float64Array.of(value) });
const reals = (...values: number[]): InfoValue => ({
  kind: 'real',
  shape: [values.length],
  values: Float64Array.from(values),
});
const number = (value: number): InfoValue => ({ kind: 'real', shape: [], values: Float64Array.of(value) });
const real = (width: number, ...values: number[]): Column => ({
  kind: 'real',
  width,
  values: Float64Array.from(values),
});
const integer = (...values: number[]): Column => ({ kind: 'integer', width: 1, values: Float64Array.from(values) });
const logical = (width: number, ...values: number[]): Column => ({
  kind: 'logical',
  width,
  values: Uint8Array.from(values),
});
const words = (...values: string[]): Column => ({ kind: 'string', width: 1, values });
const cube = (a: number): Float64Array => Float64Array.of(a, 0, 0, 0, a, 0, 0, 0, a);

function structureOf(
  positions: readonly number[],
  species: readonly string[],
  rest: Omit<StructureInit, 'positions' | 'species' | 'columns' | 'info'> & {
    readonly columns?: Record<string, Column>;
    readonly info?: Record<string, InfoValue>;
  } = {},
): Structure {
  const { columns = {}, info = {}, ...others } = rest;
  return createStructure({
    ...others,
    positions: Float64Array.from(positions),
    species,
    columns: new Map(Object.entries(columns)),
    info: new Map(Object.entries(info)),
  });
}

/** Of every kind of column and value, in a cell that formats of VASP and LAMMPS hold as it is. */
const rich = structureOf([0.1, 0.2, 0.30000000000000004, 1, -2.5, 1 / 3], ['Cu', 'Zr'], {
  cell: Float64Array.of(4, 0, 0, -1, 5, 0, 0.5, 0.25, 6),
  columns: {
    forces: real(3, 1e-300, -0, 3, 4, 5, 6),
    velocities: real(3, 0.001, 0.002, 0.003, -0.1, 0.7, 1e-9),
    charge: real(1, 0.5, -0.5),
    group: integer(3, -4),
    free: logical(1, 1, 0),
    name: words('a', 'b'),
  },
  info: { energy: number(-1.5), label: text('a b'), steps: whole(7), comment: text('two atoms') },
});
const skewed = structureOf([0, 0, 0, 1, 2, 3, -4, 0.5, 0.25], ['Si', 'O', 'Si'], {
  cell: Float64Array.of(0.3, 4, 1, 5, 0.1, -0.2, 0.4, -0.3, 6),
});
const slab = structureOf([0, 0, 0], ['Al'], { cell: cube(3), pbc: [true, true, false] });
const molecule = structureOf([0, 0, 0, 0, 0, 0.74], ['H', 'H']);
const strange = structureOf([0, 0, 0, 1, 1, 1], ['X1', 'water'], { cell: cube(3) });

/** The suite of a format of ours. */
function testFormat(format: StructureFormat, suite: Omit<TestReaderOptions, 'name' | 'read' | 'write'>): void {
  const isWritten = WRITABLE_FORMATS.includes(format);
  testReader({
    ...suite,
    name: format,
    read: (bytes, options) => readStructures(bytes, { ...options, format }),
    ...(isWritten && { write: (structures, options) => formatStructures(structures, { ...options, format }) }),
  });
}

const EXTXYZ = `2
Lattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3:charge:R:1 energy=-1.5 pbc="T T F"
Na 0 0 0 0.9
Cl 2 2 2.5 -0.9
1
Properties=species:S:1:pos:R:3 pbc="F F F"
H 0.25 0 -1e-3
`;
testFormat('extxyz', {
  examples: [
    {
      name: 'two frames',
      content: EXTXYZ,
      structures: [
        structureOf([0, 0, 0, 2, 2, 2.5], ['Na', 'Cl'], {
          cell: cube(4),
          pbc: [true, true, false],
          columns: { charge: real(1, 0.9, -0.9) },
          info: { energy: number(-1.5) },
        }),
        structureOf([0.25, 0, -1e-3], ['H']),
      ],
    },
  ],
  withAtoms: (count) => EXTXYZ.replace('\n1\n', `\n${count}\n`),
  withCoordinate: (coordinate) => EXTXYZ.replace('0.25', coordinate),
  written: [[rich, skewed, slab, molecule, strange]],
});

const XYZ = `2
hydrogen
H 0 0 0 1
H 0 0 0.74 2.5

`;
testFormat('xyz', {
  examples: [
    {
      name: 'a molecule',
      content: XYZ,
      structures: [
        structureOf([0, 0, 0, 0, 0, 0.74], ['H', 'H'], {
          columns: { extra: real(1, 1, 2.5) },
          info: { comment: text('hydrogen') },
        }),
      ],
    },
    {
      name: 'frames without comments',
      content: '1\n\nHe 1 2 3\n2\n\nHe 1 2 3\nNe 4 5 6\n',
      structures: [structureOf([1, 2, 3], ['He']), structureOf([1, 2, 3, 4, 5, 6], ['He', 'Ne'])],
    },
  ],
  withAtoms: (count) => XYZ.replace('2\n', `${count}\n`),
  withCoordinate: (coordinate) => XYZ.replace('0.74', coordinate),
  written: [[rich, skewed, slab, molecule, strange]],
});

const DUMP = `ITEM: UNITS
metal
ITEM: TIMESTEP
100
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS xy xz yz pp pp ff
-1 4.5 -1
0 5.25 0.5
0 6 0.25
ITEM: ATOMS id type element x y z vx
2 1 Cu 1 2 3 0.5
1 2 Zr 0.25 0 0 -1
ITEM: TIMESTEP
200
ITEM: NUMBER OF ATOMS
1
ITEM: BOX BOUNDS pp pp pp
0 4
0 5
0 6
ITEM: ATOMS id type element x y z
1 1 Cu 0.125 0 0
`;
testFormat('lammps-dump', {
  examples: [
    {
      name: 'two frames',
      content: DUMP,
      structures: [
        structureOf([0.25, 0, 0, 1, 2, 3], ['Zr', 'Cu'], {
          cell: Float64Array.of(4, 0, 0, -1, 5, 0, 0.5, 0.25, 6),
          pbc: [true, true, false],
          columns: { id: integer(1, 2), type: integer(2, 1), vx: real(1, -1, 0.5) },
          info: { timestep: whole(100), lammps_units: text('metal') },
        }),
        structureOf([0.125, 0, 0], ['Cu'], {
          cell: Float64Array.of(4, 0, 0, 0, 5, 0, 0, 0, 6),
          columns: { id: integer(1), type: integer(1) },
          info: { timestep: whole(200), lammps_units: text('metal') },
        }),
      ],
    },
  ],
  withAtoms: (count) => DUMP.replace('ATOMS\n1\n', `ATOMS\n${count}\n`),
  withCoordinate: (coordinate) => DUMP.replace('0.125', coordinate),
  written: [[rich, skewed, slab, molecule, strange]],
  tolerance: 1e-12,
});

const DATA = `Cu and Zr

3 atoms
2 atom types
1 bonds
-1 3 xlo xhi
0 5 ylo yhi  # a comment
0 6 zlo zhi
-1 0.5 0.25 xy xz yz

Masses

1 63.546 # Cu
2 91.2

Atoms # charge

2 1 0.5 1 2 3 0 0 -1
1 2 -0.5 0.125 0 0 1 0 0 # the first
7 2 0 0 0 1 0 0 0

Velocities

7 0 0 0
1 1000 0 0
2 0 -500 250
`;
const dataStructure = structureOf([0.125, 0, 0, 1, 2, 3, 0, 0, 1], ['Zr', 'Cu', 'Zr'], {
  cell: Float64Array.of(4, 0, 0, -1, 5, 0, 0.5, 0.25, 6),
  columns: {
    id: integer(1, 2, 7),
    type: integer(2, 1, 2),
    q: real(1, -0.5, 0.5, 0),
    ix: integer(1, 0, 0),
    iy: integer(0, 0, 0),
    iz: integer(0, -1, 0),
    velocities: real(3, 1, 0, 0, 0, -0.5, 0.25, 0, 0, 0),
  },
  info: { comment: text('Cu and Zr'), Origin: reals(-1, 0, 0) },
});
testFormat('lammps-data', {
  examples: [
    { name: 'a file with charges and velocities', content: DATA, structures: [dataStructure] },
    {
      name: 'a file without the style of its atoms',
      content:
        '\n1 atoms\n1 atom types\n0 4 xlo xhi\n0 4 ylo yhi\n0 4 zlo zhi\n\nMasses\n\n1 28.0855\n\nAtoms\n\n1 1 0.5 1 2\n',
      structures: [structureOf([0.5, 1, 2], ['Si'], { cell: cube(4), columns: { id: integer(1), type: integer(1) } })],
      warnings: ['style atomic'],
    },
  ],
  withAtoms: (count) => DATA.replace('3 atoms', `${count} atoms`),
  withCoordinate: (coordinate) => DATA.replace('0.125', coordinate),
  written: [[rich], [slab], [strange]],
  tolerance: 1e-12,
});

const POSCAR = `copper and oxygen
2.0
2 0 0
0 2 0
0.5 0 3
Cu_pv O/9f3a
2 1
Selective dynamics
Direct
0 0 0 T T F
0.5 0.5 0.125 F F F
-0.25 0.75 1 T T T

0.001 0 0
0 -0.25 0
0 0 1e-3
`;
testFormat('poscar', {
  examples: [
    {
      name: 'a file with velocities',
      content: POSCAR,
      structures: [
        structureOf([0, 0, 0, 2.125, 2, 0.75, 0, 3, 6], ['Cu', 'Cu', 'O'], {
          cell: Float64Array.of(4, 0, 0, 0, 4, 0, 1, 0, 6),
          columns: {
            selective: logical(3, 1, 1, 0, 0, 0, 0, 1, 1, 1),
            velocities: real(3, 0.001, 0, 0, 0, -0.25, 0, 0, 0, 1e-3),
          },
          info: { comment: text('copper and oxygen') },
        }),
      ],
    },
    {
      name: 'a file of VASP 4, by volume',
      content: 'Mn O2\n-64\n1 0 0\n0 1 0\n0 0 1\n1 2\nCartesian\n0 0 0\n0.5 0.25 0\n0 0 0.75\n',
      structures: [
        structureOf([0, 0, 0, 2, 1, 0, 0, 0, 3], ['Mn', 'O', 'O'], { cell: cube(4), info: { comment: text('Mn O2') } }),
      ],
      warnings: ['the volume of the cell, 64 Å³', 'taken from its first line: Mn, O'],
    },
  ],
  withAtoms: (count) => POSCAR.replace('2 1\n', `2 ${count}\n`),
  withCoordinate: (coordinate) => POSCAR.replace('0.125', coordinate),
  written: [[rich], [skewed], [slab], [strange]],
});

const XDATCAR = `unknown system
1
4 0 0
0 4 0
0 0 8
Ca O
1 1
Direct configuration=     1
0 0 0
0.5 0.25 0.125
Direct configuration=     2
0.5 0 0
0.5 0.25 -1
unknown system
1
4.5 0 0
0 4 0
0 0 8
Ca O
1 1
Direct configuration=     3
0.5 0 0
0.375 0.25 0
`;
const calcium = (configuration: number, cell: Float64Array, ...positions: number[]): Structure =>
  structureOf(positions, ['Ca', 'O'], {
    cell,
    info: { comment: text('unknown system'), configuration: whole(configuration) },
  });
testFormat('xdatcar', {
  examples: [
    {
      name: 'frames in cells that change',
      content: XDATCAR,
      structures: [
        calcium(1, Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 8), 0, 0, 0, 2, 1, 1),
        calcium(2, Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 8), 2, 0, 0, 2, 1, -8),
        calcium(3, Float64Array.of(4.5, 0, 0, 0, 4, 0, 0, 0, 8), 2.25, 0, 0, 1.6875, 1, 0),
      ],
    },
  ],
  withAtoms: (count) => XDATCAR.replace(/1 1\n(?=Direct configuration= +3\n)/, `1 ${count}\n`),
  withCoordinate: (coordinate) => XDATCAR.replace('0.375', coordinate),
  written: [[rich, skewed, slab, strange]],
  tolerance: 1e-12,
});

const CIF_HEAD = `data_salt
_chemical_formula_sum 'Na Cl'
_cell_formula_units_Z 2
_cell_length_a 4
_cell_length_b 5
_cell_length_c 6
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_space_group_symop_operation_xyz
'x,y,z'
'-x,1/2+y,-z'
`;
const CIF_ATOMS = `loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Na1 Na+ 0.25 0.1(2) 0.5 1
'Cl 1' Cl- 0 .5 0 1.0
`;
const salt = structureOf([1, 0.5, 3, 3, 3, 3, 0, 2.5, 0, 0, 0, 0], ['Na', 'Na', 'Cl', 'Cl'], {
  cell: Float64Array.of(4, 0, 0, 0, 5, 0, 0, 0, 6),
  columns: { label: words('Na1', 'Na1', 'Cl_1', 'Cl_1'), occupancy: real(1, 1, 1, 1, 1) },
  info: { data: text('salt') },
});
testFormat('cif', {
  examples: [
    { name: 'a crystal', content: `${CIF_HEAD}${CIF_ATOMS}`, structures: [salt] },
    {
      name: 'two blocks with a text between them',
      content: `${CIF_HEAD}${CIF_ATOMS}data_about\n_text\n;\ndata_none\n;\n${CIF_HEAD}${CIF_ATOMS}`,
      structures: [salt, salt],
      warnings: [
        'data_about holds no atoms and is passed over',
        'holds atoms too; each data block with atoms is a frame',
      ],
    },
  ],
  withCoordinate: (coordinate) => `${CIF_HEAD}${CIF_ATOMS.replace('0.25', coordinate)}`,
  endsAnywhere: true,
});
