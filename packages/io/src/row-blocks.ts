import { type Context, fromNativeError } from '@surprisal/core';
import { loadAddon, type NativeAddon, type NativeColumn, runJob, selectBackend } from '@surprisal/native';
import { type ArrayMemory, ordinaryMemory } from './array-memory.ts';
import type { ColumnBuilder, FieldKind, ReadColumn } from './column-builders.ts';
import type { LineReader } from './line-reader.ts';
import type { IdOrder, RepeatedId } from './sort-by-id.ts';

type Values = ReadColumn['values'];

/** How the addon knows a kind, and its values: bytes of one, and so many of them from an offset on. */
interface KindOfAddon {
  readonly number: number;
  readonly bytes: number;
  values(buffer: SharedArrayBuffer, offset: number, length: number): Values;
}

const doubles = (number: number): KindOfAddon => ({
  number,
  bytes: 8,
  values: (buffer, offset, length) => new Float64Array(buffer, offset, length),
});
const bytes = (number: number): KindOfAddon => ({
  number,
  bytes: 1,
  values: (buffer, offset, length) => new Uint8Array(buffer, offset, length),
});
const places = (number: number): KindOfAddon => ({
  number,
  bytes: 2,
  values: (buffer, offset, length) => new Uint16Array(buffer, offset, length),
});

/** `FieldKind` of row_parser.h. */
const KINDS: Readonly<Record<FieldKind, KindOfAddon>> = {
  real: doubles(0),
  coordinate: doubles(1),
  whole: doubles(2),
  logical: bytes(3),
  word: places(4),
  atomicNumber: places(5),
};

/** Text that is worth a call: about as much as a scanner reads in the time that it takes to start one. */
const LEAST_BYTES = 32 * 1024;
/** Text that is waited for, where a frame has as much: several threads share it. */
const PLENTY = 1024 * 1024;
/** Arrays that are large: about a huge page. */
const LARGE_BYTES = 1024 * 1024;
/** That one buffer of the addon may have. */
const MOST_LARGE_BYTES = 2 ** 32 - 1;
/** Fields of a row that the addon takes. */
const MOST_FIELDS = 4096;

/** Rows to be read. */
export interface RowsToRead {
  readonly builders: readonly ColumnBuilder[];
  /** The first of them, which is the one behind the current line. The current line is a row, too. */
  readonly from: number;
  /** Rows of the frame. */
  readonly count: number;
  /** Whether more may stand behind the last column. */
  readonly restIgnored: boolean;
  /** Makes room for so many rows. */
  readonly reserve: (rows: number) => void;
}

/** What became of rows that were to be read. */
export interface BlockOutcome {
  /** That were read. */
  readonly rows: number;
  /** Whether the one behind them is there, and is for the scanner to read or to refuse. */
  readonly odd: boolean;
}

/**
 * Reads rows of atoms in native code, many at once and on several threads. What it reads is what the builders would have
 * read field by field; where that is in any doubt it leaves the row to them.
 */
export class RowBlocks {
  readonly #addon: NativeAddon;
  readonly #threads: number;
  readonly #leastBytes: number;
  /** Buffers that belong to the addon. */
  readonly #held = new WeakSet<ArrayBufferLike>();
  /** Where values wait until the builders have copied them: those of one block, while the next one is read into the other. */
  readonly #values: [SharedArrayBuffer, SharedArrayBuffer] = [new SharedArrayBuffer(0), new SharedArrayBuffer(0)];

  /** @param leastBytes  of text, below which the rows are left to the scanner */
  constructor(addon: NativeAddon, threads: number, leastBytes: number = LEAST_BYTES) {
    this.#addon = addon;
    this.#threads = threads;
    this.#leastBytes = leastBytes;
  }

  /** Memory for the columns of frames: large arrays are filled faster in that of the addon, which can also work on them in place. */
  readonly memory: ArrayMemory = (bytes) => {
    if (bytes < LARGE_BYTES || bytes > MOST_LARGE_BYTES) return ordinaryMemory(bytes);
    const buffer = this.#addon.largeBuffer(bytes);
    this.#held.add(buffer);
    return buffer;
  };

