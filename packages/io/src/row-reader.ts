import { type ArrayMemory, ordinaryMemory } from './array-memory.ts';
import { type ColumnBuilder, reserveRows } from './column-builders.ts';
import { FieldScanner } from './field-scanner.ts';
import type { LineReader } from './line-reader.ts';
import type { RowBlocks } from './row-blocks.ts';
import { type IdOrder, orderById, type RepeatedId } from './sort-by-id.ts';
import type { Warnings } from './warnings.ts';

/** The rows of one frame. */
export interface FrameRows {
  /** That the frame declares. */
  readonly count: number;
  /** One for each column, in the order of the file. */
  readonly builders: readonly ColumnBuilder[];
  /** What errors call the columns. */
  readonly names: readonly string[];
  /** The end of the sentence that refuses a row with more fields, such as `4 that Properties declares`. */
  readonly declared: string;
  /** What may stand behind the columns; undefined where nothing may. */
  readonly extra?: ExtraColumn | undefined;
}

/** Fields behind those that are declared. */
export interface ExtraColumn {
  /** Undefined where there is none, or none any more. */
  readonly builder: ColumnBuilder | undefined;
  /** Whether whatever stands there is passed over. */
  readonly dropped: boolean;
  read(scanner: FieldScanner, row: number, rows: number, memory: ArrayMemory): void;
  /** Makes room for so many rows. */
  reserve(rows: number, declared: number, memory: ArrayMemory): void;
}

/** Rows that the scanner reads behind one that only it can read; each time in a frame four times as many. */
const ROWS_BEHIND_ODD = 1024;

/**
 * Reads the rows of frames: field by field, or where there is native code, in blocks of whole lines by that, and field by field
 * what it leaves.
 */
export class RowReader {
  readonly #lines: LineReader;
  readonly #warnings: Warnings;
  readonly #blocks: RowBlocks | undefined;
  readonly #scanner = new FieldScanner();
  /** For the columns of frames. */
  readonly memory: ArrayMemory;

  constructor(lines: LineReader, warnings: Warnings, blocks: RowBlocks | undefined) {
    this.memory = blocks?.memory ?? ordinaryMemory;
    this.#lines = lines;
    this.#warnings = warnings;
    this.#blocks = blocks;
  }

  /** @throws {SurprisalError} PARSE_ERROR, ABORTED */
  async read(frame: FrameRows): Promise<void> {
    const { count, builders, extra } = frame;
    const lines = this.#lines;
    const scanner = this.#scanner;
    const { memory } = this;
    let room = 0;
    // The first row says of which kind a column is, if the file does not.
    let nextBlock = 1;
    let noBlockBefore = 1;
    let patience = ROWS_BEHIND_ODD;
    for (let row = 0; row < count; row++) {
      if (row === nextBlock && this.#blocks !== undefined) {
        const { rows, odd } = await this.#blocks.read(lines, {
          builders: extra?.builder === undefined ? builders : [...builders, extra.builder],
          from: row,
          count,
          restIgnored: extra?.dropped ?? false,
          reserve: (needed) => {
            while (room < needed) room = reserveRows(builders, room, count, memory);
            extra?.reserve(needed, count, memory);
          },
        });
        row += rows;
        if (odd) {
          noBlockBefore = row + patience;
          patience *= 4;
        }
        if (odd || rows > 0) nextBlock = Math.max(row + 1, noBlockBefore);
        if (row === count) break;
      }
      if (!lines.advance()) {
        if (!(await lines.more())) throw endOfRows(lines, row, count);
        nextBlock = Math.max(row + 1, noBlockBefore);
      }
      if (row === room) room = reserveRows(builders, room, count, memory);
      scanner.reset(lines.bytes, lines.start, lines.end);
      for (let column = 0; column < builders.length; column++) {
        const expected = (builders[column] as ColumnBuilder).read(scanner, row);
        if (expected !== undefined) throw this.#badField(frame, column, expected, row);
      }
      if (extra !== undefined) extra.read(scanner, row, count, memory);
      else if (scanner.next()) throw this.#oneTooMany(frame, row);
    }
    if (!lines.terminated) {
      this.#warnings.warn('unterminated', `line ${lines.line}, the last, has no end; the file may be cut off there`);
    }
  }

  /**
   * Passes over the rows of a frame.
   *
   * @throws {SurprisalError} PARSE_ERROR, ABORTED
   */
  async skip(count: number): Promise<void> {
    const lines = this.#lines;
    for (let row = 0; row < count; row++) {
      if (!(lines.advance() || (await lines.more()))) throw endOfRows(lines, row, count);
    }
  }

  /**
   * The order of the rows of a frame by their ids.
   *
   * @param columns  that will be put into it: typed arrays, and what is none
   * @returns undefined where they lie in order already
   * @throws {SurprisalError} ABORTED
   */
  async order(ids: Float64Array, columns: readonly unknown[]): Promise<IdOrder | RepeatedId | undefined> {
    const order = this.#blocks === undefined ? 'unknown' : await this.#blocks.order(ids, columns, this.#lines.signal);
    return order === 'unknown' ? orderById(ids, this.memory) : order;
  }

  #badField({ names, count }: FrameRows, column: number, expected: string, row: number): Error {
    const { from, to } = this.#scanner;
    const where = `atom ${row + 1} of ${count}, column "${names[column]}"`;
    if (from === to)
      return this.#lines.error(`${where}: the line ends where ${expected} was expected`, this.#lines.text());
    return this.#lines.error(`${where}: ${expected} was expected`, this.#scanner.text(), from);
  }

  #oneTooMany({ count, declared }: FrameRows, row: number): Error {
    const { from } = this.#scanner;
    return this.#lines.error(
      `atom ${row + 1} of ${count} has more fields than the ${declared}`,
      this.#scanner.text(),
      from,
    );
  }
}

/** The error over rows that are not there. */
export function endOfRows(lines: LineReader, row: number, count: number): Error {
  return lines.error(`the file ends after ${row} of the ${count} atoms that the frame declares`);
}
