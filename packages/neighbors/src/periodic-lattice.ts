import { type Pbc, type Structure, SurprisalError } from '@surprisal/core';

/**
 * Three vectors that span space: short ones for the periodic axes, unit vectors perpendicular to them for the others.
 */
export interface PeriodicLattice {
  readonly pbc: Pbc;
  /** (3×3) Å, rows are vectors. Row a is a lattice vector where axis a is periodic. */
  readonly basis: Float64Array;
  /** (3×3) coordinates f of a point r are f = r · inverse. */
  readonly inverse: Float64Array;
  /** (3×3) whole numbers: row a of the basis in the cell vectors as given; zeros where axis a is not periodic. */
  readonly multiples: Float64Array;
  /** (3) Å, distance between the lattice planes of each basis vector; 1 for an axis that is not periodic. */
  readonly heights: readonly number[];
}

type Vector = readonly [number, number, number];

/** Volume spanned by unit vectors along the periodic axes at which they count as dependent. */
const FLATTEST = 1e-9;
/** A vector that holds another this often is a broken cell, not a skewed one. */
const LARGEST_MULTIPLE = 1e6;
/** More images of the cell than this within the cutoff are a broken cell, not a crystal. */
const MOST_IMAGES = 1e7;
const AXES: readonly number[] = [0, 1, 2];

/**
 * The lattice of a structure, by its shortest vectors, whatever the cell it was described by.
 *
 * Whole multiples of periodic vectors are subtracted from one another as long as that makes one shorter (Lagrange and
 * Gauss for pairs, with the step of Minkowski and Semaev for three), so that the search looks at as few images as it can.
 * Cell vectors of axes that are not periodic are not looked at.
 *
 * @param number  of the structure in its list, counted from 1, for the message
 * @throws {SurprisalError} INVALID_CELL if an axis is periodic without a cell vector, if the periodic vectors are
 *   linearly dependent, or if more than 10⁷ images of the cell lie within the cutoff
 */
export function periodicLattice(structure: Structure, cutoff: number, number = 1): PeriodicLattice {
  const { pbc } = structure;
  const periodic = AXES.filter((axis) => pbc[axis]);
  const vectors = AXES.map((axis): Vector => (pbc[axis] ? cellVector(structure, axis, number) : [0, 0, 0]));
  const multiples = AXES.map((axis): Vector => (pbc[axis] ? unit(axis) : [0, 0, 0]));
  shorten(vectors, multiples, periodic, number);
  complete(vectors, pbc);

  const [a, b, c] = vectors as [Vector, Vector, Vector];
  const normals = [cross(b, c), cross(c, a), cross(a, b)] as const;
  const volume = dot(a, normals[0]);
  if (!(Math.abs(volume) > FLATTEST * length(a) * length(b) * length(c))) throw invalidCell(number, DEPENDENT);

  const heights = normals.map((normal) => Math.abs(volume) / length(normal));
  const images = periodic.reduce((count, axis) => count * (2 * Math.ceil(cutoff / (heights[axis] as number)) + 1), 1);
  if (!(images <= MOST_IMAGES)) {
    throw invalidCell(number, `the cell is so thin that the cutoff of ${cutoff} Å spans more than 10⁷ images of it`);
  }
  const inverse = Float64Array.from({ length: 9 }, (_, i) => (normals[i % 3]?.[Math.floor(i / 3)] as number) / volume);
  return {
    pbc,
    basis: Float64Array.from(vectors.flat()),
    inverse,
    multiples: Float64Array.from(multiples.flat()),
    heights,
  };
}

