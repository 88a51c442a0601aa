import type { InfoValue, Pbc } from '@surprisal/core';
import { interpretInfoValue, parseLogical, parseReal, realValue, splitWords, stringValue } from './info-value.ts';

/** A group of per-atom columns that `Properties` declares. */
export interface DeclaredColumn {
  readonly name: string;
  /** String, real, integer, logical. */
  readonly kind: 'S' | 'R' | 'I' | 'L';
  readonly width: number;
}

/** What the second line of a frame says. */
export interface ExtxyzComment {
  /** (3×3), rows are the cell vectors; null without `Lattice`, or where it is all zeros. */
  readonly cell: Float64Array | null;
  readonly pbc: Pbc;
  /** Undefined without `Properties`: plain XYZ. */
  readonly columns: readonly DeclaredColumn[] | undefined;
  readonly info: ReadonlyMap<string, InfoValue>;
  /** Keys that are given more than once; the last value counts. */
  readonly repeated: readonly string[];
}

/** A comment line that contradicts itself or the format. */
export class CommentError extends Error {
  /** The offending text. */
  readonly text: string;

  constructor(problem: string, text: string) {
    super(problem);
    this.text = text;
  }
}

const MOST_COLUMNS = 1_000_000;

/**
 * Reads the comment line of a frame.
 *
 * `Lattice`, `Properties`, `pbc` and `Origin` are known in any case of letters; every other key becomes a value of the
 * frame. A line without `=`, and one without `Lattice` and `Properties` that is no list of keys and values, is the comment
 * of a plain XYZ file and becomes the value `comment`.
 *
 * @throws {CommentError} if a quote does not close, or a known key holds something else than it must
 */
export function parseExtxyzComment(line: string): ExtxyzComment {
  const text = line.trim();
  const plain = (): ExtxyzComment => ({
    cell: null,
    pbc: [false, false, false],
    columns: undefined,
    info: text === '' ? new Map() : new Map([['comment', stringValue(text)]]),
    repeated: [],
  });
  if (!text.includes('=')) return plain();
  try {
    return readEntries(text);
  } catch (error) {
    if (error instanceof CommentError && !/(^|\s)(properties|lattice)\s*=/i.test(text)) return plain();
    throw error;
  }
}

function readEntries(text: string): ExtxyzComment {
  let cell: Float64Array | null = null;
  let pbc: Pbc | undefined;
  let columns: readonly DeclaredColumn[] | undefined;
  const info = new Map<string, InfoValue>();
  const seen = new Set<string>();
  const repeated: string[] = [];
  for (const entry of splitEntries(text)) {
    const known = entry.key.toLowerCase();
    const name = known === 'lattice' || known === 'properties' || known === 'pbc' ? known : entry.key;
    if (seen.has(name)) repeated.push(entry.key);
    seen.add(name);
    if (known === 'lattice') cell = parseLattice(entry.text);
    else if (known === 'properties') columns = parseProperties(entry.text);
    else if (known === 'pbc') pbc = parsePbc(entry.text);
    else if (known === 'origin') info.set('Origin', parseOrigin(entry.text));
    else info.set(entry.key, interpretInfoValue(entry.key, entry.text, entry.style));
  }
  pbc ??= cell === null ? [false, false, false] : [true, true, true];
  return { cell, pbc, columns, info, repeated };
}

interface Entry {
  readonly key: string;
  readonly text: string;
  readonly style: 'bare' | 'quoted' | 'braces' | 'brackets';
}

