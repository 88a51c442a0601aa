import { decodeText } from './decode-text.ts';

const MINUS = 45;
const PLUS = 43;
const POINT = 46;
const ZERO = 48;
const NINE = 57;
const SPACE = 32;
const LOWER = 32;

/** Powers of ten that a double holds exactly. */
const POWERS = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/** Decimal digits whose value a double always holds exactly. */
const EXACT_DIGITS = 15;

/** 2^27 + 1: splits a double into two halves whose products are exact (Veltkamp). */
const SPLITTER = 134217729;

/** What {@link FieldScanner.logical} returns where the field is neither true nor false. */
export const NOT_LOGICAL = 2;

/**
 * Reads the fields of a line, separated by white space, straight from its bytes.
 *
 * Numbers come out as the nearest double, the same bits that `Number(text)` gives, without text for the usual case:
 * a mantissa of up to 15 digits is an exact double and takes one correctly rounded operation with an exact power of ten;
 * up to 30 digits are computed to twice the precision, with a check that the rounding is beyond doubt; the rest goes
 * through `Number`.
 */
export class FieldScanner {
  bytes: Uint8Array = new Uint8Array(0);
  /** Where the next field is looked for. */
  at = 0;
  end = 0;
  /** The field that was read last: `bytes[from, to)`. */
  from = 0;
  to = 0;
  /** Whether the field that was read last was no number of the kind that was asked for. */
  failed = false;
  /** Whether the last field, which {@link real} read, was written as a whole number: digits alone. */
  whole = false;

  reset(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  /** Moves to the next field; false where there is none. */
  next(): boolean {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end && (bytes[at] as number) <= SPACE) at++;
    this.from = at;
    while (at < end && (bytes[at] as number) > SPACE) at++;
    this.to = at;
    this.at = at;
    return this.from < at;
  }

  /** Fields that are left, without reading them. */
  count(): number {
    const { at } = this;
    let fields = 0;
    while (this.next()) fields++;
    this.at = at;
    return fields;
  }

  /** The last field as text. */
  text(): string {
    return decodeText(this.bytes, this.from, this.to);
  }

  /** Reads the next field, a real number; sets {@link failed} where it is none or there is no field. */
  real(): number {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end && (bytes[at] as number) <= SPACE) at++;
    this.from = at;
    let byte = at < end ? (bytes[at] as number) : 0;
    const negative = byte === MINUS;
    if (negative || byte === PLUS) byte = ++at < end ? (bytes[at] as number) : 0;

    let mantissa = 0;
    let behindPoint = 0;
    const digitsFrom = at;
    while (byte >= ZERO && byte <= NINE) {
      mantissa = 10 * mantissa + (byte - ZERO);
      byte = ++at < end ? (bytes[at] as number) : 0;
    }
    let digits = at - digitsFrom;
    if (byte === POINT) {
      const pointAt = at;
      byte = ++at < end ? (bytes[at] as number) : 0;
      while (byte >= ZERO && byte <= NINE) {
        mantissa = 10 * mantissa + (byte - ZERO);
        byte = ++at < end ? (bytes[at] as number) : 0;
      }
      behindPoint = at - pointAt - 1;
      digits += behindPoint;
    }
    const digitsTo = at;
    if (digits === 0) return this.#word(digitsFrom, negative);

    let exponent = 0;
    const letter = byte | LOWER;
    // e, and the d of Fortran's double precision.
    if (letter === 101 || letter === 100) {
      byte = ++at < end ? (bytes[at] as number) : 0;
      const exponentNegative = byte === MINUS;
      if (exponentNegative || byte === PLUS) byte = ++at < end ? (bytes[at] as number) : 0;
      const exponentFrom = at;
      while (byte >= ZERO && byte <= NINE) {
        if (exponent < 100_000) exponent = 10 * exponent + (byte - ZERO);
        byte = ++at < end ? (bytes[at] as number) : 0;
      }
      if (at === exponentFrom) return this.#refuse(at);
      if (exponentNegative) exponent = -exponent;
    }
    if (at < end && byte > SPACE) return this.#refuse(at);
    this.to = at;
    this.at = at;
    this.failed = false;

    this.whole = at === digitsFrom + digits;

