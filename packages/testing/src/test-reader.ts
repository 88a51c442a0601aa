import { type Column, type InfoValue, type Structure, SurprisalError } from '@surprisal/core';
import { describe, expect, test } from 'vitest';
import { property } from './property.ts';

/** What a reader is asked for; the names are those of `ReadOptions` in `@surprisal/io`. */
export interface TestedReadOptions {
  /** Must stand at the beginning of every error and warning. */
  readonly file: string;
  readonly frames?: { readonly start: number | undefined; readonly stop: number | undefined; readonly step: number };
  readonly signal?: AbortSignal;
  readonly onWarning: (message: string) => void;
}

/** A file, and what it holds. */
export interface ReaderExample {
  readonly name: string;
  /** Small: it is read a few times for each of its bytes. */
  readonly content: string | Uint8Array;
  readonly structures: readonly Structure[];
  /** A part of each warning, in order. Default: there is none. */
  readonly warnings?: readonly string[];
}

/** A format, as {@link testReader} needs to know it. */
export interface TestReaderOptions {
  /** The name of the format. */
  readonly name: string;
  readonly read: (bytes: AsyncIterable<Uint8Array>, options: TestedReadOptions) => AsyncIterable<Structure>;
  readonly examples: readonly ReaderExample[];
  /**
   * A file in which this text stands for the number of atoms of its last frame, which holds fewer than a hundred; left out
   * where files of the format do not declare it.
   */
  readonly withAtoms?: (count: string) => string;
  /** A file in which this text stands for one coordinate. */
  readonly withCoordinate: (coordinate: string) => string;
  /** The text of a file of structures. */
  readonly write?: (
    structures: readonly Structure[],
    options: { readonly onWarning: (message: string) => void },
  ) => AsyncIterable<string> | Iterable<string>;
  /** Structures that are written, file by file, beside those of the examples. */
  readonly written?: readonly (readonly Structure[])[];
  /** How far positions and cell vectors may move when they are written and read, Å. Default 0: not by a bit. */
  readonly tolerance?: number;
  /**
   * Whether a file of the format does not say how long it is, as CIF, so that it may end behind any line, and an error over
   * what is missing has no line to name. Default false.
   */
  readonly endsAnywhere?: boolean;
}

interface Reading {
  readonly structures: readonly Structure[];
  readonly warnings: readonly string[];
}

const FILE = 'tested.file';
const encoder = new TextEncoder();
/** Bytes that reading a false declaration may leave behind. */
const BELIEVED = 64 * 1024 * 1024;

/**
 * The suite that every reader of structures passes: it reads its examples, however their bytes are cut into chunks, with
 * the line ends and marks of every system; it selects frames; it stops when it is told to; it refuses what cannot be
 * believed with file and line, allocating nothing for it; and a file that is cut off anywhere is refused, warned
 * about, or read for what it still says. Where there is a writer, what is written reads the same, up to what was warned
 * of by name.
 *
 * Call it at the top of a vitest file.
 *
 * @example
 * testReader({
 *   name: 'xyz',
 *   read: readStructures,
 *   examples: [{ name: 'one atom', content: '1\n\nH 0 0 0\n', structures: [hydrogen] }],
 *   withAtoms: (count) => `${count}\n\nH 0 0 0\n`,
 *   withCoordinate: (coordinate) => `1\n\nH ${coordinate} 0 0\n`,
 * });
 */
