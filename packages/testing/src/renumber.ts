import { atomCount, createStructure, type Structure } from '@surprisal/core';
import type { RandomStream } from './random-stream.ts';

/** A random permutation of 0 … length − 1 (Fisher and Yates). */
export function randomOrder(random: RandomStream, length: number): Uint32Array {
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = random.whole(0, i);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}

/**
 * The same atoms in another order: atom i of the result is atom `order[i]` of the structure. Per-atom columns and values
 * of the frame are left out.
 */
export function renumber(structure: Structure, order: Uint32Array): Structure {
  const { positions, species, cell, pbc } = structure;
  const atoms = atomCount(structure);
  const moved = new Float64Array(3 * atoms);
  const index = new Uint16Array(atoms);
  for (let i = 0; i < atoms; i++) {
    const from = order[i] as number;
    moved.set(positions.subarray(3 * from, 3 * from + 3), 3 * i);
    index[i] = species.index[from] as number;
  }
  return createStructure({ positions: moved, species: { symbols: species.symbols, index }, cell, pbc });
}
