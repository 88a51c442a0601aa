import { createStructure, type Pbc, type Structure } from '@surprisal/core';
import { bruteForceNeighbors } from './brute-force-neighbors.ts';
import { skewCell } from './cell-descriptions.ts';
import type { RandomStream } from './random-stream.ts';

/** What {@link randomStructure} leaves open is drawn. */
export interface RandomStructureOptions {
  /** Most atoms; at least one comes out. Default 24. */
  readonly atoms?: number;
  /** Default: each axis by chance, none at all included. */
  readonly pbc?: Pbc;
  /** Shortest and longest cell vector in Å before it is skewed. Default [2, 9]: shorter and longer than a cutoff of 5 Å. */
  readonly lengths?: readonly [number, number];
  /** Least distance between atoms and images in Å, so that 1/r stays well conditioned. Default 0.8. */
  readonly separation?: number;
  /** Symbols that atoms may have, each drawn from them. Default H, C, O, Cu. */
  readonly species?: readonly string[];
}

/** Flatter cells than this (volume over product of lengths) are drawn again: their lattice holds vectors near zero. */
const LEAST_RELATIVE_VOLUME = 0.25;

/**
 * A structure of which nothing is special: triclinic, left- or right-handed, skewed by whole lattice vectors, shorter or
 * longer than usual cutoffs, periodic along any mix of axes or without a cell, atoms inside and outside of the cell.
 *
 * @example
 * const structure = randomStructure(random, { pbc: [true, true, false] });
 */
export function randomStructure(random: RandomStream, options: RandomStructureOptions = {}): Structure {
  const { atoms = 24, lengths = [2, 9], separation = 0.8, species: symbols = ['H', 'C', 'O', 'Cu'] } = options;
  const pbc = options.pbc ?? ([random.chance(0.6), random.chance(0.6), random.chance(0.6)] as const);
  const basis = randomBasis(random, lengths);
  const cell = pbc.includes(true) || random.chance(0.5) ? basis : null;
  const wanted = random.whole(1, atoms);
  const coordinates: number[] = [];
  const species: string[] = [];
  for (let attempt = 0; attempt < 20 * wanted && species.length < wanted; attempt++) {
    const fraction = [random.between(-1.5, 2.5), random.between(-1.5, 2.5), random.between(-1.5, 2.5)];
    for (let xyz = 0; xyz < 3; xyz++) {
      let sum = 0;
      for (let axis = 0; axis < 3; axis++) sum += (fraction[axis] as number) * (basis[3 * axis + xyz] as number);
      coordinates.push(sum);
    }
    const candidate = createStructure({ positions: Float64Array.from(coordinates), cell, pbc });
    if (species.length > 0 && bruteForceNeighbors(candidate, separation).length > 0) {
      coordinates.length -= 3;
    } else {
      species.push(random.pick(symbols));
    }
  }
  const structure = createStructure({ positions: Float64Array.from(coordinates), species, cell, pbc });
  return random.chance(0.5) ? skewCell(structure, random) : structure;
}

/** Three vectors of random directions and lengths, of either handedness, not too flat. */
function randomBasis(random: RandomStream, [shortest, longest]: readonly [number, number]): Float64Array {
  for (;;) {
    const basis = new Float64Array(9);
    for (let axis = 0; axis < 3; axis++) {
      const direction = [random.gaussian(), random.gaussian(), random.gaussian()];
      const scale = random.between(shortest, longest) / Math.hypot(...direction);
      for (let xyz = 0; xyz < 3; xyz++) basis[3 * axis + xyz] = (direction[xyz] as number) * scale;
    }
    if (relativeVolume(basis) >= LEAST_RELATIVE_VOLUME) return basis;
  }
}

function relativeVolume(basis: Float64Array): number {
  const [ax, ay, az, bx, by, bz, cx, cy, cz] = basis as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const volume = ax * (by * cz - bz * cy) - ay * (bx * cz - bz * cx) + az * (bx * cy - by * cx);
  return Math.abs(volume) / (Math.hypot(ax, ay, az) * Math.hypot(bx, by, bz) * Math.hypot(cx, cy, cz));
}
