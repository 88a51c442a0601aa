import type { Column, Structure } from '@surprisal/core';
import type { ReadOptions } from '@surprisal/io';
import { describe, expect, it } from 'vitest';
import { readOne, readText, refusal, symbolsOf } from './read-text.ts';

const HEADER = 'a title\n\n2 atoms\n2 atom types\n\n0 4 xlo xhi\n0 5 ylo yhi\n0 6 zlo zhi\n';
const MASSES = '\nMasses\n\n1 22.99\n2 35.45 # Cl-\n';
const ATOMS = '\nAtoms # atomic\n\n1 1 0 0 0\n2 2 1 2 3\n';
const FILE = HEADER + MASSES + ATOMS;

const read = (text: string, options: ReadOptions = {}) => readOne(text, { format: 'lammps-data', ...options });

async function warned(text: string, options: ReadOptions = {}): Promise<string[]> {
  const warnings: string[] = [];
  await readText(text, { format: 'lammps-data', ...options, onWarning: (message) => warnings.push(message) });
  return warnings;
}

const values = (structure: Structure, name: string) =>
  Array.from((structure.columns.get(name) as Column).values as Iterable<unknown>);

describe('reading LAMMPS data', () => {
  it('reads a plain file in silence', async () => {
    const structure = await read(FILE);
    expect([...structure.positions]).toEqual([0, 0, 0, 1, 2, 3]);
    expect(symbolsOf(structure)).toEqual(['Na', 'Cl']);
    expect([...(structure.cell as Float64Array)]).toEqual([4, 0, 0, 0, 5, 0, 0, 0, 6]);
    expect(structure.pbc).toEqual([true, true, true]);
    expect([...structure.columns.keys()]).toEqual(['id', 'type']);
    expect(await warned(FILE)).toEqual([]);
  });

  it('reads boxes that are shifted, tilted, or of any orientation', async () => {
    const tilted = await read(FILE.replace('0 4 xlo', '-1 3 xlo').replace('zhi\n', 'zhi\n-1 0.5 0.25 xy xz yz\n'));
    expect([...(tilted.cell as Float64Array)]).toEqual([4, 0, 0, -1, 5, 0, 0.5, 0.25, 6]);
    expect(tilted.info.get('Origin')?.values).toEqual(Float64Array.of(-1, 0, 0));
    const general = await read(
      FILE.replace(/0 4 xlo[^M]*zhi\n/, '0 4 1 avec\n-5 0 0 bvec\n0 1 6 cvec\n10 20 30 abc origin\n'),
    );
    expect([...(general.cell as Float64Array)]).toEqual([0, 4, 1, -5, 0, 0, 0, 1, 6]);
    expect(general.info.get('Origin')?.values).toEqual(Float64Array.of(10, 20, 30));
  });

  it.each([
    ['atomic', '1 1 0.5 1 2', {}],
    ['charge', '1 1 -0.25 0.5 1 2', { q: -0.25 }],
    ['molecular', '1 7 1 0.5 1 2', { mol: 7 }],
    ['bond', '1 7 1 0.5 1 2', { mol: 7 }],
    ['full', '1 7 1 -0.25 0.5 1 2', { mol: 7, q: -0.25 }],
    ['full', '1 7 1 -0.25 0.5 1 2 0 -1 3', { mol: 7, q: -0.25, ix: 0, iy: -1, iz: 3 }],
    ['sphere', '1 1 1.5 2.5 0.5 1 2', { diameter: 1.5, density: 2.5 }],
    ['dipole', '1 1 0 0.5 1 2 0 0 1', { q: 0, mux: 0, muy: 0, muz: 1 }],
    ['spin', '1 1 0.5 1 2 0 0 1 2.2', { spx: 0, spy: 0, spz: 1, sp: 2.2 }],
    ['hybrid charge sphere', '1 1 0.5 1 2 3 4', {}],
  ])('knows the columns of style %s: %s', async (style, row, expected) => {
    const text = `${HEADER.replace('2 atoms', '1 atoms')}\nAtoms  #   ${style} \n\n${row}  # a comment\n`;
    const structure = await read(text, { species: { 1: 'H' } });
    expect([...structure.positions]).toEqual([0.5, 1, 2]);
    const found = Object.fromEntries([...structure.columns].map(([name, column]) => [name, column.values[0]]));
    expect(found).toEqual({ id: 1, type: 1, ...expected });
    expect(await warned(text, { species: { 1: 'H' } })).toHaveLength(style.startsWith('hybrid') ? 1 : 0);
  });

  it.each([
    ['1 1 0.5 1 2', 'atomic'],
    ['1 1 0.5 1 2 0 0 -1', 'atomic'],
    ['1 2 0 0.5 1 2', 'charge'],
    ['1 1 -0.5 0.5 1 2', 'charge'],
    ['1 9 1 0.5 1 2', 'molecular'],
    ['1 9 1 0.5 1 2 0 0 0', 'molecular'],
    ['1 9 1 -0.5 0.5 1 2', 'full'],
    ['1 9 1 -0.5 0.5 1 2 1 2 3', 'full'],
  ])('guesses the style of %s, and says so', async (row, style) => {
    for (const heading of ['Atoms', 'Atoms # unheard']) {
      const text = `${HEADER.replace('2 atoms', '1 atoms')}\n${heading}\n\n${row}\n`;
      expect([...(await read(text)).positions]).toEqual([0.5, 1, 2]);
      expect((await warned(text))[0]).toContain(`taken to be of style ${style}: id `);
    }
  });

  it('names species by the given map, by labels, by the word or the number of the mass', async () => {
    const atoms = '\nAtoms # atomic\n\n1 1 0 0 0\n2 2 1 2 3\n';
    const cases: [string, string[], number][] = [
      ['\nMasses\n\n1 63.55\n2 28\n', ['Cu', 'Si'], 0],
      ['\nMasses\n\n1 12 # D\n2 15.9994 # O1\n', ['C', 'O'], 0],
      ['\nMasses\n\n1 12 # Cu\n2 1.0 # H\n', ['Cu', 'H'], 0],
      ['\nMasses\n\n1 40.0\n2 1.0\n', ['X1', 'X2'], 1],
      ['', ['X1', 'X2'], 1],
      ['\nAtom Type Labels\n\n1 water\n2 Cu\n\nMasses\n\n1 18\n2 63.5\n', ['water', 'Cu'], 0],
    ];
    for (const [sections, symbols, said] of cases) {
      expect(symbolsOf(await read(HEADER + sections + atoms)), sections).toEqual(symbols);
      expect(await warned(HEADER + sections + atoms), sections).toHaveLength(said);
      expect(symbolsOf(await read(HEADER + sections + atoms, { species: { 1: 'K', 2: 'Br' } }))).toEqual(['K', 'Br']);
    }
    const labelled = '\nAtom Type Labels\n\n1 Na\n2 Cl\n\nAtoms # charge\n\n2 Cl -1 0 0 0\n1 Na 1 1 2 3\n';
    expect(symbolsOf(await read(HEADER + labelled))).toEqual(['Na', 'Cl']);
    expect(await refusal(HEADER + atoms, { species: { 1: 'K' } })).toContain('there are atoms of type 2');
  });

  it('joins velocities by id, in Å/fs', async () => {
    const text = `${FILE.replace('1 1 0 0 0\n2 2 1 2 3', '7 1 0 0 0\n2 2 1 2 3')}\nVelocities\n\n7 1000 0 0\n2 0 500 -250 # so\n`;
    const structure = await read(text);
    expect([...structure.positions]).toEqual([1, 2, 3, 0, 0, 0]);
    expect(values(structure, 'velocities')).toEqual([0, 0.5, -0.25, 1, 0, 0]);
    expect(values(await read(text, { units: 'real' }), 'velocities')).toEqual([0, 500, -250, 1000, 0, 0]);
    expect(await warned(text.replaceAll(' # so', ' 9 9 9'))).toEqual([
      '<input>: what stands behind the velocities (such as angular ones) is not read',
    ]);
  });

  it('takes units and time step from the title that LAMMPS writes, else as given', async () => {
    const title = 'LAMMPS data file via write_data, version 2 Aug 2023, timestep = 1200, units = nano';
    const structure = await read(FILE.replace('a title', title));
    expect([...structure.positions]).toEqual([0, 0, 0, 10, 20, 30]);
    expect([...(structure.cell as Float64Array)]).toEqual([40, 0, 0, 0, 50, 0, 0, 0, 60]);
    expect(structure.info.get('timestep')?.values).toEqual(Float64Array.of(1200));
    expect(structure.info.get('lammps_units')?.values).toEqual(['nano']);
    expect([...(await read(FILE, { units: 'nano', species: { 1: 'H', 2: 'O' } })).positions]).toEqual([
      0, 0, 0, 10, 20, 30,
    ]);
    expect(await refusal(FILE.replace('a title', 'units = lj'), { file: 'a.lmp' })).toContain('multiples of σ');
    expect(await refusal(FILE, { units: 'lj', format: 'lammps-data' })).toContain('multiples of σ');
  });

  it('says which sections it does not read', async () => {
    const sections = '\nPair Coeffs # lj/cut\n\n1 0.1 3\n2 0.2 3\n\nBonds\n\n1 1 1 2\n';
    expect(await warned(`${HEADER}${MASSES}${sections}${ATOMS}\nIsotopes\n\n1 2\n`)).toEqual([
      '<input>: the section Pair Coeffs, from line 15 on, is not read',
      '<input>: the section Bonds, from line 20 on, is not read',
      '<input>: the section Isotopes, from line 29 on, is not read',
    ]);
    expect(await warned(FILE.replace('atomic\n\n', 'atomic\n'))).toEqual([
      '<input>: line 16, right under the heading Atoms, is not blank; LAMMPS passes over it, here it is read',
    ]);
  });

  it('reads files without atoms, and atoms without words around them', async () => {
    const empty = await read('\n0 atoms\n0 34 xlo xhi\n0 34 ylo yhi\n0 34 zlo zhi\n0 0 0 xy xz yz\n');
    expect(empty.positions.length).toBe(0);
    const spaced = FILE.replace('2 2 1 2 3', '\n# a comment\n2 2 1 2 3');
    expect(await read(spaced)).toEqual(await read(FILE));
    expect((await read('\n0 4 xlo xhi\n0 4 ylo yhi\n0 4 zlo zhi\n\nAtoms\n\n')).positions.length).toBe(0);
  });

  it.each([
    [FILE.replace('2 2 1 2 3', '1 2 1 2 3'), 'a.lmp:18: the id 1 belongs to two atoms'],
    [FILE.replace('2 atoms', '3 atoms'), 'a.lmp:18: the file ends after 2 of the 3 atoms that line 3 declares'],
    [FILE.replace('2 atoms', '1 atoms'), 'a.lmp:18: the section Atoms has more lines than the header declares'],
    [FILE.replace('2 atoms\n', ''), 'a.lmp:16: the section Atoms has more lines than the header declares'],
    [
      `${FILE.replace('2 atoms', '3 atoms')}\nVelocities\n\n1 0 0 0\n`,
      'a.lmp:20: the section ends after 2 of the 3 atoms',
    ],
    [FILE.replace('2 atoms', '1000000000000 atoms'), 'the file ends after 2 of the 1000000000000 atoms'],
    [FILE.replace('2 atoms', '2.5 atoms'), 'a.lmp:3: the number of atoms must be a whole number (near "2.5")'],
    [
      FILE.replace('2 atoms', 'two atoms'),
      'a.lmp:3: neither a line of the header nor the heading of a section (near "two atoms")',
    ],
    [
      FILE.replace('2 atom types', '2 atom kinds'),
      'a.lmp:4: this line of the header is not known (near "2 atom kinds")',
    ],
    [
      FILE.replace('2 atom types', '1 atom types'),
      'a.lmp:13: the section Masses has more lines than the header declares',
    ],
    [FILE.replace('2 2 1 2 3', '2 3 1 2 3'), 'a.lmp:18: the type of the atom is 3; the header declares 2 atom types'],
    [FILE.replace('2 2 1 2 3', '2 0 1 2 3'), 'a.lmp:18: the type of the atom is 0'],
    [FILE.replace('2 2 1 2 3', '2 2 1 2'), 'a.lmp:18: atom 2 of 2, column "z": the line ends where'],
    [
      FILE.replace('2 2 1 2 3', '2 2 1 2 3 4'),
      'a.lmp:18:11: atom 2 of 2 has more fields than the 5 that were expected',
    ],
    [FILE.replace('2 2 1 2 3', '2 2 1 2 inf'), 'a.lmp:18:9: atom 2 of 2, column "z": a coordinate, a finite number'],
    [FILE.replace('2 2 1 2 3', '2.5 2 1 2 3'), 'a.lmp:18:1: atom 2 of 2, column "id": a whole number'],
    [FILE.replace('0 4 xlo', '4 0 xlo'), 'a.lmp:6: the box ends at 0 where it begins at 4 along x'],
    [FILE.replace('0 4 xlo', '4 4 xlo'), 'a.lmp:6: the box ends at 4 where it begins at 4 along x'],
    [FILE.replace('0 4 xlo', '0 xlo'), 'a.lmp:6: xlo xhi must stand behind two numbers'],
    [FILE.replace('0 4 xlo', '0 inf xlo'), 'a.lmp:6: '],
    [FILE.replace('0 4 xlo xhi\n', ''), 'the header must give the box as xlo xhi, or as avec'],
    [FILE.replace('0 4 xlo xhi', '1 0 0 avec'), 'the header must give avec, bvec and cvec, all three or none'],
    [
      FILE.replace('0 4 xlo xhi', '1 0 0 avec\n2 0 0 bvec\n0 0 1 cvec'),
      'a.lmp:8: the periodic cell vectors are linearly dependent',
    ],
    [HEADER + MASSES, 'a.lmp:13: the file ends without the section Atoms of the 2 atoms that line 3 declares'],
    [HEADER + ATOMS + ATOMS, 'there is a second section Atoms'],
    [
      `${HEADER}\nVelocities\n\n1 0 0 0\n2 0 0 0\n${ATOMS}`,
      'the section Velocities must stand behind the section Atoms',
    ],
    [
      `${FILE}\nVelocities\n\n1 0 0 0\n3 0 0 0\n`,
      'a.lmp:23: there is a velocity of the id 3, of which there is no atom',
    ],
    [`${FILE}\nVelocities\n\n1 0 0 0\n1 0 0 0\n`, 'a.lmp:23: the id 1 belongs to two atoms'],
    [`${FILE}\nVelocities\n\n1 0 0 0\n2 0 0\n`, 'a.lmp:23: velocity 2 of 2: the line ends where a number was expected'],
    [FILE.replace('1 22.99', '1 -1'), 'a.lmp:12: a mass is a number above 0 (near "-1")'],
    [FILE.replace('1 22.99', '1 22.99 1'), 'a.lmp:12: a line of the section Masses must have two fields'],
    [FILE.replace('2 35.45', '1 35.45'), 'a.lmp:13: the mass of this atom type is given twice'],
    [
      FILE.replace('Atoms # atomic', 'Atoms').replace('1 1 0 0 0', '1 1 0 0'),
      'of no style that can be told without its name',
    ],
  ])('refuses what it cannot believe: %#', async (text, sentence) => {
    expect(await refusal(text, { file: 'a.lmp' })).toContain(sentence);
  });
});
