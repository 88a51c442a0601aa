import { readFileSync } from 'node:fs';
import { atomCount, type Structure } from '@surprisal/core';
import { formatExtxyz } from '@surprisal/io';
import { idealCrystal, property } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { readOne, readText, refusal, symbolsOf } from './read-text.ts';

const CUBIC = cell(4, 4, 4, 90, 90, 90);
const COPPER_SITE = atoms('Cu1 Cu 0 0 0');

function cell(a: number, b: number, c: number, alpha: number, beta: number, gamma: number): string {
  const lengths = [a, b, c].map((length, at) => `_cell_length_${'abc'[at]} ${length}`);
  const angles = [alpha, beta, gamma].map((angle, at) => `_cell_angle_${['alpha', 'beta', 'gamma'][at]} ${angle}`);
  return `${[...lengths, ...angles].join('\n')}\n`;
}

/** Rows of label, symbol, x, y, z, and of further columns. */
function atoms(rows: string, ...further: readonly string[]): string {
  const names = ['label', 'type_symbol', 'fract_x', 'fract_y', 'fract_z', ...further];
  return `loop_\n${names.map((name) => `_atom_site_${name}\n`).join('')}${rows}\n`;
}

function operations(...list: readonly string[]): string {
  return `loop_\n_symmetry_equiv_pos_as_xyz\n${list.map((each) => `'${each}'\n`).join('')}`;
}

async function withWarnings(text: string): Promise<{ structures: Structure[]; warnings: string[] }> {
  const warnings: string[] = [];
  const structures = await readText(text, { file: 'x.cif', onWarning: (message) => warnings.push(message) });
  return { structures, warnings };
}

function rounded(values: ArrayLike<number>): number[] {
  return Array.from(values, (value) => Math.round(value * 1e6) / 1e6 + 0);
}

describe('CIF', () => {
  it('gives cell, positions, species, labels and the name of the block', async () => {
    const text = `data_salt\n${cell(4, 5, 6, 90, 90, 120)}_symmetry_space_group_name_H-M 'P 1'\n${atoms(
      'Na1 Na+ 0.5 0 0 1.0\nCl1 Cl1- .25 5e-1 -1.5 ?',
      'occupancy',
    )}`;
    const salt = await readOne(text);
    expect(rounded(salt.cell ?? [])).toEqual([4, 0, 0, -2.5, 4.330127, 0, 0, 0, 6]);
    expect(salt.pbc).toEqual([true, true, true]);
    expect(rounded(salt.positions)).toEqual([2, 0, 0, 1 - 1.25, 2.165064, -9]);
    expect(symbolsOf(salt)).toEqual(['Na', 'Cl']);
    expect(salt.columns.get('label')).toEqual({ kind: 'string', width: 1, values: ['Na1', 'Cl1'] });
    expect(salt.columns.get('occupancy')?.values).toEqual(Float64Array.of(1, 1));
    expect(salt.info.get('data')?.values).toEqual(['salt']);
  });

  it('takes names in any letters, with dots and underscores, values in quotes, and uncertainties', async () => {
    const text = `DATA_x\n_Cell.Length_A 4.00(2)\n_CELL_LENGTH_B '4.0'\n_cell.length_c "4"
_cell_angle_alpha 90(1)\n_cell_angle_beta 90.\n_cell_angle_gamma\n;90\n;\n_space_group.IT_number 1
LOOP_ _Atom_Site.Fract_X _Atom_Site.Fract_Y _Atom_Site.Fract_Z _Atom_Site.type_symbol
0.1250(5) +0.5 0 CU # a comment\n`;
    const copper = await readOne(text);
    expect(rounded(copper.positions)).toEqual([0.5, 2, 0]);
    expect(symbolsOf(copper)).toEqual(['Cu']);
  });

  it.each(['\n', '\r\n', '\r'])('reads lines that end in %j', async (end) => {
    const text = `data_x\n${CUBIC}${operations('x,y,z')}${COPPER_SITE}`;
    expect(await readOne(text.replaceAll('\n', end))).toEqual(await readOne(text));
  });

  it('makes one frame of each block that holds atoms', async () => {
    const block = (name: string) => `data_${name}\n${CUBIC}_space_group_IT_number 1\n${COPPER_SITE}`;
    const { structures, warnings } = await withWarnings(`${block('a')}data_global\n_author 'N. N.'\n${block('b')}`);
    expect(structures.map(({ info }) => info.get('data')?.values[0])).toEqual(['a', 'b']);
    expect(warnings).toEqual([
      'x.cif: data_global holds no atoms and is passed over',
      'x.cif: data_b holds atoms too; each data block with atoms is a frame',
    ]);
  });

  it('reads Cartesian coordinates, with a cell and without one', async () => {
    const loop = 'loop_\n_atom_site.type_symbol\n_atom_site.Cartn_x\n_atom_site.Cartn_y\n_atom_site.Cartn_z\nC 1 2 3\n';
    const molecule = await readOne(`data_x\n${loop}`);
    expect([molecule.cell, ...molecule.positions]).toEqual([null, 1, 2, 3]);
    const { structures, warnings } = await withWarnings(
      `data_x\n${cell(1, 1, 1, 90, 90, 90)}_symmetry.Int_Tables_number 1\n${loop}`,
    );
    expect(structures[0]?.cell).toBeNull();
    expect(warnings).toEqual([expect.stringContaining('stands for none')]);
    const crystal = await readOne(`data_x\n${cell(5, 6, 7, 80, 95, 100)}_symmetry.Int_Tables_number 2\n${loop}`);
    expect(rounded(crystal.positions.subarray(0, 3))).toEqual([1, 2, 3]);
    expect(atomCount(crystal)).toBe(2);
    const matrix = '_atom_sites.fract_transf_matrix[1][1] 0.25\n';
    expect(await refusal(`data_x\n${cell(5, 6, 7, 90, 90, 90)}${matrix}${loop}`)).toContain(
      'this is 0.200000 (near "0.25")',
    );
  });
});