    const power = exponent - behindPoint;
    let value: number;
    if (digits <= EXACT_DIGITS && power >= -22 && power <= 22) {
      value = power < 0 ? mantissa / (POWERS[-power] as number) : mantissa * (POWERS[power] as number);
    } else {
      value = this.#longReal(digitsFrom, digitsTo, power);
    }
    return negative ? -value : value;
  }

  /**
   * Reads the next field, a whole number in decimal digits; sets {@link failed} where it is none. Beyond 2^53 the value
   * is rounded: see {@link bigInteger}.
   */
  integer(): number {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end && (bytes[at] as number) <= SPACE) at++;
    this.from = at;
    let byte = at < end ? (bytes[at] as number) : 0;
    const negative = byte === MINUS;
    if (negative || byte === PLUS) byte = ++at < end ? (bytes[at] as number) : 0;
    const digitsFrom = at;
    let value = 0;
    while (byte >= ZERO && byte <= NINE) {
      value = 10 * value + (byte - ZERO);
      byte = ++at < end ? (bytes[at] as number) : 0;
    }
    if (at === digitsFrom || (at < end && byte > SPACE)) return this.#refuse(at);
    this.to = at;
    this.at = at;
    this.failed = false;
    return negative && value !== 0 ? -value : value;
  }

  /** The last field, which {@link integer} read, in full. */
  bigInteger(): bigint {
    return BigInt(this.text().replace(/^\+/, ''));
  }

  /** Reads the next field, a truth value: 1 for T, true; 0 for F, false, in any case; else {@link NOT_LOGICAL}. */
  logical(): number {
    if (!this.next()) return NOT_LOGICAL;
    const { bytes, from, to } = this;
    const initial = (bytes[from] as number) | LOWER;
    if (to - from === 1) return initial === 116 ? 1 : initial === 102 ? 0 : NOT_LOGICAL;
    const word = to - from <= 5 ? this.text().toLowerCase() : '';
    return word === 'true' ? 1 : word === 'false' ? 0 : NOT_LOGICAL;
  }

  /**
   * The value of the last field, without its sign, where its digits do not fit a double or its exponent is large.
   *
   * @param from  the first digit
   * @param to  the end of the digits
   * @param power  of ten, of the digits taken as a whole number
   */
  #longReal(from: number, to: number, power: number): number {
    const { bytes } = this;
    // Of the digits that count, the first 15 make `mantissa`, up to 15 more `rest`.
    let mantissa = 0;
    let rest = 0;
    let significant = 0;
    for (let at = from; at < to; at++) {
      const digit = (bytes[at] as number) - ZERO;
      if (digit === POINT - ZERO) continue;
      if (significant < EXACT_DIGITS) mantissa = 10 * mantissa + digit;
      else rest = 10 * rest + digit;
      if (mantissa !== 0) significant++;
    }
    if (mantissa === 0) return 0;
    if (power >= -22 && power <= 22 && significant <= 2 * EXACT_DIGITS) {
      const value =
        significant > EXACT_DIGITS
          ? scaleLong(mantissa, rest, significant - EXACT_DIGITS, power)
          : power < 0
            ? mantissa / (POWERS[-power] as number)
            : mantissa * (POWERS[power] as number);
      if (!Number.isNaN(value)) return value;
    }
    return Math.abs(Number(decodeText(bytes, this.from, this.to).replace(/d/i, 'e')));
  }

  /** Numbers that are words: nan, inf, infinity, in any case. */
  #word(from: number, negative: boolean): number {
    this.at = from;
    const start = this.from;
    this.next();
    const sharesField = this.from === from;
    this.from = start;
    this.whole = false;
    const word = sharesField && this.to - from <= 8 ? decodeText(this.bytes, from, this.to).toLowerCase() : '';
    this.failed = false;
    if (word === 'nan') return Number.NaN;
    if (word === 'inf' || word === 'infinity') return negative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    this.failed = true;
    return Number.NaN;
  }

  #refuse(at: number): number {
    let to = at;
    while (to < this.end && (this.bytes[to] as number) > SPACE) to++;
    this.to = to;
    this.at = to;
    this.failed = true;
    return Number.NaN;
  }
}

/**
 * (mantissa·10^restDigits + rest)·10^power, correctly rounded, or NaN where twice the precision cannot tell to which side
 * to round.
 *
 * @param mantissa  15 digits
 * @param rest  1 to 15 digits
 * @param power  −22 to 22
 */
function scaleLong(mantissa: number, rest: number, restDigits: number, power: number): number {
  // high + low is the mantissa in full: a product of two doubles and a small number are exact as a pair.
  const shift = POWERS[restDigits] as number;
  const product = mantissa * shift;
  const error = productError(mantissa, shift, product);
  const high = product + rest;
  const low = rest - (high - product) + error;
  const scale = POWERS[power < 0 ? -power : power] as number;
  let quotient: number;
  let correction: number;
  if (power < 0) {
    quotient = high / scale;
    const back = quotient * scale;
    correction = (high - back - productError(quotient, scale, back) + low) / scale;
  } else {
    quotient = high * scale;
    correction = productError(high, scale, quotient) + low * scale;
  }
  const value = quotient + correction;
  const residue = correction - (value - quotient);
  // The pair is off by less than 2^-90 of the value. Where a residue that is larger by 2^-30 of itself, and by 2^-80 of
  // the value, does not move the result, the true value lies on the same side of the midpoint between two doubles.
  const margin = Math.abs(residue) * 2 ** -30 + value * 2 ** -80;
  return value + (residue + margin) === value && value + (residue - margin) === value ? value : Number.NaN;
}

/** a·b − product, exactly (Dekker). */
function productError(a: number, b: number, product: number): number {
  const aScaled = SPLITTER * a;
  const aHigh = aScaled - (aScaled - a);
  const aLow = a - aHigh;
  const bScaled = SPLITTER * b;
  const bHigh = bScaled - (bScaled - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}
