import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Structure } from '@surprisal/core';
import type { ReadOptions } from '@surprisal/io';
import { type OpenOptions, openStructures } from '@surprisal/io/node';
import { loadAddon } from '@surprisal/native';
import { type RandomStream, randomStream } from '@surprisal/testing';
import { afterAll, describe, expect, it, test } from 'vitest';
import { type ArrayKind, arrayIn } from '../src/array-memory.ts';
import { CHEMICAL_SYMBOLS } from '../src/chemical-symbols.ts';
import { readWith } from '../src/read-structures.ts';
import { RowBlocks } from '../src/row-blocks.ts';
import { gather, type IdOrder, orderById } from '../src/sort-by-id.ts';

const { addon } = loadAddon();
if (addon === null) throw new Error('these tests need the binary');

/** Everything that a caller sees of a reading. */
interface Outcome {
  readonly structures: readonly Structure[];
  readonly warnings: readonly string[];
  readonly error: string | undefined;
}

async function outcomeOf(
  read: (options: ReadOptions) => AsyncIterable<Structure>,
  options: ReadOptions = {},
): Promise<Outcome> {
  const structures: Structure[] = [];
  const warnings: string[] = [];
  try {
    const onWarning = (message: string) => void warnings.push(message);
    for await (const structure of read({ ...options, onWarning })) structures.push(structure);
    return { structures, warnings, error: undefined };
  } catch (error) {
    const { code, message, details } = error as { code: string; message: string; details: unknown };
    return { structures, warnings, error: `${code} ${message} ${JSON.stringify(details)}` };
  }
}

async function* chunksOf(text: string | Uint8Array, size: number): AsyncGenerator<Uint8Array, void> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

const reference = (text: string, options?: ReadOptions) =>
  outcomeOf((all) => readWith(undefined, chunksOf(text, 1 << 20), { file: 'f', ...all }), options);

/** Read natively, from the second row on and however little text there is. */
const native = (text: string, options?: ReadOptions, threads = 2, chunk = 1 << 20) =>
  outcomeOf((all) => readWith(new RowBlocks(addon, threads, 1), chunksOf(text, chunk), { file: 'f', ...all }), options);

async function expectAlike(text: string, options?: ReadOptions): Promise<Outcome> {
  const expected = await reference(text, options);
  for (const [threads, chunk] of [
    [1, 1 << 20],
    [7, 1 << 20],
    [2, 1000],
  ] as const) {
    expect(await native(text, options, threads, chunk)).toEqual(expected);
  }
  return expected;
}

const DUMP_HEAD = (atoms: number, names: string, bounds = 'pp pp ff\n0 50\n0 50\n0 50') =>
  `ITEM: TIMESTEP\n7\nITEM: NUMBER OF ATOMS\n${atoms}\nITEM: BOX BOUNDS ${bounds}\nITEM: ATOMS ${names}\n`;

const real = (random: RandomStream) => random.between(-10, 50).toPrecision(random.whole(1, 17));

/** Rows with ids in no order. */
function dumpRows(atoms: number, random: RandomStream, row: (id: number) => string): string[] {
  const ids = Array.from({ length: atoms }, (_, at) => at + 1);
  for (let at = atoms - 1; at > 0; at--) {
    const other = random.whole(0, at);
    [ids[at], ids[other]] = [ids[other] as number, ids[at] as number];
  }
  return ids.map(row);
}

function dump(atoms: number, random: RandomStream): string {
  const rows = dumpRows(atoms, random, (id) => {
    const type = random.whole(1, 3);
    return `${id} ${type} ${['Cu', 'Zr', 'Al'][type - 1]} ${real(random)} ${real(random)} ${real(random)} ${random.whole(-4, 4)}`;
  });
  return `${DUMP_HEAD(atoms, 'id type element x y z c_peratom')}${rows.join('\n')}\n`;
}

function extxyz(atoms: number, random: RandomStream): string {
  const rows = Array.from(
    { length: atoms },
    () =>
      `${random.pick(['H', 'C', 'O', 'Na+'])} ${real(random)} ${real(random)} ${real(random)} ${random.whole(0, 9)} ${random.pick(['T', 'F', 'true'])} ${real(random)} ${real(random)} ${random.pick(['a', 'bb'])}`,
  );
  return `${atoms}\nProperties=species:S:1:pos:R:3:tag:I:1:free:L:1:pair:R:2:name:S:1 pbc="F F F"\n${rows.join('\n')}\n`;
}

