import { createStructure, type Structure } from '@surprisal/core';
import { gaussians } from './gaussians.ts';

/** What a crystal is made of. */
export interface CrystalInit {
  readonly species: string;
  /** Edge of the cubic cell, Å. */
  readonly edge: number;
  /** Places in it, in fractions of the edge, three for each atom. */
  readonly basis: readonly number[];
  /** Cubic cells along each axis. */
  readonly cells: number;
  /** Root mean square displacement of the atoms, per axis, Å. */
  readonly displacement: number;
  readonly seed: number;
}

/** Cubic cells repeated along three axes, and every atom displaced by normal numbers. */
export function rattledCrystal({ species, edge, basis, cells, displacement, seed }: CrystalInit): Structure {
  const normal = gaussians(seed);
  const positions = new Float64Array(basis.length * cells ** 3);
  let at = 0;
  for (let x = 0; x < cells; x++) {
    for (let y = 0; y < cells; y++) {
      for (let z = 0; z < cells; z++) {
        for (let i = 0; i < basis.length; i += 3) {
          positions[at++] = (x + (basis[i] as number)) * edge + displacement * normal();
          positions[at++] = (y + (basis[i + 1] as number)) * edge + displacement * normal();
          positions[at++] = (z + (basis[i + 2] as number)) * edge + displacement * normal();
        }
      }
    }
  }
  const length = cells * edge;
  return createStructure({ positions, species, cell: Float64Array.of(length, 0, 0, 0, length, 0, 0, 0, length) });
}
