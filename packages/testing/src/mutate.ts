import type { RandomStream } from './random-stream.ts';

/** Words that number parsers stumble over. */
const NUMBERS: readonly string[] = [
  '0',
  '-0',
  '-1',
  '1',
  '+1',
  '1.5',
  '1e999',
  '-1e999',
  '1e-999',
  '1D3',
  '.5',
  '5.',
  '1e',
  '--1',
  '0x10',
  '1_000',
  '1,5',
  'nan',
  'NaN',
  'inf',
  '-Infinity',
  '2147483648',
  '4294967296',
  '9007199254740993',
  '18446744073709551616',
  '1000000000000',
  '99999999999999999999999999',
];
/** Pieces of syntax of one format or another. */
const PIECES: readonly string[] = [
  '',
  ' ',
  '\t',
  '\n',
  '\n\n',
  '\r',
  '\r\n',
  '\0',
  '"',
  "'",
  '\\',
  '{',
  '}',
  '[',
  ']',
  '(',
  ')',
  '=',
  ':',
  ',',
  ';',
  '\n;',
  '#',
  '@',
  '*',
  '?',
  '.',
  '_',
  '-',
  '+',
  '/',
  'T',
  'F',
  'X',
  '\ufeff',
  'é',
  '\u2028',
];
const MOST_BYTES = 1 << 16;
const SPACE = 32;

type Mutation = (bytes: Uint8Array, random: RandomStream, others: readonly Uint8Array[]) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  // A bit.
  (bytes, random) => changed(bytes, random, (byte) => byte ^ (1 << random.whole(0, 7))),
  // A byte, of any value or as text has it.
  (bytes, random) => changed(bytes, random, () => (random.chance(0.5) ? random.whole(0, 255) : random.whole(32, 126))),
  // A digit.
  (bytes, random) => replaced(bytes, random, isDigit, () => String(random.whole(0, 9))),
  // A number.
  (bytes, random) => replaced(bytes, random, isOfNumber, () => random.pick(NUMBERS)),
  // A word.
  (bytes, random) =>
    replaced(
      bytes,
      random,
      (byte) => byte > SPACE,
      () => random.pick(NUMBERS),
    ),
  // Bytes more.
  (bytes, random) => insert(bytes, random.whole(0, bytes.length), encode(random.pick(PIECES))),
  (bytes, random) => insert(bytes, random.whole(0, bytes.length), encode(random.pick(NUMBERS))),
  (bytes, random) =>
    insert(
      bytes,
      random.whole(0, bytes.length),
      Uint8Array.from({ length: random.whole(1, 16) }, () => random.whole(0, 255)),
    ),
  // The end, the beginning or the middle is lost.
  (bytes, random) => bytes.slice(0, random.whole(0, bytes.length)),
  (bytes, random) => bytes.slice(random.whole(0, bytes.length)),
  (bytes, random) => {
    const from = random.whole(0, bytes.length);
    return splice(bytes, from, Math.min(bytes.length, from + random.whole(1, 32)), new Uint8Array(0));
  },
  // A line is lost, repeated, or changes places.
  (bytes, random) => lines(bytes, random, (all, at) => all.splice(at, 1)),
  (bytes, random) => lines(bytes, random, (all, at) => all.splice(at, 0, all[at] as Uint8Array)),
  (bytes, random) =>
    lines(bytes, random, (all, at) => {
      const other = random.whole(0, all.length - 1);
      [all[at], all[other]] = [all[other] as Uint8Array, all[at] as Uint8Array];
    }),
  // A word is lost, repeated, or changes places.
  (bytes, random) => fields(bytes, random, (all, at) => all.splice(at, 1)),
  (bytes, random) => fields(bytes, random, (all, at) => all.splice(at, 0, all[at] as string)),
  (bytes, random) =>
    fields(bytes, random, (all, at) => {
      const other = random.whole(0, all.length - 1);
      [all[at], all[other]] = [all[other] as string, all[at] as string];
    }),
  // A part is there many times.
  (bytes, random) => {
    const from = random.whole(0, bytes.length);
    const part = bytes.slice(from, from + random.whole(1, 64));
    const many = new Uint8Array(part.length * random.whole(2, 40));
    for (let at = 0; at < many.length; at += part.length) many.set(part, at);
    return insert(bytes, from, many);
  },
  // The beginning of one file and the end of another.
  (bytes, random, others) => {
    const other = random.pick(others.length > 0 ? others : [bytes]);
    const head = bytes.slice(0, random.whole(0, bytes.length));
    return insert(head, head.length, other.slice(random.whole(0, other.length)));
  },
  // The other line ends.
  (bytes) => encode(decode(bytes).replaceAll('\n', '\r\n')),
  (bytes) => encode(decode(bytes).replaceAll('\n', '\r')),
];