function xyz(atoms: number, random: RandomStream): string {
  const rows = Array.from(
    { length: atoms },
    () => `${random.pick(['H', '6', 'O'])} ${real(random)} ${real(random)} ${real(random)} 1.5 2`,
  );
  return `${atoms}\na comment\n${rows.join('\n')}\n`;
}

const ATOMIC_NUMBERS = '4\nProperties=pos:R:3:Z:I:1\n1 2 3 29\n1 2 4 8\n1 2 5 29\n1 2 6 118\n';

describe('rows that native code reads', () => {
  const random = randomStream(11);

  it('are all but the first one of each frame', async () => {
    let rows = 0;
    const counting = {
      ...addon,
      parseRows: (...call: Parameters<typeof addon.parseRows>) => {
        const job = addon.parseRows(...call);
        job.result.then((parsed) => {
          rows += parsed.rows;
        });
        return job;
      },
    };
    const text = dump(300, random) + dump(20, random);
    const blocks = new RowBlocks(counting, 2, 1);
    await outcomeOf((all) => readWith(blocks, chunksOf(text, 1 << 20), { file: 'f', ...all }));
    expect(rows).toBe(299 + 19);
  });

  test.each([
    ['a dump', dump(300, random)],
    ['two dumps', dump(300, random) + dump(20, random)],
    ['extended XYZ', extxyz(300, random) + extxyz(7, random)],
    ['plain XYZ', xyz(300, random) + xyz(3, random)],
    ['atomic numbers', ATOMIC_NUMBERS],
    ['line ends of Windows', dump(100, random).replaceAll('\n', '\r\n')],
    ['a byte-order mark', `\ufeff${extxyz(50, random)}`],
    ['a last line without its end', dump(100, random).trimEnd()],
    [
      'tabs and blanks',
      extxyz(100, random)
        .replaceAll(' ', ' \t ')
        .replaceAll(/\t (?=\w+:)/g, ''),
    ],
  ])('are what the reference reads: %s', async (_, text) => {
    const { structures, error } = await expectAlike(text);
    expect(error).toBeUndefined();
    expect(structures.length).toBeGreaterThan(0);
  });

  test.each([
    ['scaled coordinates', 'id type xs ys zs', 'xy xz yz pp pp pp\n-1 60 5\n0 50 1\n0 50 -2'],
    ['coordinates of both kinds', 'id type xs y zs', 'pp pp pp\n-1 60\n0 50\n0 50'],
    ['another order of columns', 'z y type x id', 'pp pp pp\n0 50\n0 50\n0 50'],
    ['no ids', 'type x y z q', 'pp pp pp\n0 50\n0 50\n0 50'],
  ])('are what the reference reads of dumps with %s', async (_, names, bounds) => {
    const rows = dumpRows(200, random, (id) =>
      names
        .split(' ')
        .map((name) => (name === 'id' ? id : name === 'type' ? random.whole(1, 2) : real(random)))
        .join(' '),
    );
    const text = `${DUMP_HEAD(200, names, bounds)}${rows.join('\n')}\n`;
    const options = { units: 'electron', species: { 1: 'Na', 2: 'Cl' } };
    expect((await expectAlike(text, options)).error).toBeUndefined();
    await expectAlike(text);
  });

  /** One row, the 60th of 100, is something else. */
  const odd: [string, (row: string) => string][] = [
    ['a field too few', (row) => row.replace(/ \S+$/, '')],
    ['a field too many', (row) => `${row} 1`],
    ['an empty line', () => ''],
    ['a word for a number', (row) => row.replace(/ \S+ /, ' one ')],
    ['nan', (row) => row.replace(/\S+$/, 'nan')],
    ['-Infinity', (row) => row.replace(/\S+$/, '-Infinity')],
    ['nan for a coordinate', (row) => row.replace(/(\S+ \S+ \S+) \S+/, '$1 nan')],
    ['the d of Fortran', (row) => row.replace(/(\S+ \S+ \S+) \S+/, '$1 -1.25D+01')],
    ['many digits', (row) => row.replace(/(\S+ \S+ \S+) \S+/, '$1 0.100000000000000005551115123125782702118158340454')],
    ['a whole number beyond 2^53', (row) => row.replace(/^\S+/, '9007199254740993')],
    ['a whole number beyond 64 bits', (row) => row.replace(/^\S+/, '18446744073709551616')],
    ['an id that is there already', (row) => row.replace(/^\S+/, '1')],
    ['letters beyond ASCII', (row) => row.replace(/Cu|Zr|Al|H|C|O/, 'Ångström')],
    ['a name of a hundred letters', (row) => row.replace(/Cu|Zr|Al|H|C|O/, 'x'.repeat(100))],
    ['a zero byte', (row) => row.replace(' ', '\0')],
    ['a return within', (row) => row.replace(' ', '\r')],
    ['another end', (row) => `${row}\r`],
    ['a real number for a type', (row) => row.replace(/ \S+ /, ' 1.5 ')],
    ['minus nothing', (row) => row.replace(/ \S+ /, ' -0 ')],
  ];
  describe.each(odd)('with %s in one row', (_, change) => {
    test.each([
      ['dump', dump(100, randomStream(5)), 9],
      ['extended XYZ', extxyz(100, randomStream(6)), 2],
      ['plain XYZ', xyz(100, randomStream(7)), 2],
    ] as const)('is read or refused as the reference does: %s', async (_, text, head) => {
      const lines = text.split('\n');
      lines[head + 59] = change(lines[head + 59] as string);
      await expectAlike(`${lines.join('\n')}${text}`);
    });
  });

  test.each([
    ['a dump', dump(100, randomStream(5)), ['c_peratom']],
    ['a dump without names of species', dump(100, randomStream(5)).replaceAll(/ (element|Cu|Zr|Al)\b/g, ''), ['x']],
    ['extended XYZ', extxyz(100, randomStream(6)), ['pair', 'name']],
    ['plain XYZ', xyz(100, randomStream(7)), []],
  ] as const)('keep the columns that are asked for: %s', async (_, text, columns) => {
    const { structures } = await reference(text);
    const { structures: kept } = await expectAlike(text, { columns });
    expect(kept.length).toBe(structures.length);
    for (const [frame, structure] of structures.entries()) {
      const expected = new Map(
        [...structure.columns].filter(([name]) => (columns as readonly string[]).includes(name)),
      );
      expect(kept[frame]).toEqual({ ...structure, columns: expected });
    }
    // What is not kept is checked as ever.
    const lines = text.split('\n');
    lines[70] = (lines[70] as string).replace(/\S+$/, '?');
    const [all, some] = [await expectAlike(lines.join('\n')), await expectAlike(lines.join('\n'), { columns })];
    expect(some.error).toBe(all.error);
  });

  it('are refused where they are fewer than the frame declares', async () => {
    const { error } = await expectAlike(dump(100, random).split('\n').slice(0, 80).join('\n'));
    expect(error).toContain('the file ends after');
  });

  it('hold as many different words as there may be', async () => {
    const words = (count: number) =>
      `${count}\nProperties=species:S:1:pos:R:3\n${Array.from({ length: count }, (_, at) => `s${at} 1 2 3\n`).join('')}`;
    await expectAlike(words(9000));
    expect((await expectAlike(words(65_537))).error).toContain('at most 65536 different species');
  });

  it('give the same for any cut into chunks', async () => {
    const text = dump(12, random) + dump(5, random);
    const expected = await reference(text);
    for (let chunk = 1; chunk < text.length; chunk += 7) expect(await native(text, {}, 2, chunk)).toEqual(expected);
  });

  it('know the atomic numbers that the table knows', () => {
    // `largest_atomic_number` of row_parser.h.
    expect(CHEMICAL_SYMBOLS.length - 1).toBe(118);
  });
});

