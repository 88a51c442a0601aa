import type { Column, InfoValue, Structure } from '@surprisal/core';
import { maxAbsDifference, property } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { readOne, readText, refusal, symbolsOf } from './read-text.ts';

const POSCAR = ['title', '1.0', '4 0 0', '0 5 0', '0 0 6', 'Na Cl', '1 1', 'Direct', '0 0 0', '0.5 0.5 0.5', ''];
const XDATCAR = [...POSCAR.slice(0, 7), 'Direct configuration= 1', ...POSCAR.slice(8)];

/** The file with some of its lines, counted from 1, replaced. */
function poscar(changes: Record<number, string> = {}, behind = ''): string {
  return POSCAR.map((line, at) => changes[at + 1] ?? line).join('\n') + behind;
}

function xdatcar(changes: Record<number, string> = {}, behind = ''): string {
  return XDATCAR.map((line, at) => changes[at + 1] ?? line).join('\n') + behind;
}

async function warned(text: string, species?: Record<number, string>): Promise<string[]> {
  const warnings: string[] = [];
  await readText(text, { format: 'poscar', species, onWarning: (message) => warnings.push(message) });
  return warnings;
}

const values = (structure: Structure, name: string) =>
  Array.from((structure.columns.get(name) as Column).values as Iterable<unknown>);

