import { cooperate, ParseError } from '@surprisal/core';
import { decodeText } from './decode-text.ts';

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

  readonly #source: AsyncIterator<Uint8Array>;
  readonly #breathe: (done: number) => Promise<void> | undefined;
  #chunk: Uint8Array = new Uint8Array(0);
  #next = 0;
  #searched = 0;
  #filled = 0;
  #taken = 0;
  #ended = false;
  #hasReturns = false;

  constructor(source: AsyncIterable<Uint8Array>, file: string, signal?: AbortSignal) {
    this.file = file;
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
    const portion = this.#chunk.subarray(0, PORTION);
    this.#chunk = this.#chunk.subarray(portion.length);
    const rest = this.#filled - this.#next;
    if (rest > LONGEST_LINE) {
      this.line++;
      throw this.error(`the line is longer than ${LONGEST_LINE} bytes; this is not a text file of structures`);
    }
    this.#makeRoom(rest, portion.length);
    this.bytes.set(portion, rest);
    this.#filled = rest + portion.length;
    this.#taken += portion.length;
    return true;
  }

  /** Moves the unread rest to the front of a buffer that has room for the next portion behind it. */
  #makeRoom(rest: number, portion: number): void {
    if (rest + portion <= this.bytes.length) {
      this.bytes.copyWithin(0, this.#next, this.#filled);
    } else {
      const larger = new Uint8Array(Math.max(rest + portion, Math.min(2 * this.bytes.length, 2 * LONGEST_LINE)));
      larger.set(this.bytes.subarray(this.#next, this.#filled));
      this.bytes = larger;
    }
    this.#searched -= this.#next;
    this.#next = 0;
    this.start = 0;
    this.end = 0;
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
