import { type Column, createStructure, type InfoValue, type Structure, SurprisalError } from '@surprisal/core';
import { formatExtxyz } from '@surprisal/io';
import { property, type RandomStream } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { interpretInfoValue } from '../src/info-value.ts';
import { readOne, readText, refusal, symbolsOf } from './read-text.ts';

const TWO_FRAMES =
  '2\nLattice="4 0 0 0 5 0 0 0 6" Properties=species:S:1:pos:R:3:forces:R:3:tag:I:1:fixed:L:1 energy=-1.5 name="two atoms" pbc="T T F"\n' +
  'Cu 0.0 0.25 -1.5 0.1 0.2 0.3 7 T\nO  1.0 2.0   3.0 1e-3 -2D-01 0 -8 F\n' +
  '1\nProperties=species:S:1:pos:R:3 step=12\nH 1 2 3\n';

/** One atom with this comment line. */
function frame(comment: string): string {
  return `1\n${comment}\nH 0 0 0\n`;
}

function plain(value: InfoValue | undefined): unknown {
  if (value === undefined) return undefined;
  return { kind: value.kind, shape: [...value.shape], values: Array.from(value.values as Iterable<unknown>) };
}

async function info(comment: string): Promise<Record<string, unknown>> {
  const structure = await readOne(frame(comment));
  return Object.fromEntries([...structure.info].map(([key, value]) => [key, plain(value)]));
}

const real = (values: number[], shape: number[] = values.length === 1 ? [] : [values.length]) => ({
  kind: 'real',
  shape,
  values,
});
const integer = (values: number[], shape: number[] = values.length === 1 ? [] : [values.length]) => ({
  kind: 'integer',
  shape,
  values,
});
const logical = (values: number[], shape: number[] = values.length === 1 ? [] : [values.length]) => ({
  kind: 'logical',
  shape,
  values,
});
const string = (...values: string[]) => ({ kind: 'string', shape: values.length === 1 ? [] : [values.length], values });

