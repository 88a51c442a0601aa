import type { Structure } from '@surprisal/core';
import type { Warnings } from './warnings.ts';

/** What of a structure a format has a place for. */
export interface Held {
  /** The format, as sentences call it. */
  readonly format: string;
  readonly columns: ReadonlySet<string>;
  readonly info: ReadonlySet<string>;
}

/** Says of each column and each value by name that the format has no place for it. */
export function warnUnheld({ columns, info }: Structure, held: Held, warnings: Warnings): void {
  for (const name of columns.keys()) {
    if (!held.columns.has(name)) {
      warnings.warn(`column ${name}`, `${held.format} has no place for the column "${name}"; it is left out`);
    }
  }
  for (const name of info.keys()) {
    if (!held.info.has(name)) {
      warnings.warn(`value ${name}`, `${held.format} has no place for the value "${name}"; it is left out`);
    }
  }
}

/** Says that a format whose cells are periodic along every axis makes axes so that are not. */
export function warnBoundaries({ pbc }: Structure, format: string, warnings: Warnings): void {
  const axes = [...'abc'].filter((_, axis) => !pbc[axis]);
  if (axes.length === 0) return;
  warnings.warn('boundaries', `${format} has no place for boundaries: ${axes.join(', ')} will be read as periodic`);
}
