import type { Structure } from '@surprisal/core';
import type { Warnings } from './warnings.ts';

/** What of a structure a format has a place for. */
export interface Held {
  /** The format, as sentences call it. */
  readonly format: string;
  readonly columns: ReadonlySet<string>;
  readonly info: ReadonlySet<string>;
}

/** Names, in one sentence, the columns and values of a structure that the format has no place for, each once. */
export function warnUnheld({ columns, info }: Structure, held: Held, warnings: Warnings): void {
  const unheld = (what: string, names: Iterable<string>, places: ReadonlySet<string>) =>
    [...names].filter((name) => !places.has(name) && warnings.isNew(`${what} ${name}`));
  const lostColumns = unheld('column', columns.keys(), held.columns);
  const lostValues = unheld('value', info.keys(), held.info);
  const count = lostColumns.length + lostValues.length;
  if (count === 0) return;
  const lost = [...namesOf('column', lostColumns), ...namesOf('value', lostValues)].join(' and ');
  const sentence = `${held.format} has no place for ${lost}; ${count === 1 ? 'it is' : 'they are'} left out`;
  warnings.warn(sentence, sentence);
}

/** `the values "energy", "virial"` */
function namesOf(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return [`the ${what}${names.length === 1 ? '' : 's'} ${names.map((name) => `"${name}"`).join(', ')}`];
}

/** Says that a format whose cells are periodic along every axis makes axes so that are not. */
export function warnBoundaries({ pbc }: Structure, format: string, warnings: Warnings): void {
  const axes = [...'abc'].filter((_, axis) => !pbc[axis]);
  if (axes.length === 0) return;
  warnings.warn('boundaries', `${format} has no place for boundaries: ${axes.join(', ')} will be read as periodic`);
}