describe('reading extended XYZ', () => {
  it('reads frames of different size, cell and columns', async () => {
    const [first, second] = (await readText(TWO_FRAMES)) as [Structure, Structure];
    expect(symbolsOf(first)).toEqual(['Cu', 'O']);
    expect([...first.positions]).toEqual([0, 0.25, -1.5, 1, 2, 3]);
    expect([...(first.cell as Float64Array)]).toEqual([4, 0, 0, 0, 5, 0, 0, 0, 6]);
    expect(first.pbc).toEqual([true, true, false]);
    expect(first.columns.get('forces')).toEqual({
      kind: 'real',
      width: 3,
      values: Float64Array.of(0.1, 0.2, 0.3, 1e-3, -0.2, 0),
    });
    expect(first.columns.get('tag')).toEqual({ kind: 'integer', width: 1, values: Float64Array.of(7, -8) });
    expect(first.columns.get('fixed')).toEqual({ kind: 'logical', width: 1, values: Uint8Array.of(1, 0) });
    expect(plain(first.info.get('name'))).toEqual(string('two atoms'));
    expect(second.cell).toBeNull();
    expect(second.pbc).toEqual([false, false, false]);
    expect([...second.info.keys()]).toEqual(['step']);
  });

  it('reads the same in chunks of any size', async () => {
    const whole = await readText(TWO_FRAMES);
    for (const chunk of [1, 2, 3, 7, 64]) expect(await readText(TWO_FRAMES, { chunk })).toEqual(whole);
  });

  it('reads Windows line ends, a byte order mark, blank lines at the end and a last line without end', async () => {
    const whole = await readText(TWO_FRAMES);
    const windows = `\ufeff${TWO_FRAMES.replaceAll('\n', '\r\n')}\r\n  \r\n`;
    expect(await readText(windows)).toEqual(whole);
    expect(await readText(windows, { chunk: 1 })).toEqual(whole);
    const warnings: string[] = [];
    expect(await readText(TWO_FRAMES.trimEnd(), { onWarning: (message) => warnings.push(message) })).toEqual(whole);
    expect(warnings).toEqual(['<input>: line 7, the last, has no end; the file may be cut off there']);
  });

  it('reads comments that are not UTF-8', async () => {
    const bytes = Uint8Array.from(frame('comment="in \u00c5"'), (character) => character.charCodeAt(0));
    expect(plain((await readText(bytes))[0]?.info.get('comment'))).toEqual(string('in Å'));
  });

  it.each([
    ['a=5', integer([5])],
    ['a="5"', integer([5])],
    ["a='5'", integer([5])],
    ['a={5}', integer([5])],
    ['a=[5]', integer([5], [1])],
    ['a=61, b=1', integer([61])],
    ['a = 5', integer([5])],
    ['a=-1.5D+02', real([-150])],
    ['a=1.', real([1])],
    ['a="1 2 3"', integer([1, 2, 3])],
    ['a={1 2.5 3}', real([1, 2.5, 3])],
    ['a=[1, 2, 3]', integer([1, 2, 3])],
    ['a="1 2 3 4 5 6 7 8 9"', integer([1, 2, 3, 4, 5, 6, 7, 8, 9])],
    ['a=[[1,2.5],[3,4],[5,6]]', real([1, 2.5, 3, 4, 5, 6], [3, 2])],
    ['a=[[1, 2], [3]]', string('[[1, 2], [3]]')],
    ['a=[]', real([], [0])],
    ['a=T', logical([1])],
    ['a', logical([1])],
    ['a=TRUE', logical([1])],
    ['a="T F true False"', logical([1, 0, 1, 0])],
    ['a=[T, F]', logical([1, 0])],
    ['a=t', string('t')],
    ['a=word', string('word')],
    ['a="two words"', string('two words')],
    ['a="650 eV"', string('650 eV')],
    [String.raw`a="say \"no\", \\ \n."`, string('say "no", \\ \n.')],
    ['a=\'it is "so"\'', string('it is "so"')],
    ['a={one "two three" four}', string('one', 'two three', 'four')],
    ['a=["x y", z]', string('x y', 'z')],
    ['a=x=y', string('x=y')],
    ['a=""', string('')],
    ['a="_JSON [209.44, 80.54, 60]"', real([209.44, 80.54, 60])],
    [String.raw`a="_JSON {\"x\": 1}"`, string('_JSON {"x": 1}')],
    [String.raw`a="_JSON \"5\""`, string('5')],
    ['a="_JSON [[true, false]]"', logical([1, 0], [1, 2])],
    ['a=nan', real([Number.NaN])],
    ['a="9007199254740993 1"', { kind: 'integer', shape: [2], values: [9007199254740993n, 1n] }],
  ])('understands %s', async (comment, expected) => {
    expect((await info(`Properties=species:S:1:pos:R:3 x=0 ${comment}`))['a']).toEqual(expected);
  });

  it('never takes uid for a number', async () => {
    expect((await info('uid=007 x=007'))['uid']).toEqual(string('007'));
  });

  it('says which keys are given twice', async () => {
    const warnings: string[] = [];
    const structure = await readOne(frame('a=1 a=2'), { onWarning: (message) => warnings.push(message) });
    expect(plain(structure.info.get('a'))).toEqual(integer([2]));
    expect(warnings).toEqual(['<input>: line 2 gives a more than once; the last value counts']);
  });

  it('keeps nine numbers of virial and stress as a matrix, which stands column by column', async () => {
    const values = await info('virial="1 2 3 4 5 6 7 8 9" nine="1 2 3 4 5 6 7 8 9" stress=[[1,2,3],[4,5,6],[7,8,9]]');
    expect(values['virial']).toEqual(integer([1, 4, 7, 2, 5, 8, 3, 6, 9], [3, 3]));
    expect(values['nine']).toEqual(integer([1, 2, 3, 4, 5, 6, 7, 8, 9]));
    expect(values['stress']).toEqual(integer([1, 2, 3, 4, 5, 6, 7, 8, 9], [3, 3]));
  });

  it.each([
    'Lattice="1 2 3 4 5 6 7 8 10"',
    "Lattice='1 2 3 4 5 6 7 8 10'",
    'Lattice={1 2 3 4 5 6 7 8 10}',
    'Lattice=[[1,2,3],[4,5,6],[7,8,10]]',
    'lattice="1.0D+00 2,3 4 5 6 7 8 10"',
  ])('takes the rows of %s for cell vectors', async (comment) => {
    const structure = await readOne(frame(comment));
    expect([...(structure.cell as Float64Array)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 10]);
    expect(structure.pbc).toEqual([true, true, true]);
  });

  it.each(['pbc="T F T"', 'pbc=[T, F, T]', 'pbc={1 0 1}', 'PBC="True False TRUE"'])(
    'understands %s',
    async (comment) => {
      expect((await readOne(frame(`Lattice="1 0 0 0 1 0 0 0 1" ${comment}`))).pbc).toEqual([true, false, true]);
    },
  );

  it('takes a lattice of zeros for none', async () => {
    const structure = await readOne(frame('Lattice="0 0 0 0 0 0 0 0 0" pbc="F F F"'));
    expect(structure.cell).toBeNull();
  });

  it('finds species and positions wherever they stand, and species by atomic number', async () => {
    const swapped = await readOne('1\nProperties=pos:R:3:id:I:1:species:S:1\n1 2 3 9 Mo\n');
    expect([symbolsOf(swapped), [...swapped.positions]]).toEqual([['Mo'], [1, 2, 3]]);
    expect(symbolsOf(await readOne('2\nProperties=Z:I:1:pos:R:3\n29 1 2 3\n0 1 2 4\n'))).toEqual(['Cu', 'X']);
    const both = await readOne('1\nProperties=species:S:1:pos:R:3:Z:I:1\nCu 1 2 3 29\n');
    expect([symbolsOf(both), [...both.columns.keys()]]).toEqual([['Cu'], ['Z']]);
    const warnings: string[] = [];
    expect(
      symbolsOf(await readOne('2\n\n6 1 2 3\n06 4 5 6\n', { onWarning: (message) => warnings.push(message) })),
    ).toEqual(['C', 'C']);
    expect(warnings[0]).toContain('atomic numbers');
    expect(symbolsOf(await readOne('1\nProperties=pos:R:3\n1 2 3\n'))).toEqual(['X']);
  });

  it('reads plain XYZ: any comment, numbers behind the coordinates, no atoms at all', async () => {
    const water = await readOne("3\nit's 5 o'clock [step\nO 0 0 0 -0.8\nH 1 0 0 0.4\nH 0 1 0 0.4\n");
    expect(plain(water.info.get('comment'))).toEqual(string("it's 5 o'clock [step"));
    expect(water.columns.get('extra')).toEqual({ kind: 'real', width: 1, values: Float64Array.of(-0.8, 0.4, 0.4) });
    const ragged = await readOne('2\n\nO 0 0 0 1 2\nH 1 0 0 x\n');
    expect(ragged.columns.size).toBe(0);
    expect((await readOne('0\nnothing\n')).positions.length).toBe(0);
  });

  it.each([
    ['2\n\nH 0 0 0\n', 'a.xyz:3: the file ends after 1 of the 2 atoms that the frame declares'],
    ['1000000000000\n\nH 0 0 0\n', 'a.xyz:3: the file ends after 1 of the 1000000000000 atoms'],
    ['1\n', 'a.xyz:1: the file ends behind the number of atoms'],
    ['1\n\nH 0 0\n', 'a.xyz:3: atom 1 of 1, column "x y z": the line ends where a coordinate'],
    [
      '1\n\nH 0 zero 0\n',
      'a.xyz:3:5: atom 1 of 1, column "x y z": a coordinate, a finite number was expected (near "zero")',
    ],
    ['1\n\nH 0 nan 0\n', 'a.xyz:3:5: '],
    ['1\nProperties=species:S:1:pos:R:3\nH 0 0 0 4\n', 'a.xyz:3:9: atom 1 of 1 has more fields than the 4'],
    [
      '1\nProperties=species:S:1:pos:R:3:n:I:1\nH 0 0 0 4.5\n',
      'a.xyz:3:9: atom 1 of 1, column "n": a whole number was',
    ],
    [
      '1\nProperties=species:S:1:pos:R:3:n:L:1\nH 0 0 0 ok\n',
      'a.xyz:3:9: atom 1 of 1, column "n": T or F was expected',
    ],
    ['1\nProperties=species:S:1:pos:R:2\nH 0 0 0\n', 'a.xyz:2: Properties must declare the positions'],
    ['1\nProperties=species:S:1:pos:R\nH 0 0 0\n', 'a.xyz:2:12: Properties must be triplets'],
    ['1\nProperties=species:S:1:pos:R:3:a:X:1\nH 0 0 0\n', 'column "a" has the kind "X"'],
    ['1\nProperties=species:S:1:pos:R:3:a:R:99999999999\nH 0 0 0\n', 'column "a" has the width "99999999999"'],
    ['1\nProperties=species:S:1:pos:R:3:pos:R:3\nH 0 0 0\n', 'names "pos" twice'],
    ['1\nLattice="1 0 0 0 1 0 0 0"\nH 0 0 0\n', 'a.xyz:2:10: Lattice holds 8 numbers; nine are needed'],
    ['1\nLattice="1 0 0 0 1 0 0 0 inf"\nH 0 0 0\n', 'Lattice must hold nine finite numbers'],
    ['1\nLattice="1 0 0 0 1 0 0 0 0" pbc="T T T"\nH 0 0 0\n', 'a.xyz:2: axis c is periodic but has no cell vector'],
    ['1\npbc="T T T" Properties=species:S:1:pos:R:3\nH 0 0 0\n', 'a.xyz:2: axis a is periodic'],
    ['1\nLattice="1 0 0 0 1 0 0 0 1" pbc="T T"\nH 0 0 0\n', 'pbc must hold three of T and F'],
    ['1\nLattice="1 0 0 0 1 0 0 0 1 pbc\nH 0 0 0\n', 'the quote " does not close'],
    ['1\nProperties=Z:I:1:pos:R:3\n200 0 0 0\n', 'an atomic number from 0 to 118 was expected (near "200")'],
    ['H 0 0 0\n', 'a.xyz:1: a frame of an XYZ file begins with the number of its atoms'],
    ['1\n\nH 0 0 0\nH 0 0 1\n', 'a.xyz:4: a frame of an XYZ file begins with the number of its atoms'],
    ['', 'a.xyz: the file is empty'],
    ['\n \n', 'a.xyz: the file is empty'],
  ])('refuses %j', async (text, sentence) => {
    expect(await refusal(text, { file: 'a.xyz' })).toContain(sentence);
  });

  it('refuses lines without end, UTF-16 and bytes that are no text', async () => {
    expect(await refusal(`1\n${'x'.repeat(17 * 2 ** 20)}`, { format: 'xyz' })).toContain('the line is longer than');
    expect(await refusal(Uint8Array.of(0xff, 0xfe, 0x31, 0, 0x0a, 0), { format: 'xyz' })).toContain('UTF-16');
    expect(await refusal(Uint8Array.of(1, 2, 3, 4, 200), { file: 'x.bin' })).toContain('of which format it is');
    expect(await refusal(Uint8Array.of(0x1f, 0x8b, 8))).toContain('gzipped');
  });

  it('never reads a file that is cut off as if it were whole', async () => {
    const whole = await readText(TWO_FRAMES);
    for (let length = 0; length < TWO_FRAMES.length; length++) {
      const warnings: string[] = [];
      try {
        const read = await readText(TWO_FRAMES.slice(0, length), { onWarning: (message) => warnings.push(message) });
        const atFrameEnd = TWO_FRAMES.slice(length) === TWO_FRAMES.slice(TWO_FRAMES.indexOf('\n1\n') + 1);
        if (warnings.length === 0 && !atFrameEnd) expect.fail(`cut at ${length}: ${read.length} frames in silence`);
        expect(read[0]?.info).toEqual(whole[0]?.info);
      } catch (error) {
        expect((error as { code?: string }).code, `cut at ${length}: ${String(error)}`).toBe('PARSE_ERROR');
      }
    }
  });

  it('ends when it is told to, and reads no further than it must', async () => {
    const controller = new AbortController();
    controller.abort();
    expect(await refusal(TWO_FRAMES, { signal: controller.signal })).toBe('interrupted');
    const broken = `${TWO_FRAMES}nonsense`;
    expect(await readText(broken, { frames: { start: 0, stop: 2, step: 1 } })).toHaveLength(2);
  });
});

