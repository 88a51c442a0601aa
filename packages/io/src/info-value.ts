import type { InfoValue } from '@surprisal/core';

/** How a value stands in a comment line: `5`, `"5"` or `'5'`, `{5}`, `[5]`. */
export type ValueStyle = 'bare' | 'quoted' | 'braces' | 'brackets';

/** Keys of which ASE and QUIP write nine numbers for a 3×3 matrix, column by column. */
const MATRIX_KEYS: ReadonlySet<string> = new Set(['virial', 'stress']);
/** Keys whose value is never taken for a number. */
const TEXT_KEYS: ReadonlySet<string> = new Set(['uid']);

const INTEGER = /^[+-]?\d+$/;
const REAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?$/;
const REAL_WORD = /^([+-]?)(nan|inf|infinity)$/i;
const LOGICALS: ReadonlyMap<string, number> = new Map([
  ['T', 1],
  ['True', 1],
  ['true', 1],
  ['TRUE', 1],
  ['F', 0],
  ['False', 0],
  ['false', 0],
  ['FALSE', 0],
]);
const BARE_TEXT = /^[^\s"'{}[\]=,\\]+$/;
/** Characters that a line cannot hold as they are. */
const UNWRITABLE = /[\p{Cc}\p{Surrogate}]/u;
const LARGEST_INT64 = 2n ** 63n - 1n;

/** The words between white space and commas. */
export function splitWords(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}

/**
 * The value that a text in a comment line means.
 *
 * Whole numbers, real numbers (with E or D exponents, nan, inf) and logicals, alone or several of one kind; `[…]` and
 * `_JSON […]` with any number of dimensions; anything else is a string. One number in quotes or braces is a scalar, one in
 * brackets an array. Nine numbers of `virial` and `stress` are a 3×3 matrix, column by column.
 *
 * @param text  without quotes and braces, with brackets
 */
export function interpretInfoValue(key: string, text: string, style: ValueStyle): InfoValue {
  if (style === 'brackets') return parseArray(text, false) ?? stringValue(text);
  if (text.startsWith('_JSON ')) return parseArray(text.slice(6), true) ?? stringValue(text);
  const words = TEXT_KEYS.has(key.toLowerCase()) ? [] : splitWords(text);
  const shape = words.length === 1 ? [] : [words.length];
  const value = words.length === 0 ? undefined : typedValues(words, shape);
  if (value !== undefined) return MATRIX_KEYS.has(key.toLowerCase()) ? asMatrix(value) : value;
  if (style === 'braces') {
    const inner = parseArray(`[${quoteAware(text).join(',')}]`, false);
    if (inner !== undefined && inner.values.length > 1) return inner;
  }
  return stringValue(text);
}

/**
 * The right side of `key=` from which {@link interpretInfoValue} reads the same value again, in a spelling that ASE reads
 * too: bare or quoted scalars and vectors, `_JSON` for strings that look like something else, for arrays of strings, and
 * for more than one dimension.
 */
export function formatInfoValue(key: string, value: InfoValue): string {
  const { kind, shape, values } = value;
  if (kind === 'string') return shape.length === 0 ? formatText(key, values[0] ?? '') : json(value);
  if (shape.length === 0) return formatScalar(value, 0);
  const isMatrix = shape.length === 2 && shape[0] === 3 && shape[1] === 3 && kind !== 'logical';
  if (isMatrix && MATRIX_KEYS.has(key.toLowerCase())) {
    return `"${[0, 3, 6, 1, 4, 7, 2, 5, 8].map((at) => formatScalar(value, at)).join(' ')}"`;
  }
  if (shape.length > 1) return json(value);
  const scalars = Array.from({ length: values.length }, (_, at) => formatScalar(value, at));
  const readAsOther = scalars.length < 2 || (scalars.length === 9 && MATRIX_KEYS.has(key.toLowerCase()));
  return readAsOther ? `[${scalars.join(', ')}]` : `"${scalars.join(' ')}"`;
}

/** A key as it stands in a comment line, quoted where it must be. */
export function formatKey(key: string): string {
  return BARE_TEXT.test(key) ? key : quote(key);
}

/** The shortest decimal text that is read as the same double; `nan`, `inf`, `-inf`; `-0` keeps its sign. */
export function formatReal(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
}

/** A string as a value of an info map. */
export function stringValue(text: string): InfoValue {
  return { kind: 'string', shape: [], values: [text] };
}

/** One or more real numbers as a value of an info map. */
export function realValue(numbers: readonly number[], shape: readonly number[]): InfoValue {
  return { kind: 'real', shape, values: Float64Array.from(numbers) };
}

/** A real number from its text, or NaN where it is none; `nan` is not told from none here. */
export function parseReal(text: string): number {
  if (REAL.test(text)) return Number(text.replace(/d/i, 'e'));
  const word = REAL_WORD.exec(text);
  if (word === null || (word[2] as string).toLowerCase() === 'nan') return Number.NaN;
  return word[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** 1, 0, or undefined where a text is no truth value. */
export function parseLogical(text: string): number | undefined {
  return LOGICALS.get(text);
}

function typedValues(words: readonly string[], shape: readonly number[]): InfoValue | undefined {
  if (words.every((word) => INTEGER.test(word))) return integerValues(words, shape);
  if (words.every((word) => REAL.test(word) || REAL_WORD.test(word))) return realValue(words.map(parseReal), shape);
  if (words.every((word) => LOGICALS.has(word))) {
    return { kind: 'logical', shape, values: Uint8Array.from(words, (word) => LOGICALS.get(word) as number) };
  }
  return undefined;
}

function integerValues(words: readonly string[], shape: readonly number[]): InfoValue {
  const numbers = words.map((word) => Number(word) + 0);
  if (numbers.every(Number.isSafeInteger)) return { kind: 'integer', shape, values: Float64Array.from(numbers) };
  const exact = words.map((word) => BigInt(word.replace(/^\+/, '')));
  if (exact.every((value) => value <= LARGEST_INT64 && value >= -LARGEST_INT64 - 1n)) {
    return { kind: 'integer', shape, values: BigInt64Array.from(exact) };
  }
  return realValue(numbers, shape);
}

/** Nine numbers as a 3×3 matrix; they stand column by column, as Fortran keeps them. */
function asMatrix(value: InfoValue): InfoValue {
  if (value.shape.length !== 1 || value.shape[0] !== 9 || value.kind === 'string' || value.kind === 'logical')
    return value;
  const values = value.values.slice();
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 3; column++) {
      values[3 * row + column] = value.values[3 * column + row] as never;
    }
  }
  return { kind: value.kind, shape: [3, 3], values } as InfoValue;
}

interface Leaf {
  readonly text: string;
  readonly quoted: boolean;
}

const JSON_NUMBER_WORDS: ReadonlyMap<string, string> = new Map([
  ['NaN', 'nan'],
  ['Infinity', 'inf'],
  ['-Infinity', '-inf'],
]);
const ARRAY_TOKEN = /\s*(?:([[\],])|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s,[\]"']+))\s*/y;
const DEEPEST_ARRAY = 16;

/**
 * A nested array of one kind, or in JSON also a scalar; undefined where the text is none, is ragged, or mixes kinds.
 */
function parseArray(text: string, isJson: boolean): InfoValue | undefined {
  const leaves: Leaf[] = [];
  const shape: number[] = [];
  const token = new RegExp(ARRAY_TOKEN);
  let at = 0;

  const next = (): RegExpExecArray | null => {
    token.lastIndex = at;
    const match = token.exec(text);
    if (match !== null) at = token.lastIndex;
    return match;
  };
  const peekBracket = (): boolean => {
    const before = at;
    const opens = next()?.[1] === '[';
    at = before;
    return opens;
  };
  // All leaves lie at one depth.
  let depthOfLeaves: number | undefined;
  const leafDepth = (depth: number): boolean => {
    depthOfLeaves ??= depth;
    return depthOfLeaves === depth;
  };
  // Reads an element at a depth; false where the text is no regular array.
  const element = (depth: number): boolean => {
    if (!peekBracket()) {
      const match = next();
      if (match === null || match[1] !== undefined) return false;
      const quotedText = match[2] ?? match[3];
      const text = quotedText === undefined ? (match[4] as string) : unescapeText(quotedText, isJson);
      leaves.push({ text, quoted: quotedText !== undefined });
      return leafDepth(depth);
    }
    if (depth >= DEEPEST_ARRAY) return false;
    next();
    let length = 0;
    const before = at;
    if (next()?.[1] !== ']') {
      at = before;
      for (;;) {
        if (!element(depth + 1)) return false;
        length++;
        const separator = next()?.[1];
        if (separator === ']') break;
        if (separator !== ',') return false;
      }
    }
    if (shape[depth] === undefined) shape[depth] = length;
    return shape[depth] === length;
  };
  if (!isJson && !peekBracket()) return undefined;
  if (!element(0) || at !== text.length) return undefined;
  const dimensions = Array.from(shape, (length) => length ?? 0);
  if (depthOfLeaves !== undefined && depthOfLeaves !== dimensions.length) return undefined;
  if (leaves.length === 0) return realValue([], dimensions);
  return leavesValue(leaves, dimensions, isJson);
}

function leavesValue(leaves: readonly Leaf[], shape: readonly number[], isJson: boolean): InfoValue | undefined {
  if (leaves.every((leaf) => !leaf.quoted)) {
    const words = leaves.map((leaf) => (isJson ? (JSON_NUMBER_WORDS.get(leaf.text) ?? leaf.text) : leaf.text));
    const value = typedValues(words, shape);
    if (value !== undefined) return value;
  }
  if (isJson && !leaves.every((leaf) => leaf.quoted)) return undefined;
  return { kind: 'string', shape, values: leaves.map((leaf) => leaf.text) };
}

function unescapeText(text: string, isJson: boolean): string {
  if (!isJson) return text.replace(/\\(.)/gs, (_, character: string) => (character === 'n' ? '\n' : character));
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return text;
  }
}

/** The words of a text in braces, where quotes hold words together. */
function quoteAware(text: string): string[] {
  return text.match(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,]+/g) ?? [];
}

