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
 * Images n are counted vector by vector: once n of the vectors before is chosen, the displacement u has
 * |f_a + n_a| ≤ cutoff / h_a for the next periodic axis a, whatever the vectors after it add. h_a is the length of the
 * part w_a of vector a that is orthogonal to the periodic ones after it, and f_a = u·w_a / h_a². So a cell may be skewed
 * as it likes: hardly more images are looked at than there are neighbours.
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
  const duals = [0, 1, 2].map((axis) => (pbc[axis] ? dual(cell, axis, pbc) : ([0, 0, 0] as Vector))) as [
    Vector,
    Vector,
    Vector,
  ];
  const pairs: NeighborPair[] = [];
  for (let atom = 0; atom < atomCount(structure); atom++) {
    const from = vectorAt(positions, atom);
    for (let neighbor = 0; neighbor < atomCount(structure); neighbor++) {
      const apart = plus(vectorAt(positions, neighbor), -1, from);
      for (const a of imagesInReach(apart, duals[0], cutoff)) {
        const alongA = plus(apart, a, cell[0]);
        for (const b of imagesInReach(alongA, duals[1], cutoff)) {
          const alongB = plus(alongA, b, cell[1]);
          for (const c of imagesInReach(alongB, duals[2], cutoff)) {
            if (atom === neighbor && a === 0 && b === 0 && c === 0) continue;
            const vector = plus(alongB, c, cell[2]);
            const distance = Math.sqrt(dot(vector, vector));
            if (distance < cutoff) pairs.push({ atom, neighbor, shift: [a, b, c], vector, distance });
          }
        }
      }
    }
  }
  return pairs.sort(byAtomAndDistance);
}

/** Along one axis, whose dual vector is zero where it is not periodic. */
function* imagesInReach(apart: Vector, dualVector: Vector, cutoff: number): Generator<number> {
  const fraction = dot(apart, dualVector);
  const reach = cutoff * Math.sqrt(dot(dualVector, dualVector));
  const margin = reach === 0 ? 0 : MARGIN;
  // Adding 0 turns −0, which is a different number to a test, into 0.
  const first = Math.ceil(-reach - fraction - margin) + 0;
  for (let image = first; image <= reach - fraction + margin; image++) yield image;
}

/**
 * The vector d with d·v = 1 for the given cell vector and 0 for the periodic ones after it, in the space that they span;
 * 1/|d| is the length of the part of v that is orthogonal to those.
 */
function dual(cell: readonly [Vector, Vector, Vector], axis: number, pbc: readonly boolean[]): Vector {
  const later = [0, 1, 2].filter((other) => other > axis && pbc[other]).map((other) => cell[other] as Vector);
  let rest = cell[axis] as Vector;
  if (later.length === 2) {
    const normal = cross(later[0] as Vector, later[1] as Vector);
    rest = scaled(normal, dot(rest, normal) / dot(normal, normal));
  } else if (later.length === 1) {
    const other = later[0] as Vector;
    rest = plus(rest, -dot(rest, other) / dot(other, other), other);
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

function plus(u: Vector, factor: number, v: Vector): Vector {
  return [u[0] + factor * v[0], u[1] + factor * v[1], u[2] + factor * v[2]];
}

function scaled(v: Vector, factor: number): Vector {
  return [v[0] * factor, v[1] * factor, v[2] * factor];
}