export function testReader(options: TestReaderOptions): void {
  const { name, examples, withAtoms, withCoordinate, endsAnywhere = false } = options;

  const readChunks = async (
    chunks: AsyncIterable<Uint8Array>,
    more: Partial<TestedReadOptions> = {},
  ): Promise<Reading> => {
    const structures: Structure[] = [];
    const warnings: string[] = [];
    const asked = { file: FILE, onWarning: (message: string) => void warnings.push(message), ...more };
    for await (const structure of options.read(chunks, asked)) structures.push(structure);
    return { structures, warnings };
  };
  const read = (content: string | Uint8Array, more?: Partial<TestedReadOptions>) =>
    readChunks(chunksOf([bytesOf(content)]), more);

  /** Nothing but a refusal that names file and line will do. */
  const expectRefusal = async (content: string | Uint8Array, what: string, hasLine: boolean) => {
    const outcome = await read(content).catch((error: unknown) => error);
    expect(outcome, what).toBeInstanceOf(SurprisalError);
    expectPlace(outcome as SurprisalError, what, hasLine);
  };

  describe(`reader of ${name}`, () => {
    for (const { name: example, content, structures, warnings = [] } of examples) {
      const bytes = bytesOf(content);

      test(`reads ${example}`, async () => {
        const whole = await read(content);
        expectSame(whole.structures, structures);
        expect(whole.warnings.length, whole.warnings.join('\n')).toBe(warnings.length);
        for (const [at, part] of warnings.entries()) expect(whole.warnings[at]).toContain(part);
        for (const warning of whole.warnings) expect(warning.startsWith(`${FILE}: `), warning).toBe(true);
      });

      test(`reads ${example} in chunks of any size`, async () => {
        const whole = await read(content);
        for (let cut = 0; cut <= bytes.length; cut++) {
          const halves = await readChunks(chunksOf([bytes.slice(0, cut), new Uint8Array(0), bytes.slice(cut)]));
          expect(halves, `cut into two at ${cut}`).toEqual(whole);
        }
        const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
        expect(await readChunks(chunksOf(single)), 'byte by byte').toEqual(whole);
      });

      test(`reads ${example} with the line ends and the mark of any system`, async () => {
        const text = new TextDecoder().decode(bytes);
        const whole = await read(content);
        let line = 0;
        const variants: Record<string, string> = {
          'Windows line ends': text.replaceAll(/\r?\n/g, '\r\n'),
          'mixed line ends': text.replaceAll(/\r?\n/g, () => (line++ % 2 === 0 ? '\r\n' : '\n')),
          'a byte-order mark': `\ufeff${text}`,
          both: `\ufeff${text.replaceAll(/\r?\n/g, '\r\n')}`,
        };
        for (const [what, variant] of Object.entries(variants)) {
          const { structures, warnings } = await read(variant);
          expect(structures, what).toEqual(whole.structures);
          // Marks and mixed ends may be said.
          expect(warnings, what).toEqual(expect.arrayContaining([...whole.warnings]));
        }
      });

      test(`reads ${example} without the end of its last line`, async () => {
        const whole = await read(content);
        const cut = await read(new TextDecoder().decode(bytes).trimEnd());
        expectSame(cut.structures, whole.structures);
      });

      test(`never takes ${example}, cut off, for what it is not`, async () => {
        const whole = await read(content);
        let last: { readonly structures: readonly Structure[]; readonly cut: number } | undefined;
        for (let cut = 0; cut < bytes.length; cut++) {
          const part = bytes.slice(0, cut);
          const outcome = await read(part).catch((error: unknown) => error);
          const what = `cut off at byte ${cut}`;
          if (outcome instanceof Error) {
            expect(outcome, `${what}: ${String(outcome)}`).toBeInstanceOf(SurprisalError);
            expectPlace(outcome as SurprisalError, what, !endsAnywhere && !isBlank(part));
            continue;
          }
          const { structures: found, warnings: said } = outcome as Reading;
          expect(found.length, what).toBeLessThanOrEqual(whole.structures.length);
          if (said.some((message) => !whole.warnings.includes(message))) continue;
          if (endsAnywhere) {
            expect(isBlank(part.slice(-1)), `${what}, within a line, and read in silence`).toBe(true);
            continue;
          }
          for (const [at, structure] of found.entries()) expectPart(structure, whole.structures[at] as Structure, what);
          const isSameAgain = last !== undefined && isEqual(found, last.structures);
          if (isSameAgain) {
            const between = bytes.slice(last?.cut, cut);
            expect(isBlank(between), `${what}: what stands before it was passed over in silence`).toBe(true);
          } else {
            last = { structures: found, cut };
          }
        }
      });

      test(`reads frames of ${example} by slice`, async () => {
        const { structures: whole } = await read(content);
        const count = whole.length;
        const slices: [number | undefined, number | undefined, number][] = [
          [undefined, undefined, 1],
          [0, 1, 1],
          [1, undefined, 1],
          [undefined, undefined, 2],
          [1, count, 2],
          [-1, undefined, 1],
          [undefined, -1, 1],
          [-2, undefined, 1],
          [count, undefined, 1],
        ];
        for (const [start, stop, step] of slices) {
          const expected = whole.slice(start, stop).filter((_, at) => at % step === 0);
          const { structures: found } = await read(content, { frames: { start, stop, step } });
          expectSame(found, expected, `${start ?? ''}:${stop ?? ''}:${step}`);
        }
        const { structures: backwards } = await read(content, {
          frames: { start: undefined, stop: undefined, step: -1 },
        });
        expectSame(backwards, whole.toReversed(), '::-1');
      });

      test(`lets go of ${example} when nobody wants more`, async () => {
        let released = false;
        async function* source(): AsyncGenerator<Uint8Array, void> {
          try {
            yield bytes;
            yield encoder.encode('\n');
          } finally {
            released = true;
          }
        }
        for await (const _ of options.read(source(), { file: FILE, onWarning: () => undefined })) break;
        expect(released).toBe(true);
      });

      property(`reads ${example} with broken bytes or refuses it, and never stumbles`, 150, async (random) => {
        const broken = bytes.slice();
        for (let i = random.whole(1, 4); i > 0; i--) {
          broken[random.whole(0, broken.length - 1)] = random.chance(0.5) ? random.whole(0, 255) : random.whole(32, 58);
        }
        await read(broken).catch((error: unknown) => expect(error, String(error)).toBeInstanceOf(SurprisalError));
      });

      property(`reads ${example} with lines lost or repeated or refuses it, and never stumbles`, 60, async (random) => {
        const lines = new TextDecoder().decode(bytes).split('\n');
        const at = random.whole(0, lines.length - 1);
        if (random.chance(0.5)) lines.splice(at, 1);
        else lines.splice(at, 0, random.pick(lines));
        await read(lines.join('\n')).catch((error: unknown) =>
          expect(error, String(error)).toBeInstanceOf(SurprisalError),
        );
      });
    }

    test('refuses files without content', async () => {
      for (const content of ['', '\n', ' \n\t\r\n', '\ufeff'])
        await expectRefusal(content, JSON.stringify(content), false);
    });

    property('refuses binary rubbish', 20, async (random) => {
      const rubbish = Uint8Array.from({ length: random.whole(1, 5000) }, () => random.whole(0, 255));
      if (!isBlank(rubbish)) await expectRefusal(rubbish, `${rubbish.length} bytes`, !endsAnywhere);
    });

    test('refuses coordinates that are not finite', async () => {
      expect((await read(withCoordinate('1.5'))).structures.length).toBeGreaterThan(0);
      for (const coordinate of ['nan', 'NaN', 'inf', '-Infinity', '1e999', '--1', 'one', '0x1', '1.5.2', '1,5']) {
        await expectRefusal(withCoordinate(coordinate), `the coordinate ${coordinate}`, true);
      }
    });

    if (withAtoms !== undefined) {
      test('believes no number of atoms that are not there', async () => {
        for (const count of ['100', '20000000', '1000000000000', '99999999999999999999', '-1', '1.5', 'many']) {
          const before = process.memoryUsage().arrayBuffers;
          await expectRefusal(withAtoms(count), `${count} atoms`, true);
          const grown = process.memoryUsage().arrayBuffers - before;
          expect(grown, `bytes for ${count} atoms that are not there`).toBeLessThan(BELIEVED);
        }
      });
    }

    test('stops when its signal has fired, before and while it reads', async () => {
      const [{ content }] = examples as [ReaderExample];
      await expect(read(content, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
      const controller = new AbortController();
      async function* slow(): AsyncGenerator<Uint8Array, void> {
        const bytes = bytesOf(content);
        yield bytes.slice(0, 1);
        // Longer than a reader goes on without looking at its signal.
        await new Promise((resolve) => setTimeout(resolve, 100));
        controller.abort();
        for (const byte of bytes.slice(1)) yield Uint8Array.of(byte);
      }
      await expect(readChunks(slow(), { signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    });

    const { write, written = [], tolerance = 0 } = options;
    if (write === undefined) return;
    const files = [...examples.map(({ structures }) => structures), ...written];
    const textOf = async (structures: readonly Structure[]): Promise<{ text: string; warnings: string[] }> => {
      const warnings: string[] = [];
      let text = '';
      for await (const piece of write(structures, { onWarning: (message) => warnings.push(message) })) text += piece;
      return { text, warnings };
    };
    for (const [at, structures] of files.entries()) {
      const what = at < examples.length ? (examples[at] as ReaderExample).name : `file ${at - examples.length + 1}`;
      test(`reads what is written of ${what}`, async () => {
        const { text, warnings } = await textOf(structures);
        const { structures: again } = await read(text);
        expect(again.length).toBe(structures.length);
        for (const [frame, structure] of again.entries()) {
          expectHeld(structure, structures[frame] as Structure, warnings, tolerance);
        }
        const second = await textOf(again);
        const { structures: onceMore } = await read(second.text);
        expect(onceMore.length).toBe(again.length);
        for (const [frame, structure] of onceMore.entries()) {
          expectHeld(structure, again[frame] as Structure, second.warnings, tolerance);
        }
      });
    }
  });
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? encoder.encode(content) : content;
}

async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  yield* chunks;
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte, at) => byte <= 32 || (at < 3 && [0xef, 0xbb, 0xbf][at] === byte));
}

/** A refusal of content says where: `file:line: sentence`. */
function expectPlace({ code, message }: SurprisalError, what: string, hasLine: boolean): void {
  expect(code, `${what}: ${message}`).toBe('PARSE_ERROR');
  const place = hasLine ? /^tested\.file:\d+(:\d+)?: .{10}/ : /^tested\.file(:\d+)*: .{10}/;
  expect(message, what).toMatch(place);
}

function expectSame(found: readonly Structure[], expected: readonly Structure[], what?: string): void {
  expect(found.map(plain), what).toEqual(expected.map(plain));
}

function isEqual(found: readonly Structure[], expected: readonly Structure[]): boolean {
  try {
    expectSame(found, expected);
    return true;
  } catch {
    return false;
  }
}

/** A structure with its species spelled out, since tables of species may differ in their order. */
function plain({ positions, cell, pbc, columns, info, species }: Structure): Record<string, unknown> {
  return { positions, cell, pbc, columns, info, species: symbolsOf(species) };
}

function symbolsOf({ symbols, index }: Structure['species']): string[] {
  return Array.from(index, (place) => symbols[place] as string);
}

/** What the whole file says too, though perhaps not all of it. */
function expectPart(found: Structure, whole: Structure, what: string): void {
  const { columns, info, ...rest } = plain(found);
  const { columns: _, info: __, ...expected } = plain(whole);
  expect(rest, what).toEqual(expected);
  for (const [name, column] of columns as Structure['columns']) expect(column, what).toEqual(whole.columns.get(name));
  for (const [name, value] of info as Structure['info']) expect(value, what).toEqual(whole.info.get(name));
}

/** The same structure, up to what the warnings name. */
function expectHeld(found: Structure, structure: Structure, warnings: readonly string[], tolerance: number): void {
  const isSaid = (word: string) => warnings.some((warning) => warning.includes(word));
  expect(symbolsOf(found.species)).toEqual(symbolsOf(structure.species));
  if (!isSaid('boundaries') && !isSaid('cell')) expect(found.pbc).toEqual(structure.pbc);
  expectNear(found.positions, structure.positions, tolerance, 'positions');
  if (!isSaid('cell')) expectNear(found.cell, structure.cell, tolerance, 'cell');
  for (const [name, column] of structure.columns) {
    const other = found.columns.get(name);
    if (isSaid(`"${name}"`)) continue;
    expect(other?.kind, `column ${name}`).toBe(column.kind);
    expectValues(other as Column, column, `column ${name}`);
  }
  for (const [name, value] of structure.info) {
    if (isSaid(`"${name}"`)) continue;
    const other = found.info.get(name);
    expect([other?.kind, other?.shape], `value ${name}`).toEqual([value.kind, value.shape]);
    expectValues(other as InfoValue, value, `value ${name}`);
  }
}

/** Real numbers may have changed their units there and back, so their last bit is free. */
function expectValues(found: Column | InfoValue, expected: Column | InfoValue, what: string): void {
  if (found.kind !== 'real' || expected.kind !== 'real') {
    expect(found.values, what).toEqual(expected.values);
    return;
  }
  expect(found.values.length, what).toBe(expected.values.length);
  for (const [at, value] of expected.values.entries()) {
    const off = Math.abs((found.values[at] as number) - value);
    const isSame = Object.is(found.values[at], value) || off <= 1e-15 * Math.abs(value) * 4;
    expect(isSame, `${what}, value ${at}: ${found.values[at]} for ${value}`).toBe(true);
  }
}

function expectNear(found: Float64Array | null, expected: Float64Array | null, tolerance: number, what: string): void {
  if (expected === null || found === null || tolerance === 0) {
    expect(found, what).toEqual(expected);
    return;
  }
  expect(found.length, what).toBe(expected.length);
  for (const [at, value] of expected.entries()) {
    expect(Math.abs((found[at] as number) - value), `${what}, number ${at}`).toBeLessThanOrEqual(tolerance);
  }
}