describe('symmetry of CIF', () => {
  it('makes the ideal crystals', async () => {
    const fcc = await readOne(`data_x\n${CUBIC}_symmetry_space_group_name_H-M 'F m -3 m'\n${COPPER_SITE}`);
    const ideal = idealCrystal('fcc', 4);
    expect(atomCount(fcc)).toBe(4);
    expect(rounded(fcc.positions).sort()).toEqual(rounded(ideal.positions).sort());
    const graphite = await readOne(
      `data_x\n${cell(2.47, 2.47, 6.8, 90, 90, 120)}_symmetry_Int_Tables_number 194\n${atoms('C1 C 0 0 .25\nC2 C .3333 .6667 .25')}`,
    );
    expect(atomCount(graphite)).toBe(4);
  });

  it.each([
    ["_symmetry_space_group_name_H-M 'P 1 21/n 1'"],
    ["_symmetry_space_group_name_H-M 'P21/n'"],
    ['_space_group_name_H-M_alt P2(1)/n'],
    ["_space_group_name_Hall '-P 2yn'"],
    [operations('x,y,z', '1/2-x,1/2+y,1/2-z', '-x,-y,-z', 'x+0.5,-Y+.5,z+1/2')],
  ])('gives the same atoms for %j', async (symmetry) => {
    const text = `data_x\n${cell(5, 6, 7, 90, 100, 90)}${symmetry}\n${atoms('C1 C 0.1 0.2 0.3')}`;
    const { positions } = await readOne(text);
    expect(positions).toHaveLength(12);
    const sum = positions.reduce((total, value) => total + value, 0);
    // Four images whose fractional coordinates add up to 2 along each axis.
    const beta = (100 * Math.PI) / 180;
    expect(sum).toBeCloseTo(2 * (5 + 6 + 7 * (Math.cos(beta) + Math.sin(beta))), 9);
  });

  it('takes the axes of rhombohedral groups from the cell, and the origin from the symbol', async () => {
    const count = async (shape: string, symbol: string, site = 'C1 C .1 .25 .3') =>
      atomCount(await readOne(`data_x\n${shape}_space_group_name_H-M_alt '${symbol}'\n${atoms(site)}`));
    expect(await count(cell(5, 5, 13, 90, 90, 120), 'R -3 m')).toBe(36);
    expect(await count(cell(6, 6, 6, 50, 50, 50), 'R -3 m')).toBe(12);
    expect(await count(cell(5, 5, 13, 90, 90, 120), 'R -3 m :H')).toBe(36);
    expect(await count(CUBIC, 'F d -3 m:1', 'C1 C 0 0 0')).toBe(8);
    expect(await count(CUBIC, 'F d -3 m :2', 'C1 C .125 .125 .125')).toBe(8);
    expect(await count(CUBIC, 'F d 3 m Z', 'C1 C 0 0 0')).toBe(16);
    const named = (shape: string, symbol: string) =>
      refusal(`data_x\n${shape}_space_group_name_H-M_alt '${symbol}'\n${COPPER_SITE}`, { file: 'x.cif' });
    expect(await named(CUBIC, 'F d -3 m')).toBe(
      'x.cif: data_x: F d -3 m has two origins, and the file does not say which one it uses; give the symmetry operations ' +
        'as a loop of _space_group_symop_operation_xyz (near "F d -3 m")',
    );
    expect(await named(CUBIC, 'P b n m')).toContain('the space group is not known, or not in this setting');
    expect(await named(CUBIC, 'R -3 m :H')).toContain('the cell does not have the symmetry of the space group');
    expect(await named(CUBIC, 'P 63')).toContain('the cell does not have the symmetry');
  });

  it('says what it took where the file does not say enough', async () => {
    const none = await withWarnings(`data_x\n${CUBIC}${COPPER_SITE}`);
    expect(none.warnings).toEqual(['x.cif: data_x: no space group and no symmetry operations are given; P 1 is taken']);
    const named = await withWarnings(`data_x\n${CUBIC}_space_group_IT_number 225\n${COPPER_SITE}`);
    expect(named.warnings).toEqual([
      'x.cif: data_x: no symmetry operations are listed; the 192 of the space group F m -3 m are taken',
    ]);
    const identity = await withWarnings(
      `data_x\n${CUBIC}_space_group_IT_number 225\n${operations('x,y,z')}${COPPER_SITE}`,
    );
    expect(identity.warnings[0]).toContain('the only operation listed is the identity, which counts');
    const unknown = await withWarnings(
      `data_x\n${CUBIC}_symmetry_space_group_name_H-M ?\n_symmetry_equiv_pos_as_xyz ?\n${COPPER_SITE}`,
    );
    expect(unknown.warnings[0]).toContain('P 1 is taken');
  });

  it.each([
    [operations('x,y,z', '-x,y'), 'a symmetry operation such as x,1/2+y,-z was expected (near "-x,y")'],
    [operations('x,y,z', 'x,y,w'), 'was expected'],
    [operations('x,y,z', 'x,x,z'), 'was expected'],
    [operations('-x,-y,-z'), 'the identity x,y,z is not among the symmetry operations'],
    [operations('x,y,z', '-x,y,z+1/4'), 'not a whole group: -x,y,z+1/4 and then -x,y,z+1/4 is not among them'],
    ['loop_ _space_group_symop_magn_operation.xyz x,y,z,+1\n', 'magnetic symmetry is not read'],
  ])('refuses %j', async (symmetry, sentence) => {
    expect(await refusal(`data_x\n${CUBIC}${symmetry}${COPPER_SITE}`)).toContain(sentence);
  });

  property(
    'an atom in a general place has as many images as there are operations, all distinct',
    20,
    async (random) => {
      const at = () => random.between(0, 1).toFixed(5);
      const text = `data_x\n${cell(20, 20, 20, 90, 90, 90)}_space_group_IT_number 221\n${atoms(`C1 C ${at()} ${at()} ${at()}`)}`;
      const { structures, warnings } = await withWarnings(text);
      const count = atomCount(structures[0] as Structure);
      // A random place may be a special one, or close to one.
      expect(48 % count === 0 || warnings.some((warning) => warning.includes('special'))).toBe(true);
    },
  );
});