describe('reading POSCAR', () => {
  it('takes one scale, a volume, or three scales, for cell and Cartesian coordinates', async () => {
    const cartesian = { 8: 'Cartesian', 10: '1 2 3' };
    for (const [scale, x, y, z] of [
      ['2', 2, 2, 2],
      ['-960', 2, 2, 2],
      ['1 0.5 2 ! along x, y, z', 1, 0.5, 2],
    ] as const) {
      const structure = await readOne(poscar({ ...cartesian, 2: scale }));
      expect(
        maxAbsDifference([...(structure.cell as Float64Array)], [4 * x, 0, 0, 0, 5 * y, 0, 0, 0, 6 * z]),
      ).toBeLessThan(1e-14);
      expect(maxAbsDifference(structure.positions, [0, 0, 0, x, 2 * y, 3 * z])).toBeLessThan(1e-14);
    }
  });

  it('takes any word that begins as VASP wants it', async () => {
    const direct = await readOne(poscar());
    expect([...direct.positions]).toEqual([0, 0, 0, 2, 2.5, 3]);
    expect(direct.pbc).toEqual([true, true, true]);
    for (const word of ['direct', ' D', 'Direct coordinates'])
      expect(await readOne(poscar({ 8: word }))).toEqual(direct);
    for (const word of ['cartesian', ' k', 'Cart']) {
      expect([...(await readOne(poscar({ 8: word }))).positions]).toEqual([0, 0, 0, 0.5, 0.5, 0.5]);
    }
  });

  it('keeps what is free to move', async () => {
    const selective = await readOne(
      poscar({ 8: 'sel\ndirect', 9: '0 0 0 T F T', 10: '.5 .5 .5 .TRUE. F F' }).replace('.TRUE.', 'true'),
    );
    expect(values(selective, 'selective')).toEqual([1, 0, 1, 1, 0, 0]);
    expect(await refusal(poscar({ 8: 'sel\ndirect', 9: '0 0 0 T F' }), { file: 'P' })).toContain(
      'P:10: atom 1 of 2, selective: the line ends where T or F was expected',
    );
  });

  it('takes names from potentials, and lets one species stand in several blocks', async () => {
    const structure = await readOne(poscar({ 6: 'Na_pv/17 Cl_h Na/9f', 7: '1 0 1' }));
    expect([symbolsOf(structure), structure.species.symbols]).toEqual([['Na', 'Na'], ['Na']]);
    expect(symbolsOf(await readOne(poscar({ 6: 'X1 my_ghost' })))).toEqual(['X1', 'my_ghost']);
    const wrapped = await readOne(poscar({ 6: 'Na\nCl', 7: '1\n1' }));
    expect(symbolsOf(wrapped)).toEqual(['Na', 'Cl']);
  });

  it('finds the species of VASP 4 where they are to be found, and says so', async () => {
    const old = (title: string) => poscar({ 1: title, 6: '1 1' }).replace('\n1 1\n1 1', '\n1 1');
    const cases: [string, string[], string][] = [
      ['K Br', ['K', 'Br'], 'taken from its first line: K, Br'],
      ['# K1 Br1', ['K', 'Br'], 'taken from its first line: K, Br'],
      ['K2 Br1', ['X1', 'X2'], 'named X1, X2'],
      ['K Br relaxed', ['X1', 'X2'], 'named X1, X2'],
      ['salt water', ['X1', 'X2'], 'named X1, X2'],
    ];
    for (const [title, symbols, sentence] of cases) {
      expect(symbolsOf(await readOne(old(title)))).toEqual(symbols);
      const [warning, ...others] = await warned(old(title));
      expect(warning).toContain(sentence);
      expect(others).toEqual([]);
    }
    expect(symbolsOf(await readOne(old('K Br'), { species: { 1: 'Rb', 2: 'I' } }))).toEqual(['Rb', 'I']);
    expect(await refusal(old('K Br'), { species: { 1: 'Rb' } })).toContain('there is a block 2 of atoms');
  });

  it('says what it does not read', async () => {
    expect(await warned(poscar({ 9: '0 0 0 Na', 10: '.5 .5 .5 Cl' }))).toEqual([]);
    expect(await warned(poscar({ 9: '0 0 0 K' }))).toEqual([
      '<input>: line 9: what stands behind the coordinates is not read ("K" is the first of it)',
    ]);
    expect(await warned(poscar({}, '\n1 2 3\n4 5 6\n\n1\n0.5\n1 2 3 4\n'))).toEqual([
      '<input>: what stands behind the velocities, from line 15 on (such as the predictor and corrector), is not read',
    ]);
    const lattice = 'Lattice velocities and vectors\n1\n0 0 0\n0 0 0\n0 0 0\n4 0 0\n0 5 0\n0 0 6\n';
    expect(await warned(poscar({}, `${lattice}\n1 2 3\n4 5 6\n`))).toEqual([
      '<input>: the velocities of the lattice, from line 11 on, are not read',
    ]);
    expect(await warned(poscar({}, lattice))).toHaveLength(1);
    expect(await warned(poscar({}, 'Direct\n1 2 3\n4 5 6\n'))).toEqual([
      '<input>: the velocities are in fractions of the cell vectors per time step, which the file does not give; left out',
    ]);
  });

  it('reads velocities under a blank line or a heading', async () => {
    for (const heading of ['\n', '  \n', 'Cartesian\n', 'Kartesisch\n']) {
      const structure = await readOne(poscar({}, `${heading}1 2 3\n4 5 6\n`));
      expect(values(structure, 'velocities')).toEqual([1, 2, 3, 4, 5, 6]);
    }
    expect((await readOne(poscar({}, '\n\n \n'))).columns.size).toBe(0);
  });

  it.each([
    [{ 2: '0' }, '', 'P:2: the second line must be the scale of the cell'],
    [{ 2: '1 2' }, '', 'P:2: the second line must be the scale of the cell'],
    [{ 2: 'one' }, '', 'P:2: the second line must be the scale of the cell'],
    [{ 2: '1 1 -1' }, '', 'P:2: three scales, along x, y and z, must be positive'],
    [{ 4: '0 5' }, '', 'P:4: cell vector b must be three finite numbers (near "0 5")'],
    [{ 4: '0 inf 0' }, '', 'P:4: cell vector b must be three finite numbers'],
    [{ 5: '0 0 0' }, '', 'P:5: axis c is periodic but has no cell vector'],
    [{ 5: '4 5 0' }, '', 'P:5: the periodic cell vectors are linearly dependent'],
    [{ 6: 'Na Cl K' }, '', 'there are 3 species and 2 counts of atoms'],
    [{ 6: 'Na', 7: '1 1' }, '', 'P:7: there are 1 species and 2 counts of atoms'],
    [{ 6: '' }, '', 'P:6: the species or the counts of atoms were expected, not a blank line'],
    [{ 7: '1 -1' }, '', 'P:7: the counts of atoms must be whole numbers (near "-1")'],
    [{ 7: '1 1.5' }, '', 'P:7: the counts of atoms must be whole numbers (near "1.5")'],
    [{ 7: '0 0' }, '', 'P:7: there are no atoms'],
    [{ 7: '1 2' }, '', 'P:10: the file ends after 2 of the 3 atoms that line 7 declares'],
    [{ 7: '1 1000000000000' }, '', 'P:10: the file ends after 2 of the 1000000000001 atoms'],
    [{ 7: '1 2' }, '\n', 'P:11: atom 3 of 3, coordinates: the line ends where a coordinate'],
    [{ 7: '1' }, '', 'P:8: there are 2 species and 1 counts of atoms (near "Direct")'],
    [{ 8: 'Fractional' }, '', 'P:8: Selective dynamics, Direct or Cartesian was expected (near "Fractional")'],
    [{ 8: 'Selective\n0 0 0' }, '', 'P:9: Direct or Cartesian was expected (near "0 0 0")'],
    [{ 2: '1e300', 10: '0 1e10 0' }, '', 'P:10: atom 2 has the y coordinate Infinity'],
    [{ 10: '0 0' }, '', 'P:10: atom 2 of 2, coordinates: the line ends where a coordinate'],
    [
      { 10: '0 nan 0' },
      '',
      'P:10:3: atom 2 of 2, coordinates: a coordinate, a finite number was expected (near "nan")',
    ],
    [{}, '0 0 0\n', 'P:11: behind the 2 atoms that line 7 declares stands neither a blank line nor the heading'],
    [{}, '\n0 0 0\n', 'P:12: the file ends after the velocities of 1 of the 2 atoms'],
    [{}, '\n0 0 0\n0 0 0 0\n', 'P:13:7: the velocity of atom 2 of 2 has more than three fields'],
    [{}, '\nthe end\n', 'P:12:1: velocity of atom 1 of 2, velocities: a number was expected (near "the")'],
    [{}, 'Lattice velocities\n1\n', 'the file ends where the velocities of the lattice'],
  ])('refuses what it cannot believe: %j %j', async (changes, behind, sentence) => {
    expect(await refusal(poscar(changes, behind), { file: 'P', format: 'poscar' })).toContain(sentence);
  });

  property('places atoms as fractions of any cell', 20, async (random) => {
    const cell = Float64Array.from({ length: 9 }, () => random.gaussian() * 5);
    const fractions = [random.gaussian(), random.uniform(1), random.between(-3, 3)];
    const scale = random.between(0.5, 3);
    const rows = [0, 3, 6].map((at) => cell.subarray(at, at + 3).join(' '));
    const text = ['', scale, ...rows, 'H', 1, 'Direct', fractions.join(' '), ''].join('\n');
    const { positions } = await readOne(text, { format: 'poscar' });
    const expected = [0, 1, 2].map(
      (x) => scale * fractions.reduce((sum, f, v) => sum + f * (cell[3 * v + x] as number), 0),
    );
    expect(maxAbsDifference(positions, expected)).toBeLessThan(1e-11);
  });
});