/**
 * A file that is broken somewhere, or at a few places: bits and bytes that are others, more or fewer; numbers that are huge,
 * not finite or none; lines and words that are lost, repeated or exchanged; parts of other files.
 *
 * @param bytes  a file, not changed
 * @param others  more files, of which parts may get in
 * @returns at most 64 KiB
 *
 * @example
 * const broken = mutate(new TextEncoder().encode('1\n\nH 0 0 0\n'), randomStream(7));
 */
export function mutate(bytes: Uint8Array, random: RandomStream, others: readonly Uint8Array[] = []): Uint8Array {
  let mutated = bytes;
  do {
    mutated = random.pick(MUTATIONS)(mutated, random, others).subarray(0, MOST_BYTES);
  } while (random.chance(0.4));
  return mutated;
}

function changed(bytes: Uint8Array, random: RandomStream, change: (byte: number) => number): Uint8Array {
  if (bytes.length === 0) return bytes;
  const copy = bytes.slice();
  const at = random.whole(0, bytes.length - 1);
  copy[at] = change(copy[at] as number);
  return copy;
}

/** A run of bytes of a kind, the one at a random place or the next behind it, becomes something else. */
function replaced(
  bytes: Uint8Array,
  random: RandomStream,
  isPart: (byte: number) => boolean,
  text: () => string,
): Uint8Array {
  let from = random.whole(0, bytes.length);
  while (from < bytes.length && !isPart(bytes[from] as number)) from++;
  while (from > 0 && isPart(bytes[from - 1] as number)) from--;
  let to = from;
  while (to < bytes.length && isPart(bytes[to] as number)) to++;
  return splice(bytes, from, to, encode(text()));
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

function isOfNumber(byte: number): boolean {
  return isDigit(byte) || byte === 43 || byte === 45 || byte === 46 || byte === 101 || byte === 69;
}

function lines(bytes: Uint8Array, random: RandomStream, change: (lines: Uint8Array[], at: number) => void): Uint8Array {
  const all: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    const feed = bytes.indexOf(10, start);
    const end = feed < 0 ? bytes.length : feed + 1;
    all.push(bytes.subarray(start, end));
    start = end;
  }
  if (all.length === 0) return bytes;
  change(all, random.whole(0, all.length - 1));
  const joined = new Uint8Array(all.reduce((sum, line) => sum + line.length, 0));
  let at = 0;
  for (const line of all) {
    joined.set(line, at);
    at += line.length;
  }
  return joined;
}

/** Words of one line, with single spaces between them. */
function fields(bytes: Uint8Array, random: RandomStream, change: (words: string[], at: number) => void): Uint8Array {
  return lines(bytes, random, (all, at) => {
    const words = decode(all[at] as Uint8Array)
      .trim()
      .split(/\s+/);
    change(words, random.whole(0, words.length - 1));
    all[at] = encode(`${words.join(' ')}\n`);
  });
}

function insert(bytes: Uint8Array, at: number, more: Uint8Array): Uint8Array {
  return splice(bytes, at, at, more);
}

function splice(bytes: Uint8Array, from: number, to: number, by: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length - (to - from) + by.length);
  result.set(bytes.subarray(0, from));
  result.set(by, from);
  result.set(bytes.subarray(to), from + by.length);
  return result;
}

/** Each byte as one character, so that nothing is lost. */
function decode(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Characters that {@link decode} makes as their bytes, others as UTF-8. */
function encode(text: string): Uint8Array {
  if (/^[\0-\xff]*$/.test(text)) return Uint8Array.from(text, (character) => character.charCodeAt(0));
  return new TextEncoder().encode(text);
}
