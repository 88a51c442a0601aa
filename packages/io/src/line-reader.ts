import { cooperate, ParseError } from '@surprisal/core';
import { decodeText } from './decode-text.ts';
import { roomBefore } from './roomy-chunks.ts';

/** Longest line that is read as one; beyond it a file is taken for something else than text. */
const LONGEST_LINE: number = 16 * 1024 * 1024;

/** Bytes taken over from the source at a time, however large the chunks are in which it delivers. */
const PORTION = 1024 * 1024;

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/**
 * Lines of a stream of bytes, without strings and without copies of lines: the current line is `bytes[start, end)`.
 *
 * {@link advance} is synchronous, so that a loop over a million rows costs no promise per row:
 *
 *     while (lines.advance() || (await lines.more())) parse(lines.bytes, lines.start, lines.end);
 */
export class LineReader {
  readonly file: string;
  /** Holds the current line; replaced and overwritten by {@link more}. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  /** Exclusive, without the line's end (`\n` or `\r\n`). */
  end = 0;
  /** Number of the current line, from 1; 0 before the first. */
  line = 0;
  /** Whether the current line had an end; the last line of a file may lack it. */
  terminated = true;
  /** Whether the file begins with a byte order mark. */
  hasMark = false;
  /** The first line that ends otherwise than the first line of all, `\n` or `\r\n`; 0 while they end alike. */
  otherEnd = 0;

  readonly signal: AbortSignal | undefined;
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #breathe: (done: number) => Promise<void> | undefined;
  readonly #memory: (bytes: number) => Uint8Array;
  #chunk: Uint8Array = new Uint8Array(0);
  #next = 0;
  #searched = 0;
  #filled = 0;
  #taken = 0;
  #ended = false;
  #hasReturns = false;
  /** Whether `bytes` is the memory of the source. */
  #isInPlace = false;

