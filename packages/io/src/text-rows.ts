import { loadAddon, type NativeAddon, type NativeTextField } from '@surprisal/native';
import { formatReal } from './info-value.ts';

/** Characters of text that are handed out at a time. */
const CHUNK = 64 * 1024;
/** Rows of one call of native code: about as much text. */
const ROWS_AT_ONCE = 1024;
/** Words that every call may bring along. */
const MOST_WORDS = 256;

/**
 * A group of columns: numbers, each written as the shortest that reads as the same double; words, by their place in a list; or
 * whatever a function says of an atom.
 */
export type TextField = NativeTextField | ((atom: number) => string);

/**
 * A head, and a line for each atom, in pieces of text. Native code writes rows in which nothing but lists is asked, where there is
 * any: the same text, several times as fast.
 */
export function* textRows(
  head: string,
  atoms: number,
  fields: readonly TextField[],
  addon: NativeAddon | null = loadAddon().addon,
): Generator<string, void> {
  if (addon !== null && fields.every(isList)) {
    yield head;
    for (let from = 0; from < atoms; from += ROWS_AT_ONCE) {
      yield addon.writeRows(fields, from, Math.min(atoms, from + ROWS_AT_ONCE));
    }
    return;
  }
  const formatters = fields.map(formatterOf);
  let text = head;
  for (let atom = 0; atom < atoms; atom++) {
    for (let at = 0; at < formatters.length; at++) {
      if (at > 0) text += ' ';
      text += (formatters[at] as (atom: number) => string)(atom);
    }
    text += '\n';
    if (text.length >= CHUNK) {
      yield text;
      text = '';
    }
  }
  if (text !== '') yield text;
}

/** Numbers from `from` up to `to`, with blanks between them, each the shortest that reads as the same double. */
export function realFields(values: ArrayLike<number>, from: number, to: number): string {
  let text = formatReal(values[from] as number);
  for (let at = from + 1; at < to; at++) text += ` ${formatReal(values[at] as number)}`;
  return text;
}

function isList(field: TextField): field is NativeTextField {
  return typeof field !== 'function' && !('words' in field && field.words.length > MOST_WORDS);
}

function formatterOf(field: TextField): (atom: number) => string {
  if (typeof field === 'function') return field;
  if ('words' in field) return (atom) => field.words[field.index[atom] as number] as string;
  const { values, width, withPoint } = field;
  if (withPoint) return fieldsOf(width, (at) => pointed(formatReal(values[at] as number)));
  return (atom) => realFields(values, atom * width, (atom + 1) * width);
}

function pointed(text: string): string {
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** Fields of an atom, each of its place among `width` of every atom. */
export function fieldsOf(width: number, field: (at: number) => string): (atom: number) => string {
  return (atom) => {
    const from = atom * width;
    let text = field(from);
    for (let at = from + 1; at < from + width; at++) text += ` ${field(at)}`;
    return text;
  };
}

/** Of whole numbers, of which −0 is 0. */
export function wholeField(values: Float64Array | BigInt64Array, width: number): TextField {
  const isPlain = values instanceof Float64Array && !values.some((value) => Object.is(value, -0));
  return isPlain ? { values, width } : fieldsOf(width, (at) => String(values[at]));
}