describe('sites of CIF', () => {
  const P1 = `data_x\n${CUBIC}_space_group_IT_number 1\n`;

  it.each([
    ['C1 Cval', 'C'],
    ['x Fe3+', 'Fe'],
    ['x Fe+3', 'Fe'],
    ['x O2-', 'O'],
    ['x C0+', 'C'],
    ['x SI', 'Si'],
    ['D1 D', 'H'],
    ['Ho1 .', 'Ho'],
    ['O1W ?', 'O'],
    ['Hn1 ?', 'H'],
    ['Zr-1 ?', 'Zr'],
  ])('%s is %s', async (names, element) => {
    expect(symbolsOf(await readOne(`${P1}${atoms(`${names} 0 0 0`)}`))).toEqual([element]);
  });

  it('lets the formula say what a label means', async () => {
    const text = (formula: string) =>
      `${P1}_chemical_formula_sum '${formula}'\n${atoms('CA1 . 0 0 0').replace('_atom_site_type_symbol', '_atom_site_x')}`;
    expect(symbolsOf(await readOne(text('C6 H6')))).toEqual(['C']);
    expect(symbolsOf(await readOne(text('Ca O')))).toEqual(['Ca']);
    expect(await refusal(text('?'))).toContain('the symbol of an element was expected (near "CA1")');
  });

  it('leaves out what is no atom, and says so', async () => {
    const { structures, warnings } = await withWarnings(
      `${P1}${atoms('C1 C 0 0 0 .\nC2 C ? ? ? .\nQ1 C .5 .5 .5 dum\nC3 C . . . .', 'calc_flag')}`,
    );
    expect(structures[0]?.columns.get('label')?.values).toEqual(['C1']);
    expect(warnings).toEqual([
      'x.cif: line 17: C2 has no coordinates and is left out, as all such atoms are',
      'x.cif: line 18: Q1 is a dummy atom and left out, as all of them are',
    ]);
  });

  it('keeps occupancies, and lets the fullest site stand for those that share its place', async () => {
    const { structures, warnings } = await withWarnings(
      `${P1}${atoms('Fe1 Fe 0 0 0 0.3\nMg1 Mg 0 0 0.001 0.7(1)\nO1 O .5 .5 .5 1', 'occupancy')}`,
    );
    const [mixed] = structures as [Structure];
    expect(symbolsOf(mixed)).toEqual(['Mg', 'O']);
    expect(mixed.columns.get('occupancy')?.values).toEqual(Float64Array.of(0.7, 1));
    expect(warnings).toEqual([
      'x.cif: line 16: Fe1 is there to a share of 0.3 only; atoms are read as whole ones, and the column "occupancy" says their share',
      'x.cif: line 16: site Fe1 shares its place with Mg1, which fills more of it and stands for both',
    ]);
  });

  it('counts the atoms against the formula', async () => {
    const formula = (sum: string, z: number) =>
      withWarnings(
        `${P1}_chemical_formula_sum '${sum}'\n_cell_formula_units_Z ${z}\n${atoms('C1 C 0 0 0\nH1 D .5 0 0')}`,
      );
    expect((await formula('C H', 1)).warnings).toEqual([]);
    expect((await formula('C0.5 D0.5', 2)).warnings).toEqual([]);
    expect((await formula('C H4', 1)).warnings).toEqual([
      'x.cif: data_x: the formula C H4 with Z = 1 makes 4 atoms of H in the cell; there are 1',
    ]);
    expect((await formula('C H', 2)).warnings[0]).toContain('2 atoms of C in the cell; there are 1');
    expect((await formula('H', 1)).warnings[0]).toContain('0 atoms of C in the cell; there are 1');
  });

  it('merges an atom that is listed twice, and refuses two species in one place', async () => {
    const twice = await withWarnings(`${P1}${atoms('C1 C 0 0 0\nC2 C 1 0.999 0')}`);
    expect(atomCount(twice.structures[0] as Structure)).toBe(1);
    expect(twice.warnings).toEqual(['x.cif: line 16: site C2 lies where C1 does and is left out']);
    expect(await refusal(`${P1}${atoms('C1 C 0 0 0\nN1 N 0 0 0')}`, { file: 'x.cif' })).toBe(
      'x.cif:16:1: _atom_site_label: N1 lies where C1 does (line 15), and their occupancies add up to 2; at most 1 was expected (near "N1")',
    );
  });

  it.each([
    ['C1 C 0 0 zero', ':15:10: _atom_site_fract_z: a number was expected (near "zero")'],
    ['C1 C 0 0 ?', 'a number was expected (near "?")'],
    ['C1 C 0 0 1.2(', 'a number was expected'],
    ['C1 C 0 0 NaN', 'a number was expected'],
    ['C1 C 0 0 1e9', 'coordinates up to 1000000 were expected'],
    ['W1 Wat 0 0 0', 'the symbol of an element was expected (near "Wat")'],
    ['Q1 . 0 0 0', 'the symbol of an element was expected (near "Q1")'],
    ["C1 'C 0 0 0", 'not a multiple'],
    ['C1 C 0 0', 'The number of values for loop starting at line 9 is not a multiple of the number of columns'],
  ])('refuses the row %j', async (row, sentence) => {
    expect(await refusal(`${P1}${atoms(row)}`)).toContain(sentence);
  });

  it('refuses an occupancy that is none', async () => {
    for (const occupancy of ['1.5', '-0.1', 'x']) {
      expect(await refusal(`${P1}${atoms(`C1 C 0 0 0 ${occupancy}`, 'occupancy')}`)).toMatch(
        /:16:12: _atom_site_occupancy: .* was expected/,
      );
    }
  });
});

