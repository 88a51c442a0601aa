import { ParseError } from '@surprisal/core';
import type { CifData, CifValues } from './molstar-cif.ts';

/** A CIF file as text, for the places of its errors. */
export interface CifSource {
  readonly file: string;
  readonly text: string;
}

const NUMBER = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:\(\d+\))?$/;

/**
 * A data block of a CIF file, whose values are found by their names whatever letters they are written in and whether a dot
 * or an underscore stands behind the category (`_cell.length_a`, `_cell_length_a`).
 */
export class CifBlock {
  readonly name: string;
  readonly #source: CifSource;
  readonly #values = new Map<string, CifValues>();

  /** @throws {ParseError} if a name is given twice */
  constructor(data: CifData, source: CifSource) {
    this.name = data.header;
    this.#source = source;
    for (const values of data.values) {
      const key = keyOf(values.name);
      if (this.#values.has(key)) {
        throw new ParseError({ file: source.file, ...this.#place(values, 0) }, `${values.name} is given twice`);
      }
      this.#values.set(key, values);
    }
  }

  /** The values of the first of some names that the block has. */
  column(...names: readonly string[]): CifValues | undefined {
    for (const name of names) {
      const values = this.#values.get(keyOf(name));
      if (values !== undefined) return values;
    }
    return undefined;
  }

  /** The first value of the first of some names that has one; undefined where all are absent, `?`, `.` or empty. */
  value(...names: readonly string[]): { readonly values: CifValues; readonly text: string } | undefined {
    for (const name of names) {
      const values = this.#values.get(keyOf(name));
      const text = values === undefined ? undefined : this.text(values, 0);
      if (values !== undefined && text !== undefined) return { values, text };
    }
    return undefined;
  }

  /** A value as text; undefined for `?`, `.` and one that is empty. */
  text(values: CifValues, row: number): string | undefined {
    const start = values.start(row);
    const text = this.#source.text.slice(start, values.end(row));
    if (text === '' || text === '?' || text === '.') {
      // In quotes they are themselves, but no value of ours could be.
      return undefined;
    }
    const isQuoted = /['";]/.test(this.#source.text[start - 1] ?? '');
    if (!isQuoted && /^['"]/.test(text)) throw this.error(values, row, 'the line ends within quotes');
    return text.trim();
  }

  /**
   * A value as a finite number, without its uncertainty: `1.234(5)` is 1.234.
   *
   * @throws {ParseError} if it is no number
   */
  number(values: CifValues, row: number, text: string | undefined): number {
    const digits = text === undefined ? undefined : NUMBER.exec(text)?.[1];
    const number = Number(digits ?? Number.NaN);
    if (!Number.isFinite(number)) throw this.error(values, row, 'a number was expected');
    return number;
  }

  /** The error that refuses the file at a value. */
  error(values: CifValues, row: number, problem: string): ParseError {
    const text = this.#source.text.slice(values.start(row), values.end(row));
    const place = this.#place(values, row);
    return new ParseError({ file: this.#source.file, ...place, text }, `${values.name}: ${problem}`);
  }

  /** The line of a value. */
  lineOf(values: CifValues, row: number): number {
    return this.#place(values, row).line;
  }

  #place(values: CifValues, row: number): { line: number; column: number } {
    return placeOf(this.#source.text, values.start(row));
  }
}

/** Line and column of a place in a text, from 1. */
export function placeOf(text: string, offset: number): { line: number; column: number } {
  let line = 1;
  let start = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++;
    start = at + 1;
  }
  return { line, column: offset - start + 1 };
}

function keyOf(name: string): string {
  return name.toLowerCase().replaceAll('.', '_');
}