  /**
   * Reads rows as far as they are many, whole and plain. The last of them is the current line afterwards.
   *
   * @throws {SurprisalError} ABORTED; what the source of the lines throws
   */
  async read(lines: LineReader, { builders, from, count, restIgnored, reserve }: RowsToRead): Promise<BlockOutcome> {
    const lineLength = lines.end - lines.start + 2;
    let row = from;
    let odd = false;
    let copyValues: (() => void) | undefined;
    for (let turn = 0; row < count && !odd; turn = 1 - turn) {
      const likely = (count - row) * lineLength;
      if (likely < this.#leastBytes) break;
      // Not more than the frame has, even where its lines become shorter: somebody may wait for it.
      const enough = Math.min(PLENTY, likely / 2);
      while (lines.ahead < enough && (await lines.extend()));
      if (lines.ahead < this.#leastBytes) break;
      const { start, end } = lines.block(likely + likely / 4);
      const layout = end > start ? layoutOf(builders, count - row, end - start) : undefined;
      if (layout === undefined) break;
      const { fields, rows, columns, size } = layout;
      const text = lines.bytes.subarray(start, end);
      const buffer = this.#buffer(turn, size);
      const reading = runJob(
        () => this.#addon.parseRows(text, fields, restIgnored, lines.ends, rows, this.#threads, new Uint8Array(buffer)),
        { signal: lines.signal },
      );
      const parsed = await meanwhile(reading, copyValues);
      const first = row;
      copyValues = () => {
        reserve(first + parsed.rows);
        for (const [column, { kind, offset, builder }] of columns.entries()) {
          if (builder.isKept === false) continue;
          const read: ReadColumn = {
            values: kind.values(buffer, offset, parsed.rows * builder.width),
            words: parsed.words[column] as readonly string[],
            whole: parsed.whole[column] as boolean,
          };
          builder.take(read, first);
        }
      };
      lines.pass(parsed.rows, parsed.length);
      row += parsed.rows;
      odd = parsed.odd;
    }
    copyValues?.();
    return { rows: row - from, odd };
  }

  /**
   * The order of many rows by their ids, and with it as many of the columns as native code can work on.
   *
   * @returns 'unknown' where somebody else must find it
   * @throws {SurprisalError} ABORTED
   */
  async order(
    ids: Float64Array,
    columns: readonly unknown[],
    signal: AbortSignal | undefined,
  ): Promise<IdOrder | RepeatedId | undefined | 'unknown'> {
    if (!this.#isHeld(ids)) return 'unknown';
    const held = columns.filter((values) => this.#isHeld(values));
    const sorting = runJob(() => this.#addon.sortRows(ids, held, this.#threads), { signal });
    const sorted = await meanwhile(sorting, undefined);
    if (sorted.order === 'sparse') return 'unknown';
    if (sorted.order === 'sorted') return undefined;
    if (sorted.order === 'repeated') return { id: ids[sorted.repeated] as number, row: sorted.repeated };
    const { rows, ids: ordered } = sorted;
    return {
      rows,
      ids: ordered,
      ordered: new Map(held.map((values, at) => [values, sorted.columns[at] as Uint8Array])),
    };
  }

  #isHeld(values: unknown): values is NativeColumn {
    const isKnown = values instanceof Float64Array || values instanceof Uint16Array || values instanceof Uint8Array;
    return isKnown && this.#held.has(values.buffer);
  }

  #buffer(turn: number, size: number): SharedArrayBuffer {
    const place = turn === 0 ? 0 : 1;
    if (this.#values[place].byteLength < size) this.#values[place] = new SharedArrayBuffer(size);
    return this.#values[place];
  }
}

/** Waits for native code, and does something while it works. */
async function meanwhile<T>(reading: Promise<T>, something: (() => void) | undefined): Promise<T> {
  try {
    something?.();
  } catch (error) {
    // Nothing may be left behind that writes to memory.
    await reading.catch(() => undefined);
    throw error;
  }
  try {
    return await reading;
  } catch (error) {
    throw fromNativeError(error);
  }
}

interface Place {
  readonly kind: KindOfAddon;
  readonly offset: number;
  /** Who takes the values. */
  readonly builder: Pick<ColumnBuilder, 'width' | 'take' | 'isKept'>;
}

interface Layout {
  readonly fields: Uint32Array;
  readonly rows: number;
  readonly columns: readonly Place[];
  readonly size: number;
}

/** Where the values of each column are put, one column behind the other; undefined where one of them is not for native code. */
function layoutOf(builders: readonly ColumnBuilder[], mostRows: number, mostBytes: number): Layout | undefined {
  const width = builders.reduce((sum, builder) => sum + builder.width, 0);
  if (width > MOST_FIELDS) return undefined;
  // A field takes two bytes at least.
  const rows = Math.min(mostRows, Math.ceil(mostBytes / (2 * width)));
  const fields = new Uint32Array(4 * width);
  const columns: Place[] = [];
  const places = new Map<Place['builder'], number>();
  let size = 0;
  let field = 0;
  for (const builder of builders) {
    if (builder.fieldKind === undefined) return undefined;
    const kind = KINDS[builder.fieldKind];
    const { whole, first } = builder.partOf ?? { whole: builder as Place['builder'], first: 0 };
    let column = places.get(whole);
    if (column === undefined) {
      column = columns.push({ kind, offset: size, builder: whole }) - 1;
      places.set(whole, column);
      if (builder.isKept !== false) size += Math.ceil((rows * whole.width * kind.bytes) / 8) * 8;
    }
    const { offset } = columns[column] as Place;
    const stride = builder.isKept === false ? 0 : whole.width * kind.bytes;
    for (let at = 0; at < builder.width; at++, field++) {
      fields.set([kind.number, column, offset + (first + at) * kind.bytes, stride], 4 * field);
    }
  }
  return { fields, rows, columns, size };
}

/**
 * What reads rows natively; undefined where the reference is to read them, or there is no binary. Nobody is warned of
 * that: reading takes a few times as long, which is little beside what an analysis takes without native code, and
 * that one warns.
 *
 * @throws {SurprisalError} BACKEND_UNAVAILABLE if `native` is asked for and cannot be had; INVALID_ARGUMENT
 */
export function rowBlocksFor({
  backend = 'auto',
  threads,
}: Pick<Context, 'backend' | 'threads'>): RowBlocks | undefined {
  if (backend === 'auto' && loadAddon().addon === null) return undefined;
  try {
    const chosen = selectBackend({ backend, threads });
    return chosen.addon === null ? undefined : new RowBlocks(chosen.addon, chosen.threads);
  } catch (error) {
    throw fromNativeError(error);
  }
}