describe('broken CIF', () => {
  it.each([
    ['data_x\n', 'no data block holds atoms'],
    ['data_x\n_a 1\n', 'no data block holds atoms'],
    ['data_x\nloop_\n1 2\n', 'x.cif:2:1: names (_…) were expected behind loop_'],
    ['data_x\n_a 1 2\n', ':2: a name (_…), loop_ or data_… was expected (near "2")'],
    ['data_x\n_a\n_b 1\n', ':3: Expected value.'],
    ['data_x\n_a\n;text\n', 'x.cif:3:1: the text field that begins here has no end'],
    ['data_x\nsave_y\n_a 1\n', 'Unfinished save frame'],
    [`data_x\n_cell_length_a 1\n${CUBIC}${COPPER_SITE}`, '_cell_length_a is given twice'],
    [`data_x\n${COPPER_SITE}`, 'fractional coordinates need a cell'],
    [`data_x\n_cell_length_a 4\n${COPPER_SITE}`, 'the cell has no _cell_length_b'],
    [`data_x\n_cell_length_a 'x\n${COPPER_SITE}`, '_cell_length_a: the line ends within quotes (near "\'x")'],
    [
      `data_x\n${cell(0, 4, 4, 90, 90, 90)}${COPPER_SITE}`,
      '_cell_length_a: a length above 0, in Å, was expected (near "0")',
    ],
    [`data_x\n${cell(4, 4, 4, 90, 180, 90)}${COPPER_SITE}`, 'an angle between 0 and 180° was expected (near "180")'],
    [`data_x\n${cell(4, 4, 4, 60, 60, 120)}${COPPER_SITE}`, 'make no cell'],
    [`data_x\n${cell(4, 4, 4, 60, 60, 150)}${COPPER_SITE}`, 'make no cell'],
    [`data_x\n${CUBIC}${COPPER_SITE.replace('_atom_site_fract_z', '_atom_site_u')}`, 'x, y and z were expected'],
    [`data_x\n${CUBIC}${COPPER_SITE}loop_ _atom_site_occupancy 1 1\n`, '2 values for 1 atoms'],
  ])('is refused: %j', async (text, sentence) => {
    expect(await refusal(text, { file: 'x.cif' })).toContain(sentence);
  });

  it('is refused beyond its limits, before anything large is made of it', async () => {
    const rows = Array.from({ length: 11_000 }, (_, at) => `C${at} C 0.${at} 0 0`).join('\n');
    expect(await refusal(`data_x\n${cell(9, 9, 9, 90, 90, 90)}_space_group_IT_number 225\n${atoms(rows)}`)).toContain(
      '11000 sites and 192 symmetry operations make more than 2000000 atoms',
    );
    expect(await refusal(`data_x\n${`_a${'x'.repeat(1000)}\n`.repeat(70_000)}`)).toContain(
      'the file is larger than 64 MiB',
    );
    const names = Array.from({ length: 20_000 }, (_, at) => `_atom_site.a${at}`).join('\n');
    expect(await refusal(`data_x\nloop_\n${names}\n`)).toContain('no data block holds atoms');
  });

  it('says where it was cut off, wherever that was', async () => {
    const text = `data_x\n${CUBIC}${operations('x,y,z', '-x,-y,-z')}${atoms('C1 C .1 .2 .3\nN1 N .4 .5 .6')}`;
    const whole = await withWarnings(text);
    expect(whole.warnings).toEqual([]);
    for (let length = 0; length < text.length - 1; length++) {
      try {
        const { structures, warnings } = await withWarnings(text.slice(0, length));
        // Rows that are whole cannot be told from all rows; a last value that may be half of one can.
        const complete = structures.every((structure) => atomCount(structure) % 2 === 0);
        expect([length, complete && (warnings.length > 0 || text[length - 1] === '\n')]).toEqual([length, true]);
      } catch (error) {
        expect((error as { code?: string }).code).toMatch(/PARSE_ERROR|UNKNOWN_FORMAT/);
      }
    }
  });
});

it('is written as extended XYZ without loss', async () => {
  const text = `data_a b\n${CUBIC}_space_group_IT_number 2\n${atoms("'C 1' C .1 .2 .3 .5", 'occupancy')}`.replace(
    'a b',
    'a',
  );
  const structure = await readOne(text);
  expect(await readOne([...formatExtxyz(structure)].join(''))).toEqual(structure);
});

it('the licence of what is bundled is shipped', () => {
  const read = (path: string) =>
    readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
      .replaceAll(/\s+/g, ' ')
      .trim();
  expect(read('THIRD-PARTY-LICENCES.txt')).toContain(read('node_modules/molstar/LICENSE'));
});
