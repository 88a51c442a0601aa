import { type Column, type Structure, SurprisalError } from '@surprisal/core';
import { formatExtxyz, type ReadOptions, readStructures } from '@surprisal/io';
import { maxAbsDifference, property } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { type IdOrder, orderById } from '../src/sort-by-id.ts';
import { readOne, readText, refusal, symbolsOf } from './read-text.ts';

const CUBE = { header: 'BOX BOUNDS pp pp pp', rows: ['0 4', '0 5', '0 6'] };

/** A frame of a dump. */
function frame(columns: string, atoms: string[], box = CUBE, before = ''): string {
  return `${before}ITEM: TIMESTEP\n100\nITEM: NUMBER OF ATOMS\n${atoms.length}\nITEM: ${box.header}\n${box.rows.join('\n')}\nITEM: ATOMS ${columns} \n${atoms.map((row) => `${row} \n`).join('')}`;
}

const TWO_FRAMES =
  frame('id type x y z vx', ['2 1 1 2 3 0.5', '1 2 0.25 0 0 -1']) +
  frame('id type x y z vx', ['1 2 0 0 0 1', '2 1 1 1 1 1e-2']);

async function warned(text: string, options: ReadOptions = {}): Promise<string[]> {
  const warnings: string[] = [];
  await readText(text, { ...options, onWarning: (message) => warnings.push(message) });
  return warnings;
}

function values(structure: Structure, name: string): unknown[] {
  return Array.from((structure.columns.get(name) as Column).values as Iterable<unknown>);
}

function originOf(structure: Structure): readonly unknown[] {
  return Array.from((structure.info.get('Origin')?.values ?? []) as Iterable<unknown>);
}

