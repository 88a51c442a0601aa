import type { Structure } from '@surprisal/core';

/**
 * The chemical species that atoms of some structures have, sorted by symbol, each once.
 *
 * A symbol that stands in the table of a structure but belongs to none of its atoms is left out. Symbols are compared by
 * code units, so the order is the same in every locale.
 *
 * @example
 * const species = speciesOf([water, copper]); // [ 'Cu', 'H', 'O' ]
 */
export function speciesOf(structures: Iterable<Structure>): string[] {
  const symbols = new Set<string>();
  for (const structure of structures) {
    for (const place of new Set(structure.species.index)) symbols.add(structure.species.symbols[place] as string);
  }
  return [...symbols].sort();
}