describe('the order by ids', () => {
  const rows = 140_000;
  const blocks = new RowBlocks(addon, 3);
  const random = randomStream(17);
  const held = <T extends Float64Array | Uint16Array>(values: T, kind: ArrayKind<T>): T => {
    const copy = arrayIn(blocks.memory, kind, Math.max(values.length, 1 << 19));
    copy.set(values);
    return copy.subarray(0, values.length) as T;
  };
  const ids = Float64Array.from({ length: rows }, (_, at) => 2 * at - 50);
  for (let at = rows - 1; at > 0; at--) {
    const other = random.whole(0, at);
    [ids[at], ids[other]] = [ids[other] as number, ids[at] as number];
  }

  it('is what the reference finds, and columns come in it', async () => {
    const positions = held(
      Float64Array.from({ length: 3 * rows }, (_, at) => at),
      Float64Array,
    );
    const index = held(
      Uint16Array.from({ length: rows }, (_, at) => at % 5),
      Uint16Array,
    );
    const order = (await blocks.order(
      held(ids, Float64Array),
      [positions, undefined, index, new Float64Array(rows)],
      undefined,
    )) as IdOrder;
    const expected = orderById(ids) as IdOrder;
    expect([hash(order.rows), hash(order.ids)]).toEqual([hash(expected.rows), hash(expected.ids)]);
    expect(order.ordered?.size).toBe(2);
    expect(hash(gather(positions, order, 3, Float64Array))).toBe(hash(gather(positions, expected, 3, Float64Array)));
    expect(hash(gather(index, order, 1, Uint16Array))).toBe(hash(gather(index, expected, 1, Uint16Array)));
  });

  it('tells of ids that are sorted, repeated, far apart, or not in its memory', async () => {
    const of = (values: Float64Array) => blocks.order(held(values, Float64Array), [], undefined);
    expect(await of(ids.toSorted())).toBe(undefined);
    const repeated = ids.slice();
    repeated[rows - 7] = ids[3] as number;
    expect(await of(repeated)).toEqual(orderById(repeated));
    expect(await of(ids.map((id) => 1e6 * id))).toBe('unknown');
    expect(await blocks.order(ids, [], undefined)).toBe('unknown');
  });
});