describe('broken bytes', () => {
  property('are read or refused, never stumbled over', 300, async (random) => {
    const bytes = new TextEncoder().encode(TWO_FRAMES);
    for (let i = random.whole(1, 4); i > 0; i--) bytes[random.whole(0, bytes.length - 1)] = random.whole(0, 255);
    try {
      await readText(bytes, { format: 'extxyz' });
    } catch (error) {
      expect(error).toBeInstanceOf(SurprisalError);
    }
  });
});

describe('writing extended XYZ', () => {
  it('writes what it read so that it reads the same', async () => {
    const first = await readText(TWO_FRAMES);
    expect(await readText(first.map(text).join(''))).toEqual(first);
  });

  it('writes spellings that other programs read', async () => {
    const structure = createStructure({
      positions: Float64Array.of(0.1, -0, 1e21),
      species: 'Cu',
      cell: Float64Array.of(1, 0, 0, 0, 2, 0, 0, 0, 3),
      columns: new Map<string, Column>([['q', { kind: 'real', width: 1, values: Float64Array.of(Number.NaN) }]]),
      info: new Map<string, InfoValue>([
        ['e', { kind: 'real', shape: [], values: Float64Array.of(2) }],
        ['n', { kind: 'integer', shape: [3], values: Float64Array.of(1, 2, 3) }],
        ['one', { kind: 'real', shape: [1], values: Float64Array.of(2) }],
        ['flag', { kind: 'logical', shape: [], values: Uint8Array.of(0) }],
        ['two words', { kind: 'string', shape: [], values: ['say "no" \\'] }],
        ['five', { kind: 'string', shape: [], values: ['5'] }],
        ['grid', { kind: 'real', shape: [1, 2], values: Float64Array.of(1, 2.5) }],
      ]),
    });
    expect(text(structure)).toBe(
      '1\nLattice="1 0 0 0 2 0 0 0 3" Properties=species:S:1:pos:R:3:q:R:1 e=2.0 n="1 2 3" one=[2.0] flag=F ' +
        String.raw`"two words"="say \"no\" \\" five="_JSON \"5\"" grid="_JSON [[1.0, 2.5]]" pbc="T T T"` +
        '\nCu 0.1 -0 1e+21 nan\n',
    );
  });

  it('hands out large frames in pieces', () => {
    const structure = createStructure({ positions: new Float64Array(30_000).fill(1.5) });
    const pieces = [...formatExtxyz(structure)];
    expect(pieces.length).toBeGreaterThan(1);
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(70_000);
  });

  it.each([
    ['white space in a string', { columns: new Map([['s', column(['a b'])]]) }, 'must have no white space'],
    ['an empty string', { columns: new Map([['s', column([''])]]) }, 'must have no white space'],
    ['white space in a species', { species: 'C u' }, 'must have no white space'],
  ])('refuses %s', (_, init, sentence) => {
    expect(() => text(createStructure({ positions: new Float64Array(3), ...init }))).toThrow(sentence);
  });

  it('writes what has a name that cannot stand in the format under one that can, and says so', async () => {
    const names = ['pos', 'pos_', 'positions', 'species', 'c:1', 'c_1', ''];
    const five = interpretInfoValue('', '5', 'bare');
    const structure = createStructure({
      positions: new Float64Array(3),
      columns: new Map(names.map((name, i) => [name, column([`word${i}`])])),
      info: new Map([
        ['lattice', five],
        ['lattice_', five],
      ]),
    });
    const said: string[] = [];
    const written = [...formatExtxyz(structure, { onWarning: (message) => said.push(message) })].join('');
    const [read] = await readText(written);
    expect([...(read?.columns.keys() ?? [])]).toEqual([
      ...['pos__', 'pos_', 'positions_', 'species_', 'c_1_', 'c_1', '_'],
    ]);
    for (const [i, name] of [...(read?.columns.keys() ?? [])].entries()) {
      expect(read?.columns.get(name)?.values).toEqual([`word${i}`]);
    }
    expect([...(read?.info.keys() ?? [])]).toEqual(['lattice__', 'lattice_']);
    expect(said).toHaveLength(6);
    expect(said[0]).toMatch(/^the column "pos" is written as "pos__"/);
  });

  property('reads back any structure, bit by bit', 60, async (random) => {
    const structures = Array.from({ length: 3 }, () => anyStructure(random));
    const read = await readText(structures.map(text).join(''), { chunk: random.whole(1, 5000) });
    expect(read).toEqual(structures);
  });
});

