import type { Column, Species } from '@surprisal/core';
import { type ArrayKind, type ArrayMemory, arrayIn, ordinaryMemory } from './array-memory.ts';
import { CHEMICAL_SYMBOLS } from './chemical-symbols.ts';
import { type FieldScanner, NOT_LOGICAL } from './field-scanner.ts';

/** What native code may read a field as; `coordinate` is finite. */
export type FieldKind = 'real' | 'coordinate' | 'whole' | 'logical' | 'word' | 'atomicNumber';

/** Rows of a column that native code has read. */
export interface ReadColumn {
  /** (rows×width), to be copied: doubles, for `logical` bytes, for `word` places in `words`, for `atomicNumber` these. */
  readonly values: Float64Array | Uint8Array | Uint16Array;
  /** Different words, in the order in which they come. */
  readonly words: readonly string[];
  /** Whether all are written as digits alone, and below 2^53. */
  readonly whole: boolean;
}

/** Words that native code tells apart in one column at a time. */
const MOST_WORDS_READ = 4096;

/** Collects a column while rows are read. */
export interface ColumnBuilder {
  readonly width: number;
  /**
   * As what native code may read the rows behind those that there are, so that {@link take} makes of them what {@link read}
   * would; undefined where it may not.
   */
  readonly fieldKind: FieldKind | undefined;
  /** Whether values are kept, and {@link take} wants them. Default true. */
  readonly isKept?: boolean;
  /** The column of which this one is a part, and which takes over all of it together; undefined where it stands alone. */
  readonly partOf?: { readonly whole: Pick<ColumnBuilder, 'width' | 'take'>; readonly first: number } | undefined;
  /** Takes over rows, from `row` on, for which there is room and which were read as {@link fieldKind} says. */
  take(column: ReadColumn, row: number): void;
  /** Makes room for that many rows. */
  reserve(rows: number, memory: ArrayMemory): void;
  /**
   * Reads `width` fields into a row for which there is room.
   *
   * @returns what was expected where a field is missing or of another kind; the field is then the scanner's last
   */
  read(scanner: FieldScanner, row: number): string | undefined;
}

/** A builder whose rows make a per-atom column. */
export interface PlainColumnBuilder extends ColumnBuilder {
  column(rows: number): Column;
  /** Lets go of what takes memory without having been reserved. */
  forget?(): void;
}

const LARGEST_INT64 = 2n ** 63n - 1n;
/** Species that an index of 16 bits tells apart. */
export const MOST_SPECIES = 65536;
/** Strings that are remembered, so that a million equal ones are one. */
const MOST_REMEMBERED = 4096;

/** Real numbers. */
export class RealBuilder implements PlainColumnBuilder {
  readonly width: number;
  values: Float64Array = new Float64Array(0);

  constructor(width: number) {
    this.width = width;
  }

  reserve(rows: number, memory: ArrayMemory): void {
    this.values = enlarge(this.values, rows * this.width, memory);
  }

  read(scanner: FieldScanner, row: number): string | undefined {
    const { values, width } = this;
    for (let at = row * width, end = at + width; at < end; at++) {
      values[at] = scanner.real();
      if (scanner.failed) return 'a number';
    }
    return undefined;
  }

  get fieldKind(): FieldKind {
    return 'real';
  }

  take({ values }: ReadColumn, row: number): void {
    this.values.set(values, row * this.width);
  }

  column(rows: number): Column {
    return { kind: 'real', width: this.width, values: fit(this.values, rows * this.width) };
  }
}

/** Coordinates: finite real numbers. */
export class CoordinateBuilder extends RealBuilder {
  override read(scanner: FieldScanner, row: number): string | undefined {
    const { values, width } = this;
    for (let at = row * width, end = at + width; at < end; at++) {
      const value = scanner.real();
      if (!(value - value === 0)) return 'a coordinate, a finite number';
      values[at] = value;
    }
    return undefined;
  }

  override get fieldKind(): FieldKind {
    return 'coordinate';
  }

  /** (rows×width) */
  coordinates(rows: number): Float64Array {
    return fit(this.values, rows * this.width);
  }
}

/** Coordinates of which each axis is a column of its own, side by side: (rows×3). */
export class AxisCoordinates {
  readonly width = 3;
  values: Float64Array = new Float64Array(0);
  readonly axes: readonly [ColumnBuilder, ColumnBuilder, ColumnBuilder] = [
    new AxisBuilder(this, 0),
    new AxisBuilder(this, 1),
    new AxisBuilder(this, 2),
  ];

