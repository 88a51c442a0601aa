import { createStructure, randomSequence, type Structure } from '@surprisal/core';

/** Lattice constant of copper at 900 K and the root mean square displacement of its atoms there, per axis, Å. */
const LATTICE_CONSTANT = 3.67;
const DISPLACEMENT = 0.145;

const FCC = [0, 0, 0, 0, 0.5, 0.5, 0.5, 0, 0.5, 0.5, 0.5, 0];

/**
 * An fcc crystal of `cells`³ cubic cells with Gaussian displacements: as crowded as copper at 900 K, made in a moment.
 */
export function rattledCopper(cells: number, seed: number): Structure {
  const random = randomSequence(seed);
  const positions = new Float64Array(12 * cells ** 3);
  let at = 0;
  for (let cell = 0; cell < cells ** 3; cell++) {
    const corner = [cell % cells, Math.floor(cell / cells) % cells, Math.floor(cell / cells ** 2)];
    for (const [i, fraction] of FCC.entries()) {
      positions[at] = ((corner[i % 3] as number) + fraction) * LATTICE_CONSTANT + DISPLACEMENT * random.normal(at);
      at++;
    }
  }
  const edge = cells * LATTICE_CONSTANT;
  return createStructure({ positions, species: 'Cu', cell: Float64Array.of(edge, 0, 0, 0, edge, 0, 0, 0, edge) });
}