function formatScalar(value: InfoValue, at: number): string {
  if (value.kind === 'integer') return String(value.values[at] as number | bigint);
  if (value.kind === 'logical') return value.values[at] === 0 ? 'F' : 'T';
  if (value.kind === 'string') return value.values[at] ?? '';
  const text = formatReal(value.values[at] as number);
  return INTEGER.test(text) ? `${text}.0` : text;
}

/** A string, quoted where it must be, as JSON where it would be read as something else or cannot stand in a line. */
function formatText(key: string, text: string): string {
  if (!UNWRITABLE.test(text)) {
    const same = interpretInfoValue(key, text, 'quoted');
    if (same.kind === 'string' && same.shape.length === 0 && same.values[0] === text) {
      return BARE_TEXT.test(text) ? text : quote(text);
    }
  }
  return json(stringValue(text));
}

function json(value: InfoValue): string {
  const { shape, values } = value;
  let at = 0;
  const leaf = (): string => {
    const place = at++;
    if (value.kind === 'string') return JSON.stringify(value.values[place]);
    if (value.kind === 'logical') return value.values[place] === 0 ? 'false' : 'true';
    const number = formatScalar(value, place);
    return number === 'nan' ? 'NaN' : number.replace('inf', 'Infinity');
  };
  const nested = (depth: number): string =>
    depth === shape.length
      ? leaf()
      : `[${Array.from({ length: shape[depth] as number }, () => nested(depth + 1)).join(', ')}]`;
  const text = nested(0);
  if (at !== values.length) throw new RangeError(`${values.length} values do not have the shape ${shape.join('×')}`);
  return quote(`_JSON ${text}`);
}

function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}