describe('reading LAMMPS dumps', () => {
  it('sorts by id and keeps every column', async () => {
    const [first, second] = (await readText(TWO_FRAMES, { species: { 1: 'Na', 2: 'Cl' } })) as [Structure, Structure];
    expect([...first.positions]).toEqual([0.25, 0, 0, 1, 2, 3]);
    expect(symbolsOf(first)).toEqual(['Cl', 'Na']);
    expect(symbolsOf(second)).toEqual(['Cl', 'Na']);
    expect([...first.columns.keys()]).toEqual(['id', 'type', 'vx']);
    expect(values(first, 'vx')).toEqual([-1, 0.5]);
    expect(first.info.get('timestep')).toEqual({ kind: 'integer', shape: [], values: Float64Array.of(100) });
    expect([...(first.cell as Float64Array)]).toEqual([4, 0, 0, 0, 5, 0, 0, 0, 6]);
    expect(first.pbc).toEqual([true, true, true]);
  });

  it('reads the same in chunks of any size, with Windows line ends and blank lines', async () => {
    const whole = await readText(TWO_FRAMES);
    for (const chunk of [1, 3, 50]) expect(await readText(TWO_FRAMES, { chunk })).toEqual(whole);
    expect(await readText(`\ufeff\n${TWO_FRAMES.replaceAll('\n', '\r\n')}\r\n\r\n`)).toEqual(whole);
  });

  it.each([
    ['x y z', '1.5 0.25 2', [1.5, 0.25, 2]],
    ['z junk x y', '2 7 1.5 0.25', [1.5, 0.25, 2]],
    ['xu yu zu', '-7 12 30', [-7, 12, 30]],
    ['xs ys zs', '0.5 0.25 1', [2 + 1, 1.25 - 2, 6 + 0.5]],
    ['xsu ysu zsu', '-0.5 2 0', [-2 + 1, 10 - 2, 0.5]],
    ['xs ys zs xu yu zu x y z', '0 0 0 1 1 1 2 2 2', [2, 2, 2]],
  ])('finds the coordinates among %s', async (columns, row, expected) => {
    const structure = await readOne(frame(columns, [row], { ...CUBE, rows: ['1 5', '-2 3', '0.5 6.5'] }));
    expect([...structure.positions]).toEqual(expected);
    expect([...originOf(structure)]).toEqual([1, -2, 0.5]);
  });

  it('undoes the bounding box of tilted boxes', async () => {
    // a = (4, 0, 0), b = (−1, 5, 0), c = (2, −0.5, 6), corner (1, 2, 3): the corners reach from 0 to 7 and from 1.5 to 7.
    const box = { header: 'BOX BOUNDS xy xz yz pp ff fs', rows: ['0 7 -1', '1.5 7 2', '3 9 -0.5'] };
    const structure = await readOne(frame('xs ys zs', ['0.5 1 2'], box));
    expect([...(structure.cell as Float64Array)]).toEqual([4, 0, 0, -1, 5, 0, 2, -0.5, 6]);
    expect([...originOf(structure)]).toEqual([1, 2, 3]);
    expect([...structure.positions]).toEqual([1 + 2 - 1 + 4, 2 + 5 - 1, 3 + 12]);
    expect(structure.pbc).toEqual([true, false, false]);
  });

  it('reads boxes of any orientation', async () => {
    const box = { header: 'BOX BOUNDS abc origin pp pp mm', rows: ['0 4 1 10', '-5 0 0 20', '0 1 6 30'] };
    const structure = await readOne(frame('id type xs ys zs', ['1 1 0.5 1 0'], box));
    expect([...(structure.cell as Float64Array)]).toEqual([0, 4, 1, -5, 0, 0, 0, 1, 6]);
    expect([...structure.positions]).toEqual([10 - 5, 20 + 2, 30 + 0.5]);
    expect(structure.pbc).toEqual([true, true, false]);
  });

  it('takes absent boundary flags for periodic, and says so', async () => {
    const box = { ...CUBE, header: 'BOX BOUNDS' };
    const text = frame('x y z', ['0 0 0'], box);
    expect((await readOne(text)).pbc).toEqual([true, true, true]);
    expect(await warned(text + text)).toEqual([
      '<input>: BOX BOUNDS has no boundary flags; the box is taken to be periodic along every axis',
      '<input>: the atoms have no ids; they stay in the order of the file',
      '<input>: there is no column element or type; all atoms are named X',
    ]);
  });

  it('names species by element, by the given map, by label, or by number, which is said once', async () => {
    const rows = ['1 1 Na 0 0 0', '2 7 Cl 1 1 1'];
    expect(symbolsOf(await readOne(frame('id type element x y z', rows)))).toEqual(['Na', 'Cl']);
    const mapped = await readOne(frame('id type element x y z', rows), { species: { 1: 'K', 7: 'K' } });
    expect([symbolsOf(mapped), mapped.species.symbols]).toEqual([['K', 'K'], ['K']]);
    expect(symbolsOf(await readOne(frame('id type x y z', ['2 Cl 0 0 0', '1 Na 1 1 1'])))).toEqual(['Na', 'Cl']);
    const numbered = frame('id type x y z', ['1 3 0 0 0', '2 1 1 1 1']);
    expect(symbolsOf(await readOne(numbered))).toEqual(['X3', 'X1']);
    expect(await warned(numbered + numbered)).toEqual([
      '<input>: the file numbers its atom types but does not name them; they are named X1, X2, …',
    ]);
    expect(await refusal(numbered, { species: { 1: 'H' } })).toContain('there are atoms of type 3');
    expect(await warned(frame('x y z', ['0 0 0']), { species: { 1: 'H' } })).toContain(
      '<input>: the species of the types were given, but the file has no column type; they are not used',
    );
  });

  it.each([
    [undefined, undefined, 1],
    ['metal', undefined, 1],
    ['real', 'metal', 1],
    ['nano', undefined, 10],
    ['micro', undefined, 1e4],
    ['cgs', undefined, 1e8],
    ['si', undefined, 1e10],
    ['electron', undefined, 0.529177210903],
    [undefined, 'electron', 0.529177210903],
    ['lj', 'metal', 1],
  ])('converts lengths: units %s in the file, %s given', async (said, given, length) => {
    const before = `${said === undefined ? '' : `ITEM: UNITS\n${said}\n`}ITEM: TIME\n0.5\n`;
    const text = frame('x y z', ['1 2 3'], { ...CUBE, rows: ['1 5', '0 5', '0 6'] }, before);
    const [first, second] = (await readText(text + frame('x y z', ['1 2 3']), { units: given })) as [
      Structure,
      Structure,
    ];
    expect([...first.positions]).toEqual([length, 2 * length, 3 * length]);
    expect([...(first.cell as Float64Array)]).toEqual([4 * length, 0, 0, 0, 5 * length, 0, 0, 0, 6 * length]);
    expect([...originOf(first)]).toEqual([length, 0, 0]);
    expect(first.info.get('time')?.values).toEqual(Float64Array.of(0.5));
    expect(first.info.get('lammps_units')?.values).toEqual(said === undefined ? undefined : [said]);
    expect([...second.positions]).toEqual([...first.positions]);
  });

  it('reads coordinates of another kind along each axis, also in a tilted box', async () => {
    const tilted = { header: 'BOX BOUNDS xy xz yz pp ff fs', rows: ['0 7 -1', '1.5 7 2', '3 9 -0.5'] };
    for (const box of [CUBE, tilted]) {
      const scaled = await readOne(frame('xs ys zs', ['0.25 0.5 0.125'], box));
      const [x, y, z] = scaled.positions;
      for (const [names, row] of [
        ['xs ys z', [0.25, 0.5, z]],
        ['xs y zs', [0.25, y, 0.125]],
        ['xsu yu z', [0.25, y, z]],
        ['x ys z', [x, 0.5, z]],
        ['xu y zs', [x, y, 0.125]],
      ] as const) {
        const { positions } = await readOne(frame(names, [row.join(' ')], box));
        expect(maxAbsDifference(positions, scaled.positions), names).toBeLessThan(1e-12);
      }
    }
    const general = { header: 'BOX BOUNDS abc origin pp pp pp', rows: ['4 1 0 0', '0 4 0 0', '0 0 4 0'] };
    expect(await refusal(frame('xs ys z', ['0 0 0'], general))).toContain('scaled along some axes only');
  });

  it('refuses lengths that are none', async () => {
    const text = frame('x y z', ['1 2 3'], CUBE, 'ITEM: UNITS\nlj\n');
    expect(await refusal(text, { file: 'a.dump' })).toContain('a.dump: lengths in LAMMPS units lj are multiples of σ');
    expect(await refusal(text, { units: 'lj' })).toContain('multiples of σ');
    expect(await refusal(text, { units: 'furlong' })).toContain('"furlong" is no unit style');
    expect(await warned(text.replace('lj', 'real'), { units: 'nano' })).toContain(
      '<input>: the file says that its units are real; nano was given and is not used',
    );
  });

  it('tells whole numbers, real numbers and words apart', async () => {
    const rows = ['1 1 0 0 0 5 1 12.0 7 ab -1', '2 1 1 1 1 6 2 12 8 cd 2'];
    const structure = await readOne(frame('id type x y z mol vx mass c_n c_word ix', rows));
    const kinds = [...structure.columns].map(([name, { kind }]) => `${name} ${kind}`);
    expect(kinds).toEqual([
      'id integer',
      'type integer',
      'mol integer',
      'vx real',
      'mass real',
      'c_n integer',
      'c_word string',
      'ix integer',
    ]);
    const large = await readOne(frame('id mol x y z', ['2 9007199254740993 0 0 0', '1 5 1 1 1']));
    expect(values(large, 'mol')).toEqual([5n, 9007199254740993n]);
  });

  it('reads a frame without atoms', async () => {
    const empty = await readOne(frame('id type x y z c_1', []));
    expect(empty.positions.length).toBe(0);
    expect(empty.columns.get('type')?.kind).toBe('integer');
    expect(empty.columns.get('c_1')?.kind).toBe('real');
  });

  const whole = frame('id type x y z', ['1 1 0 0 0', '2 1 1 1 1']);
  it.each([
    [whole.replace('2 1 1 1 1', '1 1 1 1 1'), 'a.dump:11: the id 1 belongs to two atoms'],
    [whole.replace('ATOMS\n2', 'ATOMS\n3'), 'a.dump:11: the file ends after 2 of the 3 atoms'],
    [whole.replace('ATOMS\n2', 'ATOMS\n1000000000000'), 'the file ends after 2 of the 1000000000000 atoms'],
    [whole.replace('ATOMS\n2', 'ATOMS\n1'), 'a.dump:11: a frame begins with ITEM: TIMESTEP; this may be one more atom'],
    [whole.replace('ATOMS\n2', 'ATOMS\ntwo'), 'a.dump:4: the number of atoms must be a whole number (near "two")'],
    [whole.replace('2 1 1 1 1', '2 1 1 1'), 'a.dump:11: atom 2 of 2, column "z": the line ends where'],
    [whole.replace('2 1 1 1 1', '2 1 1 1 1 1'), 'a.dump:11:11: atom 2 of 2 has more fields than the 5'],
    [whole.replace('2 1 1 1 1', '2 1 1 nan 1'), 'a.dump:11:7: atom 2 of 2, column "y": a coordinate, a finite number'],
    [whole.replace('2 1 1 1 1', '2.5 1 1 1 1'), 'column "id": a whole number was expected (near "2.5")'],
    [whole.replace('2 1 1 1 1', '2 one 1 1 1'), 'column "type": a number was expected (near "one")'],
    [whole.replace('2 1 1 1 1', '2 1.5 1 1 1'), 'column "type" must hold whole numbers or labels'],
    [whole.replace('id type', 'id id'), 'names the column id twice'],
    [whole.replace('x y z', 'x y fz'), 'must name coordinates: x y z, xu yu zu'],
    [whole.replace('TIMESTEP\n100', 'TIMESTEP\nsoon'), 'a.dump:2: a time step is a whole number'],
    [whole.replace('TIMESTEP', 'STEP'), 'a.dump:1: this item is not known'],
    [whole.replace('pp pp pp', 'pp pp'), 'must end with three boundary flags'],
    [whole.replace('pp pp pp', 'pp pp xx'), 'must end with three boundary flags'],
    [whole.replace('0 4', '4 0'), 'the box ends at 0 before it begins at 4 along x'],
    [whole.replace('0 4', '0 4 1'), 'a.dump:6: the bounds of the box along x must be 2 numbers, as line 5 announces'],
    [whole.replace('0 4', '0 inf'), 'a.dump:6: the bounds of the box along x must be 2 numbers'],
    [whole.replace('0 4', '4 4'), 'a.dump:6: the box is periodic along x, where it ends at'],
    [whole.replace(/ITEM: BOX[^I]*/, ''), 'ITEM: BOX BOUNDS is missing'],
    [whole.replace(/ITEM: NUMBER[^I]*/, ''), 'ITEM: NUMBER OF ATOMS is missing'],
    [
      whole.replace(/ITEM: ATOMS[\s\S]*/, whole),
      'a.dump:9: a new frame begins before the atoms of the one that begins in line 1',
    ],
    [`${whole}ITEM: TIMESTEP\n200\n`, 'a.dump:13: the file ends in the header of the frame that begins in line 12'],
  ])('refuses what it cannot believe: %#', async (text, sentence) => {
    expect(await refusal(text, { file: 'a.dump' })).toContain(sentence);
  });

  it('never reads a file that is cut off as if it were whole', async () => {
    const secondFrame = TWO_FRAMES.lastIndexOf('ITEM: TIMESTEP');
    for (let length = 0; length < TWO_FRAMES.length; length++) {
      const warnings: string[] = [];
      try {
        await readText(TWO_FRAMES.slice(0, length), {
          species: { 1: 'H', 2: 'O' },
          onWarning: (message) => warnings.push(message),
        });
        if (warnings.length === 0 && length !== secondFrame) expect.fail(`cut at ${length}: read in silence`);
      } catch (error) {
        const { code } = error as { code?: string };
        expect(['PARSE_ERROR', 'UNKNOWN_FORMAT'], `cut at ${length}: ${String(error)}`).toContain(code);
      }
    }
  });

  property('reads scaled coordinates as it reads others, in any box', 30, async (random) => {
    const cell = Float64Array.from({ length: 9 }, () => random.gaussian() * 5);
    const origin = Float64Array.from({ length: 3 }, () => random.gaussian());
    const fractions = Array.from({ length: 20 }, () => [random.uniform(1), random.gaussian(), random.gaussian()]);
    const positions = Float64Array.from(
      fractions.flatMap((f) =>
        [0, 1, 2].map((x) => f.reduce((sum, s, v) => sum + s * (cell[3 * v + x] as number), origin[x] as number)),
      ),
    );
    const box = {
      header: 'BOX BOUNDS abc origin pp pp pp',
      rows: [0, 1, 2].map((v) => [...cell.subarray(3 * v, 3 * v + 3), origin[v]].join(' ')),
    };
    const structure = await readOne(
      frame(
        'xs ys zs',
        fractions.map((f) => f.join(' ')),
        box,
      ),
    );
    expect(maxAbsDifference(structure.positions, positions)).toBeLessThan(1e-12);
  });

  it('becomes extended XYZ and comes back the same', async () => {
    const structures = await readText(TWO_FRAMES);
    expect(await readText(structures.flatMap((structure) => [...formatExtxyz(structure)]).join(''))).toEqual(
      structures,
    );
  });
});