  reserve(rows: number, memory: ArrayMemory): void {
    this.values = enlarge(this.values, 3 * rows, memory);
  }

  take({ values }: ReadColumn, row: number): void {
    this.values.set(values, 3 * row);
  }

  /** (rows×3) */
  coordinates(rows: number): Float64Array {
    return fit(this.values, 3 * rows);
  }
}

class AxisBuilder implements ColumnBuilder {
  readonly width = 1;
  readonly fieldKind = 'coordinate';
  readonly #coordinates: AxisCoordinates;
  readonly #axis: number;

  constructor(coordinates: AxisCoordinates, axis: number) {
    this.#coordinates = coordinates;
    this.#axis = axis;
  }

  reserve(rows: number, memory: ArrayMemory): void {
    this.#coordinates.reserve(rows, memory);
  }

  read(scanner: FieldScanner, row: number): string | undefined {
    const value = scanner.real();
    if (!(value - value === 0)) return 'a coordinate, a finite number';
    this.#coordinates.values[3 * row + this.#axis] = value;
    return undefined;
  }

  get partOf(): { readonly whole: AxisCoordinates; readonly first: number } {
    return { whole: this.#coordinates, first: this.#axis };
  }

  take(column: ReadColumn, row: number): void {
    this.#coordinates.take(column, row);
  }
}

/** Whole numbers: doubles while they hold them exactly, 64-bit integers from the first that they do not. */
export class IntegerBuilder implements PlainColumnBuilder {
  readonly width: number;
  values: Float64Array | BigInt64Array = new Float64Array(0);

  constructor(width: number) {
    this.width = width;
  }

  reserve(rows: number, memory: ArrayMemory): void {
    this.values = enlarge(this.values, rows * this.width, memory);
  }

  read(scanner: FieldScanner, row: number): string | undefined {
    for (let at = row * this.width, end = at + this.width; at < end; at++) {
      const value = scanner.integer();
      if (scanner.failed) return 'a whole number';
      if (this.values instanceof Float64Array) {
        if (Number.isSafeInteger(value)) {
          this.values[at] = value;
          continue;
        }
        this.values = BigInt64Array.from(this.values, BigInt);
      }
      const exact = scanner.bigInteger();
      if (exact > LARGEST_INT64 || exact < -LARGEST_INT64 - 1n) return 'a whole number of at most 64 bits';
      this.values[at] = exact;
    }
    return undefined;
  }

  get fieldKind(): FieldKind | undefined {
    return this.values instanceof Float64Array ? 'whole' : undefined;
  }

  take({ values }: ReadColumn, row: number): void {
    (this.values as Float64Array).set(values, row * this.width);
  }

  column(rows: number): Column {
    return { kind: 'integer', width: this.width, values: fit(this.values, rows * this.width) };
  }
}

/** T and F, true and false. */
export class LogicalBuilder implements PlainColumnBuilder {
  readonly width: number;
  values: Uint8Array = new Uint8Array(0);

  constructor(width: number) {
    this.width = width;
  }

  reserve(rows: number, memory: ArrayMemory): void {
    this.values = enlarge(this.values, rows * this.width, memory);
  }

  read(scanner: FieldScanner, row: number): string | undefined {
    const { values, width } = this;
    for (let at = row * width, end = at + width; at < end; at++) {
      const value = scanner.logical();
      if (value === NOT_LOGICAL) return 'T or F';
      values[at] = value;
    }
    return undefined;
  }

  get fieldKind(): FieldKind {
    return 'logical';
  }

  take({ values }: ReadColumn, row: number): void {
    this.values.set(values, row * this.width);
  }

  column(rows: number): Column {
    return { kind: 'logical', width: this.width, values: fit(this.values, rows * this.width) };
  }
}

/** Words without white space. */
export class StringBuilder implements PlainColumnBuilder {
  readonly width: number;
  readonly values: string[] = [];
  readonly #remembered = new Map<string, string>();

  constructor(width: number) {
    this.width = width;
  }

  reserve(): void {}