  /** @param memory  makes the memory that lines are put together in */
  constructor(
    source: AsyncIterable<Uint8Array>,
    file: string,
    signal?: AbortSignal,
    memory: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes),
  ) {
    this.file = file;
    this.signal = signal;
    this.#memory = memory;
    this.#source = source[Symbol.asyncIterator]();
    this.#breathe = cooperate('read', undefined, 'bytes', { signal });
  }

  /** Moves to the next line if it lies in memory already. */
  advance(): boolean {
    const { bytes } = this;
    const feed = bytes.indexOf(LINE_FEED, this.#searched);
    if (feed < 0 || feed >= this.#filled) {
      this.#searched = this.#filled;
      return false;
    }
    this.#set(feed, feed + 1, true);
    return true;
  }

  /**
   * Moves to the next line, reading on.
   *
   * @returns false at the end of the source
   * @throws {SurprisalError} PARSE_ERROR if a line has no end in sight; ABORTED
   */
  async more(): Promise<boolean> {
    while (await this.#fill()) {
      if (this.advance()) return true;
    }
    if (this.#next >= this.#filled) return false;
    this.#set(this.#filled, this.#filled, false);
    return true;
  }

  /**
   * Gets more bytes into memory without moving on; the current line is gone then.
   *
   * @returns false at the end of the source
   * @throws {SurprisalError} PARSE_ERROR if a line has no end in sight; ABORTED
   */
  extend(): Promise<boolean> {
    return this.#fill();
  }

  /** Bytes in memory behind the current line. */
  get ahead(): number {
    return this.#filled - this.#next + (this.#isContiguous() ? this.#chunk.length : 0);
  }

  /** How the lines of the file must end to end as its first: 0 with `\n`, 1 with `\r\n`; 2 where that is settled. */
  get ends(): 0 | 1 | 2 {
    return this.otherEnd > 0 ? 2 : this.#hasReturns ? 1 : 0;
  }

  /**
   * Whole lines behind the current one that are in memory: `bytes[start, end)`, of which the last byte is a line feed.
   *
   * @param most  bytes
   */
  block(most: number): { readonly start: number; readonly end: number } {
    if (this.#isContiguous()) {
      this.#filled += this.#chunk.length;
      this.#taken += this.#chunk.length;
      this.#chunk = this.#chunk.subarray(this.#chunk.length);
    }
    const end = Math.min(this.#filled, this.#next + most);
    const feed = end > this.#next ? this.bytes.lastIndexOf(LINE_FEED, end - 1) : -1;
    return { start: this.#next, end: Math.max(this.#next, feed + 1) };
  }

  /** Moves on over lines of {@link block} that somebody else has read, to the last of them. */
  pass(lines: number, bytes: number): void {
    if (lines === 0) return;
    const next = this.#next + bytes;
    // Where the last of them begins: behind the line feed before its own.
    if (lines > 1) this.#next = this.bytes.lastIndexOf(LINE_FEED, next - 2) + 1;
    this.line += lines - 1;
    this.#set(next - 1, next, true);
  }

  /** Tells the source that no more is wanted. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  /** The current line as text. */
  text(): string {
    return decodeText(this.bytes, this.start, this.end);
  }

  /** Whether the current line holds white space only; zeros, which a broken disk leaves behind, are none. */
  isBlank(): boolean {
    const { bytes } = this;
    for (let at = this.start; at < this.end; at++) if (!isWhite(bytes[at] as number)) return false;
    return true;
  }

  /**
   * The error that refuses the file at the current line.
   *
   * @param at  the offending byte of `bytes`, for the column
   */
  error(problem: string, text?: string, at?: number): ParseError {
    const column = at === undefined ? undefined : at - this.start + 1;
    return new ParseError({ file: this.file, line: Math.max(1, this.line), column, text }, problem);
  }

  /** The error that refuses the file at an earlier line. */
  errorAt(line: number, problem: string, text?: string): ParseError {
    return new ParseError({ file: this.file, line, text }, problem);
  }

  #set(end: number, next: number, terminated: boolean): void {
    this.start = this.#next;
    const hasReturn = end > this.start && this.bytes[end - 1] === CARRIAGE_RETURN;
    this.end = hasReturn ? end - 1 : end;
    if (this.line === 0) this.#hasReturns = hasReturn;
    else if (hasReturn !== this.#hasReturns && terminated && this.otherEnd === 0) this.otherEnd = this.line + 1;
    this.#next = next;
    this.#searched = next;
    this.terminated = terminated;
    this.line++;
    if (this.line === 1) this.#skipByteOrderMark();
  }

  async #fill(): Promise<boolean> {
    while (this.#chunk.length === 0 && !this.#ended) {
      const { done, value } = await this.#source.next();
      if (done) this.#ended = true;
      else this.#chunk = value;
    }
    await this.#breathe(this.#taken);
    if (this.#chunk.length === 0) return false;
    const rest = this.#filled - this.#next;
    if (rest > LONGEST_LINE) {
      this.line++;
      throw this.error(`the line is longer than ${LONGEST_LINE} bytes; this is not a text file of structures`);
    }
    const portion = this.#chunk.subarray(0, PORTION);
    if (!this.#isContiguous()) {
      if (rest <= (roomBefore(portion) ?? -1)) this.#moveBefore(portion, rest);
      else this.#makeRoom(rest, portion);
    }
    this.#chunk = this.#chunk.subarray(portion.length);
    this.#filled += portion.length;
    this.#taken += portion.length;
    return true;
  }

  /** Whether the chunk lies behind what is filled, in the same memory. */
  #isContiguous(): boolean {
    const { buffer, byteOffset } = this.#chunk;
    return buffer === this.bytes.buffer && byteOffset === this.#filled && this.#isInPlace;
  }

  /** Puts the unread rest into the room in front of a chunk, and goes on in its memory. */
  #moveBefore(chunk: Uint8Array, rest: number): void {
    const memory = new Uint8Array(chunk.buffer);
    const from = chunk.byteOffset - rest;
    memory.set(this.bytes.subarray(this.#next, this.#filled), from);
    this.bytes = memory;
    this.#isInPlace = true;
    this.#goOn(from, rest);
  }

  /** Moves the unread rest to the front of a buffer of our own that has room for the next portion behind it, and puts that there. */
  #makeRoom(rest: number, portion: Uint8Array): void {
    if (!this.#isInPlace && rest + portion.length <= this.bytes.length) {
      this.bytes.copyWithin(0, this.#next, this.#filled);
    } else {
      const least = this.#isInPlace ? 0 : Math.min(2 * this.bytes.length, 2 * LONGEST_LINE);
      const larger = this.#memory(Math.max(rest + portion.length, least));
      larger.set(this.bytes.subarray(this.#next, this.#filled));
      this.bytes = larger;
      this.#isInPlace = false;
    }
    this.bytes.set(portion, rest);
    this.#goOn(0, rest);
  }

  /** @param from  where the unread rest begins now */
  #goOn(from: number, rest: number): void {
    this.#searched += from - this.#next;
    this.#next = from;
    this.#filled = from + rest;
    this.start = from;
    this.end = from;
  }

  #skipByteOrderMark(): void {
    const { bytes, start, end } = this;
    const [first, second, third] = bytes.subarray(start, Math.min(end, start + 3));
    this.hasMark = first === 0xef && second === 0xbb && third === 0xbf;
    if (this.hasMark) this.start += 3;
    if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
      throw this.error('the file is UTF-16 text; convert it, for example with iconv -f UTF-16 -t UTF-8');
    }
  }
}

/** Whether a byte is white space between fields or lines. */
export function isWhite(byte: number): boolean {
  return byte <= 32 && byte !== 0;
}
