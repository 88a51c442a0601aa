import { atomCount, createStructure, type Structure } from '@surprisal/core';
import type { RandomStream } from './random-stream.ts';

/**
 * The same atoms with a species drawn for each. Per-atom columns and values of the frame are left out.
 *
 * @param symbols  what to draw from
 */
export function randomSpecies(structure: Structure, random: RandomStream, symbols: readonly string[]): Structure {
  const { positions, cell, pbc } = structure;
  const species = Array.from({ length: atomCount(structure) }, () => random.pick(symbols));
  return createStructure({ positions, species, cell, pbc });
}

/**
 * The same atoms of the same species, whose table is in reverse and holds a symbol that no atom has. Per-atom columns and
 * values of the frame are left out.
 */
export function rewriteSpeciesTable(structure: Structure): Structure {
  const { positions, species, cell, pbc } = structure;
  const unused = species.symbols.includes('Og') ? 'X' : 'Og';
  const symbols = [unused, ...species.symbols.toReversed()];
  const index = species.index.map((place) => symbols.length - 1 - place);
  return createStructure({ positions, species: { symbols, index }, cell, pbc });
}