describe('reading XDATCAR', () => {
  const second = 'Direct configuration= 2\n0 0 0\n0.25 0.25 0.25\n';

  it('reads frames under one header, or each under its own, also a blank one', async () => {
    const shared = await readText(xdatcar({}, second));
    expect(shared.map(({ info }) => [...((info.get('configuration') as InfoValue).values as Float64Array)])).toEqual([
      [1],
      [2],
    ]);
    expect([...(shared[1] as Structure).positions]).toEqual([0, 0, 0, 1, 1.25, 1.5]);
    expect(shared[0]?.cell).not.toBe(shared[1]?.cell);
    const repeated = xdatcar({ 1: '' }) + xdatcar({ 1: '', 2: '2', 8: 'Direct configuration= 2' }, '\n\n');
    const [first, other, ...more] = await readText(repeated, { format: 'xdatcar' });
    expect([first?.cell?.[0], other?.cell?.[0], more.length]).toEqual([4, 8, 0]);
    expect(await readText(xdatcar({}, `\n${second}\n\n`))).toEqual(shared);
  });

  it('reads the headings that versions of VASP write', async () => {
    const [frame] = await readText(xdatcar());
    for (const [heading, number] of [
      ['Konfig=       1', 1],
      ['direct configuration =1', 1],
      ['Direct configuration=******', undefined],
    ] as const) {
      const [other] = await readText(xdatcar({ 8: heading }), { format: 'xdatcar' });
      expect(other?.positions).toEqual(frame?.positions);
      expect((other?.info.get('configuration')?.values as Float64Array | undefined)?.[0]).toBe(number);
    }
  });

  it.each([
    [xdatcar({ 8: 'Direct' }), 'P:8: "Direct configuration=" and its number were expected (near "Direct")'],
    [xdatcar({ 8: 'Direct configuration= one' }), 'P:8: the number of a configuration is a whole one (near "one")'],
    [
      xdatcar({}, '0 0 0\n'),
      'P:11: a frame begins with "Direct configuration="; this may be one more atom than line 7',
    ],
    [xdatcar({ 7: '1 2' }), 'P:10: the file ends after 2 of the 3 atoms that line 7 declares'],
    [xdatcar({ 7: '1 2' }, second), 'P:11:1: atom 3 of 3: a coordinate, a finite number was expected (near "Direct")'],
    [xdatcar({ 9: '0 0 0 0' }), 'P:9:7: atom 1 of 2 has more than three fields'],
    [xdatcar({ 5: '4 5 0' }), 'P:5: the periodic cell vectors are linearly dependent'],
    [xdatcar({}, 'Direct configuration= 2\n'), 'P:11: the file ends after 0 of the 2 atoms that line 7 declares'],
    [xdatcar({}, 'next\n1\n4 0 0\n'), 'P:13: the file ends where cell vector b was expected'],
    ['Direct configuration= 1\n0 0 0\n', 'P:1: "Direct configuration=" and its number were expected'],
  ])('refuses what it cannot believe: %#', async (text, sentence) => {
    const content = text.endsWith('\n') ? text : `${text}\n`;
    expect(await refusal(content, { file: 'P', format: 'xdatcar' })).toContain(sentence);
  });
});