/** Replaces vectors by shorter ones of the same lattice until none gets shorter. */
function shorten(vectors: Vector[], multiples: Vector[], periodic: readonly number[], number: number): void {
  const subtract = (axis: number, other: number, times: number) => {
    vectors[axis] = minus(vectors[axis] as Vector, vectors[other] as Vector, times);
    multiples[axis] = minus(multiples[axis] as Vector, multiples[other] as Vector, times);
  };
  for (let shorter = true; shorter; ) {
    shorter = false;
    for (const axis of periodic) {
      const before = { vector: vectors[axis] as Vector, multiple: multiples[axis] as Vector };
      const others = periodic.filter((other) => other !== axis);
      for (const candidate of steps(vectors, axis, others)) {
        for (const { other, times } of candidate) subtract(axis, other, times);
        const now = dot(vectors[axis] as Vector, vectors[axis] as Vector);
        // Rounding alone must not look like progress, or the loop would not end.
        if (now < dot(before.vector, before.vector) * (1 - 1e-12)) {
          const dependentVectors = now < FLATTEST ** 2 * dot(before.vector, before.vector);
          if (dependentVectors || candidate.some(({ times }) => Math.abs(times) > LARGEST_MULTIPLE)) {
            throw invalidCell(number, DEPENDENT);
          }
          shorter = true;
          break;
        }
        vectors[axis] = before.vector;
        multiples[axis] = before.multiple;
      }
    }
  }
}

interface Step {
  readonly other: number;
  readonly times: number;
}

/** What may shorten a vector: the nearest multiple of one other, or one of each of two others. */
function steps(vectors: readonly Vector[], axis: number, others: readonly number[]): Step[][] {
  const vector = vectors[axis] as Vector;
  const single = others.map((other) => {
    const v = vectors[other] as Vector;
    return [{ other, times: Math.round(dot(vector, v) / dot(v, v)) }];
  });
  const [first, second] = others;
  if (first === undefined || second === undefined) return single;
  const double = [1, -1].flatMap((s) =>
    [1, -1].map((t) => [
      { other: first, times: s },
      { other: second, times: t },
    ]),
  );
  return [...single, ...double];
}

/** Unit vectors, perpendicular to the periodic ones and to each other, for the axes that are not periodic. */
function complete(vectors: Vector[], pbc: Pbc): void {
  for (const axis of AXES) {
    if (pbc[axis]) continue;
    const there = AXES.filter((other) => dot(vectors[other] as Vector, vectors[other] as Vector) > 0).map(
      (other) => vectors[other] as Vector,
    );
    const [first, second] = there;
    const direction = first === undefined ? unit(axis) : cross(first, second ?? unit(flattestComponent(first)));
    const size = length(direction);
    vectors[axis] = [direction[0] / size, direction[1] / size, direction[2] / size];
  }
}

/** The coordinate axis along which a vector extends least. */
function flattestComponent(vector: Vector): number {
  const sizes = vector.map(Math.abs);
  return sizes.indexOf(Math.min(...sizes));
}

function cellVector(structure: Structure, axis: number, number: number): Vector {
  const { cell } = structure;
  const vector: Vector =
    cell === null ? [0, 0, 0] : [cell[3 * axis] as number, cell[3 * axis + 1] as number, cell[3 * axis + 2] as number];
  if (!(dot(vector, vector) > 0)) {
    throw invalidCell(number, `axis ${'abc'[axis]} is periodic but has no cell vector`);
  }
  return vector;
}

const DEPENDENT = 'the periodic cell vectors are linearly dependent (the cell has no volume)';

function invalidCell(number: number, problem: string): SurprisalError {
  return new SurprisalError(
    'INVALID_CELL',
    `structure ${number}: ${problem}; correct the cell, or make the axis not periodic`,
    { details: { structure: number - 1 } },
  );
}

function unit(axis: number): Vector {
  return [axis === 0 ? 1 : 0, axis === 1 ? 1 : 0, axis === 2 ? 1 : 0];
}

function dot(u: Vector, v: Vector): number {
  return u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
}

function length(v: Vector): number {
  return Math.sqrt(dot(v, v));
}

function cross(u: Vector, v: Vector): Vector {
  return [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
}

function minus(u: Vector, v: Vector, times: number): Vector {
  return [u[0] - times * v[0], u[1] - times * v[1], u[2] - times * v[2]];
}