function splitEntries(line: string): Entry[] {
  const entries: Entry[] = [];
  let at = 0;
  const isSpace = (character: string | undefined) => character !== undefined && /\s/.test(character);
  const skipSpace = () => {
    while (isSpace(line[at])) at++;
  };
  const quoted = (): string => {
    const from = at;
    const mark = line[at++];
    let text = '';
    for (; at < line.length; at++) {
      const character = line[at] as string;
      if (character === mark) {
        at++;
        return text;
      }
      if (character === '\\' && at + 1 < line.length) {
        const escaped = line[++at] as string;
        text += escaped === 'n' ? '\n' : escaped;
      } else {
        text += character;
      }
    }
    throw new CommentError(`the quote ${mark} does not close`, line.slice(from));
  };
  const bracketed = (open: string, close: string): string => {
    const from = at;
    let depth = 0;
    for (; at < line.length; at++) {
      const character = line[at];
      if (character === '"' || character === "'") {
        quoted();
        at--;
      } else if (character === open) {
        depth++;
      } else if (character === close && --depth === 0) {
        at++;
        return line.slice(from, at);
      }
    }
    throw new CommentError(`the bracket ${open} does not close`, line.slice(from));
  };
  const word = (ends: (character: string) => boolean): string => {
    const from = at;
    while (at < line.length && !ends(line[at] as string)) at++;
    return line.slice(from, at);
  };

  for (skipSpace(); at < line.length; skipSpace()) {
    const from = at;
    const isQuotedKey = line[at] === '"' || line[at] === "'";
    const key = isQuotedKey ? quoted() : word((character) => character === '=' || isSpace(character));
    if (key === '') throw new CommentError('a value without a key', line.slice(from));
    skipSpace();
    if (line[at] !== '=') {
      entries.push({ key, text: 'T', style: 'bare' });
      continue;
    }
    at++;
    skipSpace();
    const opening = line[at];
    if (opening === '"' || opening === "'") entries.push({ key, text: quoted(), style: 'quoted' });
    else if (opening === '{') entries.push({ key, text: bracketed('{', '}').slice(1, -1), style: 'braces' });
    else if (opening === '[') entries.push({ key, text: bracketed('[', ']'), style: 'brackets' });
    else entries.push({ key, text: word((character) => isSpace(character)), style: 'bare' });
    while (line[at] === ',') at++;
    if (at < line.length && !isSpace(line[at])) {
      throw new CommentError(`white space is missing behind the value of ${key}`, line.slice(from, at + 10));
    }
  }
  return entries;
}

/** The numbers of a value in any array spelling: quotes, braces, brackets, nested brackets row by row. */
function numbers(text: string): number[] {
  return splitWords(text.replace(/[[\]]/g, ' ')).map(parseReal);
}

function parseLattice(text: string): Float64Array | null {
  const values = numbers(text);
  if (values.length !== 9) {
    throw new CommentError(`Lattice holds ${values.length} numbers; nine are needed, three for each cell vector`, text);
  }
  if (!values.every(Number.isFinite)) throw new CommentError('Lattice must hold nine finite numbers', text);
  return values.every((value) => value === 0) ? null : Float64Array.from(values);
}

function parsePbc(text: string): Pbc {
  const words = splitWords(text.replace(/[[\]]/g, ' '));
  const flags = words.map((word) => (word === '1' ? 1 : word === '0' ? 0 : parseLogical(word)));
  const [a, b, c] = flags.length === 1 ? [flags[0], flags[0], flags[0]] : flags;
  if (a === undefined || b === undefined || c === undefined || flags.length > 3) {
    throw new CommentError('pbc must hold three of T and F, one for each cell vector', text);
  }
  return [a === 1, b === 1, c === 1];
}

function parseOrigin(text: string): InfoValue {
  const values = numbers(text);
  if (values.length !== 3 || !values.every(Number.isFinite)) {
    throw new CommentError('Origin must hold three finite numbers', text);
  }
  return realValue(values, [3]);
}

function parseProperties(text: string): DeclaredColumn[] {
  const parts = text.split(':');
  if (parts.length % 3 !== 0) {
    throw new CommentError('Properties must be triplets name:kind:width joined by colons', text);
  }
  const columns: DeclaredColumn[] = [];
  const names = new Set<string>();
  let total = 0;
  for (let at = 0; at < parts.length; at += 3) {
    const [name, kind, widthText] = parts.slice(at, at + 3) as [string, string, string];
    const width = Number(widthText);
    if (name === '' || names.has(name)) {
      throw new CommentError(name === '' ? 'Properties names a column ""' : `Properties names "${name}" twice`, text);
    }
    if (!/^[SRIL]$/.test(kind)) {
      throw new CommentError(`column "${name}" has the kind "${kind}"; it must be S, R, I or L`, text);
    }
    if (!/^\d+$/.test(widthText) || width < 1 || width > MOST_COLUMNS) {
      throw new CommentError(
        `column "${name}" has the width "${widthText}"; it must be from 1 to ${MOST_COLUMNS}`,
        text,
      );
    }
    names.add(name);
    total += width;
    columns.push({ name, kind: kind as DeclaredColumn['kind'], width });
  }
  if (total > MOST_COLUMNS) throw new CommentError(`Properties declares more than ${MOST_COLUMNS} fields`, text);
  return columns;
}