function text(structure: Structure): string {
  return [...formatExtxyz(structure)].join('');
}

function column(values: string[]): Column {
  return { kind: 'string', width: 1, values };
}

function anyReal(random: RandomStream): number {
  const special = [
    0,
    -0,
    1e21,
    5e-324,
    Number.MAX_VALUE,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ];
  return random.chance(0.2) ? random.pick(special) : random.gaussian() * 10 ** random.whole(-30, 30);
}

function anyWord(random: RandomStream): string {
  const letters = 'aZ09éß"\'{}[]=,\\:_-.#';
  return Array.from({ length: random.whole(1, 6) }, () => random.pick([...letters])).join('');
}

function anyText(random: RandomStream): string {
  return random.pick([
    () => anyWord(random),
    () => `${anyWord(random)} ${anyWord(random)}\t`,
    () =>
      random.pick([
        '',
        ' ',
        '5',
        '1 2',
        'T',
        'T F',
        'nan',
        '_JSON 5',
        '_JSON {"a": [1, "b"]}',
        '1,2',
        'a\nb\r',
        '\u2028',
        '\\n',
      ]),
  ])();
}

function anyValues(random: RandomStream, count: number): Omit<InfoValue, 'shape'> & { kind: string } {
  return random.pick([
    () => ({ kind: 'real', values: Float64Array.from({ length: count }, () => anyReal(random)) }),
    () => ({ kind: 'integer', values: Float64Array.from({ length: count }, () => random.whole(-1e6, 1e6)) }),
    () => ({ kind: 'logical', values: Uint8Array.from({ length: count }, () => random.whole(0, 1)) }),
    () => ({ kind: 'string', values: Array.from({ length: count }, () => anyText(random)) }),
  ])() as never;
}