const hash = (values: NodeJS.ArrayBufferView) => createHash('sha1').update(values).digest('hex');

/** What {@link Outcome} says, with arrays of millions of numbers as the hashes of their bytes, which are compared at once. */
function briefly({ structures, ...said }: Outcome): unknown {
  const frames = structures.map(({ positions, species, columns, ...others }) => ({
    ...others,
    positions: hash(positions),
    species: [species.symbols, hash(species.index)],
    columns: Array.from(columns, ([name, { values, ...column }]) => [
      name,
      column,
      ArrayBuffer.isView(values) ? hash(values) : values.join(' '),
    ]),
  }));
  return { ...said, frames };
}

describe('large files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'surprisal-rows-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const random = randomStream(3);
  const rows = dumpRows(
    150_000,
    random,
    (id) => `${id} 1 Cu ${real(random)} ${real(random)} ${real(random)} ${random.whole(0, 9)}`,
  );
  rows[77_777] = rows[77_777]?.replace(/\S+$/, 'nan') as string;
  rows[120_000] = rows[120_000]?.replace('Cu', 'Kupfer-µ') as string;
  const text = `${DUMP_HEAD(rows.length, 'id type element x y z c_1')}${rows.join('\n')}\n${dump(2000, random)}`;
  const path = join(folder, 'large.dump');
  writeFileSync(path, text);

  const open = (options: OpenOptions, of = path) => outcomeOf((all) => openStructures(of, { ...options, ...all }));

  it('read the same by every backend, on any number of threads, plain and gzipped', async () => {
    const expected = await open({ backend: 'reference' });
    expect(expected.structures.map(({ positions }) => positions.length)).toEqual([450_000, 6000]);
    for (const threads of [1, 2, 5])
      expect(briefly(await open({ backend: 'native', threads }))).toEqual(briefly(expected));
    const zipped = `${path}.gz`;
    writeFileSync(zipped, gzipSync(text, { level: 1 }));
    expect(briefly(await open({ backend: 'native' }, zipped))).toEqual(briefly(expected));
    const second = await open({ frames: { start: 1, stop: undefined, step: 1 } });
    expect(briefly(second)).toEqual(briefly({ ...expected, structures: expected.structures.slice(1), warnings: [] }));
  }, 60_000);

  it('refuse what is wrong far behind with the same words', async () => {
    const lines = text.split('\n');
    lines[140_000] = `${lines[140_000]} surplus`;
    const broken = join(folder, 'broken.dump');
    writeFileSync(broken, lines.join('\n'));
    const expected = await open({ backend: 'reference' }, broken);
    expect(expected.error).toContain(`${broken}:140001:`);
    expect(await open({ backend: 'native' }, broken)).toEqual(expected);
  });

  it('stop when their signal fires, wherever they are', async () => {
    for (const after of [0, 2, 5, 10, 20]) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), after);
      const { error, structures } = await open({ backend: 'native', signal: controller.signal });
      if (structures.length < 2) expect(error).toMatch(/^ABORTED/);
    }
    const { error } = await open({ backend: 'native', signal: AbortSignal.abort() });
    expect(error).toMatch(/^ABORTED/);
  });

  it('are left where a slice ends, with nothing open', async () => {
    for await (const structure of openStructures(path, { backend: 'native' })) {
      expect(structure.positions.length).toBe(450_000);
      break;
    }
  });

  it('report how far they are', async () => {
    const done: number[] = [];
    for await (const _ of openStructures(path, { onProgress: (progress) => done.push(progress.done) }));
    expect(done.at(-1)).toBe(Buffer.byteLength(text));
    expect(done.length).toBeGreaterThan(1);
  });
});
