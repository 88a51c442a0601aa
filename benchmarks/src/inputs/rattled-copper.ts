import type { Structure } from '@surprisal/core';
import { rattledCrystal } from './crystal.ts';

/** Lattice constant of copper at 900 K and the root mean square displacement of its atoms there, per axis, Å. */
const LATTICE_CONSTANT = 3.67;
const DISPLACEMENT = 0.145;

const FCC = [0, 0, 0, 0, 0.5, 0.5, 0.5, 0, 0.5, 0.5, 0.5, 0];

/** Cells along each axis of boxes of about 10⁴, 10⁵ and 10⁶ atoms: 10,976, 97,556 and 1,000,188. */
export const CELLS_OF_SIZE = { tenThousand: 14, hundredThousand: 29, million: 63 } as const;

/**
 * An fcc crystal of `cells`³ cubic cells with Gaussian displacements: as crowded as copper at 900 K, made in a moment.
 *
 * @param displacement  Å per axis; 0 for the perfect crystal
 */
export function rattledCopper(cells: number, seed: number, displacement: number = DISPLACEMENT): Structure {
  return rattledCrystal({ species: 'Cu', edge: LATTICE_CONSTANT, basis: FCC, cells, displacement, seed });
}