function anyInfo(random: RandomStream): InfoValue {
  const shape = random.pick([[], [1], [2], [9], [3, 3], [2, 1, 3]]);
  const count = shape.reduce((product, length) => product * length, 1);
  return { ...anyValues(random, count), shape } as InfoValue;
}

function anyColumn(random: RandomStream, atoms: number): Column {
  const width = random.whole(1, 3);
  const { kind, values } = anyValues(random, atoms * width);
  const words = () => Array.from({ length: atoms * width }, () => anyWord(random));
  return { kind, width, values: kind === 'string' ? words() : values } as Column;
}

function anyStructure(random: RandomStream): Structure {
  const atoms = random.whole(0, 12);
  const cell = random.chance(0.5) ? Float64Array.from({ length: 9 }, () => random.gaussian() * 10) : null;
  const info = new Map<string, InfoValue>();
  for (let i = random.whole(0, 5); i > 0; i--)
    info.set(random.pick(['virial', 'stress', 'a key', `${anyWord(random)}${i}`]), anyInfo(random));
  const columns = new Map<string, Column>();
  for (let i = random.whole(0, 4); i > 0; i--)
    columns.set(`${anyWord(random).replaceAll(':', '')}${i}`, anyColumn(random, atoms));
  const symbols = Array.from({ length: atoms }, () => random.pick(['H', 'Cu', 'Fe2+', 'wat_O', 'Ö']));
  return createStructure({
    positions: Float64Array.from({ length: 3 * atoms }, () => random.gaussian() * 10 ** random.whole(-3, 5)),
    species: symbols,
    cell,
    pbc: cell === null ? [false, false, false] : [random.chance(0.5), random.chance(0.5), random.chance(0.5)],
    columns,
    info,
  });
}

it('writes names and words that only look like white space so that they read the same, and renames what ends a line', async () => {
  const key = await readOne('1\n"a\\nb"=1 Properties=species:S:1:pos:R:3\nH\u00a0x 0 0 0\n');
  expect([...key.info.keys()]).toEqual(['a\nb']);
  const warnings: string[] = [];
  const text = [...formatExtxyz(key, { onWarning: (message) => warnings.push(message) })].join('');
  expect(warnings).toHaveLength(1);
  const again = await readOne(text);
  expect([...again.info.keys()]).toEqual(['a_b']);
  expect(symbolsOf(again)).toEqual(['H\u00a0x']);
});
