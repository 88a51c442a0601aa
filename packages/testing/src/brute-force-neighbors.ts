import { atomCount, type Structure } from '@surprisal/core';

/** One atom within the cutoff of another. */
export interface NeighborPair {
  readonly atom: number;
  readonly neighbor: number;
  /** Which image of the neighbour, in cell vectors. */
  readonly shift: readonly [number, number, number];
  /** Å, from the atom to its neighbour. */
  readonly vector: readonly [number, number, number];
  /** Å */
  readonly distance: number;
}

type Vector = readonly [number, number, number];

/** Widens the range of images a little, against rounding; what is out of reach is sorted out by its distance. */
const MARGIN = 1e-6;

/**
 * Every pair nearer than the cutoff, found by looking at all pairs of atoms and at all images in reach: the oracle of
 * neighbour searches. It takes a time that grows with the square of the number of atoms.
 *
 * An image n of a pair is in reach where |f_a + n_a| ≤ cutoff / h_a for every periodic axis a; f are the fractional
 * coordinates of the displacement, and h_a is the distance between lattice planes of that axis.
 *
 * @returns sorted by atom, then distance, then neighbour, then shift
 */
export function bruteForceNeighbors(structure: Structure, cutoff: number): NeighborPair[] {
  const { positions, pbc } = structure;
  const cell = [0, 1, 2].map((axis) => vectorAt(structure.cell ?? new Float64Array(9), axis)) as [
    Vector,
    Vector,
    Vector,
  ];
  const duals = [0, 1, 2].map((axis) => (pbc[axis] ? dual(cell, axis, pbc) : ([0, 0, 0] as Vector)));
  const pairs: NeighborPair[] = [];
  for (let atom = 0; atom < atomCount(structure); atom++) {
    for (let neighbor = 0; neighbor < atomCount(structure); neighbor++) {
      const [x, y, z] = vectorAt(positions, neighbor);
      const [x0, y0, z0] = vectorAt(positions, atom);
      const apart: Vector = [x - x0, y - y0, z - z0];
      const [rangeA, rangeB, rangeC] = duals.map((vector) => imagesInReach(apart, vector, cutoff)) as [
        Range,
        Range,
        Range,
      ];
      for (let a = rangeA.first; a <= rangeA.last; a++) {
        for (let b = rangeB.first; b <= rangeB.last; b++) {
          for (let c = rangeC.first; c <= rangeC.last; c++) {
            if (atom === neighbor && a === 0 && b === 0 && c === 0) continue;
            const vector = [0, 1, 2].map(
              (xyz) => (apart[xyz] as number) + a * at(cell[0], xyz) + b * at(cell[1], xyz) + c * at(cell[2], xyz),
            ) as unknown as Vector;
            const distance = Math.sqrt(dot(vector, vector));
            if (distance < cutoff) pairs.push({ atom, neighbor, shift: [a, b, c], vector, distance });
          }
        }
      }
    }
  }
  return pairs.sort(byAtomAndDistance);
}

interface Range {
  readonly first: number;
  readonly last: number;
}

/** Along one axis, whose dual vector is zero where it is not periodic. */
function imagesInReach(apart: Vector, dualVector: Vector, cutoff: number): Range {
  const fraction = dot(apart, dualVector);
  const reach = cutoff * Math.sqrt(dot(dualVector, dualVector));
  const margin = reach === 0 ? 0 : MARGIN;
  // Adding 0 turns −0, which is a different number to a test, into 0.
  return { first: Math.ceil(-reach - fraction - margin) + 0, last: Math.floor(reach - fraction + margin) };
}

/**
 * The vector d with d·v = 1 for the given cell vector and 0 for the other periodic ones, in the space that the periodic
 * ones span; 1/|d| is the distance between lattice planes.
 */
function dual(cell: readonly [Vector, Vector, Vector], axis: number, pbc: readonly boolean[]): Vector {
  const others = [0, 1, 2].filter((other) => other !== axis && pbc[other]).map((other) => cell[other] as Vector);
  let rest = cell[axis] as Vector;
  if (others.length === 2) {
    const normal = cross(others[0] as Vector, others[1] as Vector);
    rest = scaled(normal, dot(rest, normal) / dot(normal, normal));
  } else if (others.length === 1) {
    const other = others[0] as Vector;
    const along = scaled(other, dot(rest, other) / dot(other, other));
    rest = [rest[0] - along[0], rest[1] - along[1], rest[2] - along[2]];
  }
  return scaled(rest, 1 / dot(rest, rest));
}

function byAtomAndDistance(p: NeighborPair, q: NeighborPair): number {
  return (
    p.atom - q.atom ||
    p.distance - q.distance ||
    p.neighbor - q.neighbor ||
    p.shift[0] - q.shift[0] ||
    p.shift[1] - q.shift[1] ||
    p.shift[2] - q.shift[2]
  );
}

function vectorAt(vectors: Float64Array, index: number): Vector {
  return [at(vectors, 3 * index), at(vectors, 3 * index + 1), at(vectors, 3 * index + 2)];
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number;
}

function dot(u: Vector, v: Vector): number {
  return u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
}

function cross(u: Vector, v: Vector): Vector {
  return [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
}

function scaled(v: Vector, factor: number): Vector {
  return [v[0] * factor, v[1] * factor, v[2] * factor];
}