describe('broken bytes', () => {
  property('are read or refused, never stumbled over', 300, async (random) => {
    const bytes = new TextEncoder().encode(TWO_FRAMES);
    for (let i = random.whole(1, 4); i > 0; i--) bytes[random.whole(0, bytes.length - 1)] = random.whole(0, 255);
    try {
      await readText(bytes, { format: 'lammps-dump' });
    } catch (error) {
      expect(error).toBeInstanceOf(SurprisalError);
    }
  });
});

describe('orderById', () => {
  property('sorts ids near and far, and finds repeated ones', 30, (random) => {
    const spread = random.pick([1, 1e9]);
    const ids = [...new Set(Array.from({ length: 200 }, () => random.whole(-500, 500) * spread))];
    const order = orderById(Float64Array.from(ids));
    const { rows, ids: sorted } = (order ?? { rows: ids.keys(), ids }) as IdOrder;
    expect([...sorted]).toEqual([...ids].sort((a, b) => a - b));
    expect(Array.from(rows, (row) => ids[row])).toEqual([...sorted]);
    const repeated = ids[0] as number;
    expect(orderById(Float64Array.from([...ids, repeated]))).toEqual({ id: repeated, row: ids.length });
  });
});

describe('memory', () => {
  it('of reading a dump of a million atoms stays below 300 MB beyond its arrays', async () => {
    const atoms = 1_000_000;
    const encoder = new TextEncoder();
    let peak = 0;
    async function* dump(): AsyncGenerator<Uint8Array, void> {
      yield encoder.encode(frame('id type x y z vx vy vz', []).replace('ATOMS\n0', `ATOMS\n${atoms}`));
      for (let first = 0; first < atoms; first += 2000) {
        let rows = '';
        for (let row = first; row < first + 2000; row++) {
          rows += `${((row * 7919) % atoms) + 1} 1 ${row % 97}.125 ${row % 89}.25 ${row % 83}.5 -1.25 2.5 0.0625\n`;
        }
        yield encoder.encode(rows);
        peak = Math.max(peak, process.memoryUsage().rss);
      }
    }
    const before = process.memoryUsage().rss;
    for await (const structure of readStructures(dump(), { format: 'lammps-dump' })) {
      peak = Math.max(peak, process.memoryUsage().rss);
      const arrays = [...structure.columns.values()].reduce(
        (sum, { values: { length } }) => sum + 8 * length,
        26 * atoms,
      );
      expect(structure.positions.length).toBe(3 * atoms);
      expect((peak - before - arrays) / 1e6).toBeLessThan(300);
    }
  });
});