  read(scanner: FieldScanner): string | undefined {
    for (let field = 0; field < this.width; field++) {
      if (!scanner.next()) return 'a word';
      this.values.push(this.#same(scanner.text()));
    }
    return undefined;
  }

  get fieldKind(): FieldKind {
    return 'word';
  }

  take(column: ReadColumn): void {
    const words = column.words.map((word) => this.#same(word));
    for (const place of column.values) this.values.push(words[place] as string);
  }

  forget(): void {
    this.values.length = 0;
  }

  #same(text: string): string {
    const same = this.#remembered.get(text);
    if (same !== undefined) return same;
    if (this.#remembered.size < MOST_REMEMBERED) this.#remembered.set(text, text);
    return text;
  }

  column(): Column {
    return { kind: 'string', width: this.width, values: this.values };
  }
}

/**
 * A column of which the file does not say what it holds: words if its first field is no number; else numbers, whole ones
 * if every field is written as one and `wholeAllowed`.
 */
export class DetectedBuilder implements PlainColumnBuilder {
  readonly width = 1;
  readonly #numbers = new RealBuilder(1);
  #words: StringBuilder | undefined;
  readonly #kindOfNone: 'integer' | 'real';
  #whole: boolean;

  /** @param kindOfNone  what a column without rows holds */
  constructor(wholeAllowed: boolean, kindOfNone: 'integer' | 'real') {
    this.#whole = wholeAllowed;
    this.#kindOfNone = kindOfNone;
  }

  reserve(rows: number, memory: ArrayMemory): void {
    this.#numbers.reserve(rows, memory);
  }

  read(scanner: FieldScanner, row: number): string | undefined {
    if (this.#words !== undefined) return this.#words.read(scanner);
    const start = scanner.at;
    const problem = this.#numbers.read(scanner, row);
    if (problem === undefined) {
      if (this.#whole) this.#whole = scanner.whole && Number.isSafeInteger(this.#numbers.values[row]);
      return undefined;
    }
    if (row > 0 || scanner.from === scanner.to) return problem;
    this.#words = new StringBuilder(1);
    scanner.at = start;
    return this.#words.read(scanner);
  }

  forget(): void {
    this.#words?.forget();
  }

  /** Known once the first row was read. */
  get fieldKind(): FieldKind {
    return this.#words === undefined ? 'real' : 'word';
  }

  take(column: ReadColumn, row: number): void {
    if (this.#words !== undefined) {
      this.#words.take(column);
    } else {
      this.#numbers.take(column, row);
      this.#whole &&= column.whole;
    }
  }

  column(rows: number): Column {
    if (this.#words !== undefined) return this.#words.column();
    const { values } = this.#numbers.column(rows) as { values: Float64Array };
    const kind = rows === 0 ? this.#kindOfNone : this.#whole ? 'integer' : 'real';
    // Whole numbers know no −0.
    if (kind === 'integer') for (let row = 0; row < rows; row++) values[row] = (values[row] as number) + 0;
    return { kind, width: 1, values };
  }
}

/** A column that is read and checked as another one is, and of which nothing is kept. */
export class CheckedBuilder implements ColumnBuilder {
  readonly width: number;
  readonly isKept = false;
  readonly #checks: PlainColumnBuilder;

  constructor(checks: PlainColumnBuilder) {
    this.width = checks.width;
    this.#checks = checks;
  }

  get fieldKind(): FieldKind | undefined {
    return this.#checks.fieldKind;
  }

  /** None: what is written behind the end of an array is lost. */
  reserve(): void {}

  read(scanner: FieldScanner, row: number): string | undefined {
    const problem = this.#checks.read(scanner, row);
    this.#checks.forget?.();
    return problem;
  }

  take(): void {}
}

/** Species as words: chemical symbols, other names, or atomic numbers. */
export class SpeciesBuilder implements ColumnBuilder {
  readonly width = 1;
  readonly #symbols: string[] = [];
  readonly #places = new Map<string, number>();
  readonly #placesOfShort = new Map<number, number>();
  #index: Uint16Array = new Uint16Array(0);
  #lastKey = -1;
  #lastPlace = 0;

  reserve(rows: number, memory: ArrayMemory): void {
    this.#index = enlarge(this.#index, rows, memory);
  }

  read(scanner: FieldScanner, row: number): string | undefined {
    if (!scanner.next()) return 'a species';
    const { bytes, from, to } = scanner;
    // Up to three bytes make a number that a map finds without making a string.
    let key = -1;
    if (to - from <= 3) {
      key = 0;
      for (let at = from; at < to; at++) key = (key << 8) | (bytes[at] as number);
      if (key === this.#lastKey) {
        this.#index[row] = this.#lastPlace;
        return undefined;
      }
    }
    let place = key < 0 ? undefined : this.#placesOfShort.get(key);
    if (place === undefined) {
      place = this.#placeOf(scanner.text());
      if (place >= MOST_SPECIES) return `at most ${MOST_SPECIES} different species`;
      if (key >= 0) this.#placesOfShort.set(key, place);
    }
    this.#lastKey = key;
    this.#lastPlace = place;
    this.#index[row] = place;
    return undefined;
  }

  get fieldKind(): FieldKind | undefined {
    // While one block of rows waits to be taken, the next one is read.
    return this.#symbols.length <= MOST_SPECIES - 2 * MOST_WORDS_READ ? 'word' : undefined;
  }

  take({ values, words }: ReadColumn, row: number): void {
    const places = words.map((word) => this.#placeOf(word));
    const index = this.#index;
    if (places.every((place, at) => place === at)) index.set(values, row);
    else for (let at = 0; at < values.length; at++) index[row + at] = places[values[at] as number] as number;
  }

  /** The species of all rows, and whether they were written as atomic numbers. */
  species(rows: number): { readonly species: Species; readonly numeric: boolean } {
    const numbers = this.#symbols.map((symbol) => (/^\d{1,3}$/.test(symbol) ? Number(symbol) : Number.NaN));
    const numeric = numbers.length > 0 && numbers.every((number) => number < CHEMICAL_SYMBOLS.length);
    const symbols = numeric ? numbers.map((number) => CHEMICAL_SYMBOLS[number] as string) : this.#symbols;
    return { species: mergeSpecies(symbols, fit(this.#index, rows)), numeric };
  }

  #placeOf(symbol: string): number {
    const place = this.#places.get(symbol);
    if (place !== undefined) return place;
    this.#places.set(symbol, this.#symbols.length);
    return this.#symbols.push(symbol) - 1;
  }
}

/** Species as a column of atomic numbers. */
export class AtomicNumberBuilder implements ColumnBuilder {
  readonly width = 1;
  #index: Uint16Array = new Uint16Array(0);

  reserve(rows: number, memory: ArrayMemory): void {
    this.#index = enlarge(this.#index, rows, memory);
  }

  read(scanner: FieldScanner, row: number): string | undefined {
    const number = scanner.integer();
    if (scanner.failed || number < 0 || number >= CHEMICAL_SYMBOLS.length) {
      return `an atomic number from 0 to ${CHEMICAL_SYMBOLS.length - 1}`;
    }
    this.#index[row] = number;
    return undefined;
  }

  get fieldKind(): FieldKind {
    return 'atomicNumber';
  }

  take({ values }: ReadColumn, row: number): void {
    this.#index.set(values, row);
  }

  species(rows: number): Species {
    const index = fit(this.#index, rows);
    const places = new Map<number, number>();
    for (let row = 0; row < rows; row++) {
      const number = index[row] as number;
      let place = places.get(number);
      if (place === undefined) {
        place = places.size;
        places.set(number, place);
      }
      index[row] = place;
    }
    return { symbols: [...places.keys()].map((number) => CHEMICAL_SYMBOLS[number] as string), index };
  }
}

/**
 * Makes room in all columns for one more row: at first for what fits 65,536 values, then for four times as many; all
 * that are declared once a sixteenth of them has been seen. So a false declaration costs little.
 *
 * @returns the rows for which there is room
 */
export function reserveRows(
  builders: readonly ColumnBuilder[],
  room: number,
  declared: number,
  memory: ArrayMemory = ordinaryMemory,
): number {
  const width = builders.reduce((sum, builder) => sum + builder.width, 1);
  const rows = Math.min(declared, 16 * room >= declared ? declared : Math.max(4 * room, Math.ceil(65536 / width)));
  for (const builder of builders) builder.reserve(rows, memory);
  return rows;
}

/** A species table without repeated symbols, such as `01` and `1` or two types of one element leave behind. */
export function mergeSpecies(symbols: readonly string[], index: Uint16Array): Species {
  const distinct = [...new Set(symbols)];
  if (distinct.length === symbols.length) return { symbols, index };
  const places = symbols.map((symbol) => distinct.indexOf(symbol));
  for (let row = 0; row < index.length; row++) index[row] = places[index[row] as number] as number;
  return { symbols: distinct, index };
}

type Values = Float64Array | BigInt64Array | Uint8Array | Uint16Array;

function enlarge<T extends Values>(values: T, length: number, memory: ArrayMemory): T {
  if (length <= values.length) return values;
  const larger = arrayIn(memory, values.constructor as ArrayKind<T>, length);
  larger.set(values as never);
  return larger;
}

function fit<T extends Values>(values: T, length: number): T {
  return values.length === length ? values : (values.slice(0, length) as T);
}
