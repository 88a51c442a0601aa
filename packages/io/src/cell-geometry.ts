import { type Structure, SurprisalError } from '@surprisal/core';

/** (3×3) row-major. */
type Nine = [number, number, number, number, number, number, number, number, number];

/** a·(b×c). */
function determinant(cell: Float64Array): number {
  const [ax, ay, az, bx, by, bz, cx, cy, cz] = cell as unknown as Nine;
  return ax * (by * cz - bz * cy) - ay * (bx * cz - bz * cx) + az * (bx * cy - by * cx);
}

/**
 * The cell of a structure, for a format that needs one.
 *
 * @throws {SurprisalError} INVALID_ARGUMENT if there is none, or it has no volume
 */
export function requireCell({ cell }: Structure, format: string): Float64Array {
  if (cell !== null && determinant(cell) !== 0) return cell;
  const why = cell === null ? 'has no cell' : 'has a cell without volume';
  throw new SurprisalError(
    'INVALID_ARGUMENT',
    `the structure ${why}, which ${format} needs; write extxyz or xyz, or give it a cell`,
  );
}

/** Rows of the inverse: fractions are positions times it. */
export function inverseCell(cell: Float64Array): Float64Array {
  const [ax, ay, az, bx, by, bz, cx, cy, cz] = cell as unknown as Nine;
  const volume = determinant(cell);
  return Float64Array.of(
    by * cz - bz * cy,
    az * cy - ay * cz,
    ay * bz - az * by,
    bz * cx - bx * cz,
    ax * cz - az * cx,
    az * bx - ax * bz,
    bx * cy - by * cx,
    ay * cx - ax * cy,
    ax * by - ay * bx,
  ).map((cofactor) => cofactor / volume);
}

/** Whether a lies along x, b in the xy plane, and none of the diagonal is negative: the boxes of LAMMPS. */
export function isRestricted([ax, ay, az, , by, bz, , , cz]: Float64Array): boolean {
  return ay === 0 && az === 0 && bz === 0 && (ax as number) >= 0 && (by as number) >= 0 && (cz as number) >= 0;
}

/** A cell brought into the frame of LAMMPS. */
export interface RestrictedCell {
  readonly cell: Float64Array;
  /** (3×3) rows are the axes of the frame: a vector's components in it are its products with them. */
  readonly axes: Float64Array;
  /** Whether b and c changed places, since the cell was left-handed. */
  readonly swapped: boolean;
}

/** A cell with volume turned so that a lies along x and b in the xy plane; a left-handed one with b and c exchanged. */
export function restrictCell(cell: Float64Array): RestrictedCell {
  const swapped = determinant(cell) < 0;
  const a = cell.subarray(0, 3);
  const b = swapped ? cell.subarray(6, 9) : cell.subarray(3, 6);
  const c = swapped ? cell.subarray(3, 6) : cell.subarray(6, 9);
  const x = unit(a);
  const z = unit(cross(a, b));
  const y = cross(z, x);
  const turned = Float64Array.of(norm(a), 0, 0, dot(b, x), dot(b, y), 0, dot(c, x), dot(c, y), dot(c, z));
  return { cell: turned, axes: Float64Array.of(...x, ...y, ...z), swapped };
}

/** Vectors (n×3) in another frame. */
export function turnVectors(vectors: Float64Array, axes: Float64Array): Float64Array {
  const turned = new Float64Array(vectors.length);
  for (let at = 0; at < vectors.length; at += 3) {
    const vector = vectors.subarray(at, at + 3);
    for (let axis = 0; axis < 3; axis++) turned[at + axis] = dot(vector, axes.subarray(3 * axis, 3 * axis + 3));
  }
  return turned;
}

type Vector = ArrayLike<number>;

function dot(a: Vector, b: Vector): number {
  return (
    (a[0] as number) * (b[0] as number) + (a[1] as number) * (b[1] as number) + (a[2] as number) * (b[2] as number)
  );
}

function cross(a: Vector, b: Vector): number[] {
  const [ax, ay, az] = a as unknown as [number, number, number];
  const [bx, by, bz] = b as unknown as [number, number, number];
  return [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
}

function norm(a: Vector): number {
  return Math.hypot(a[0] as number, a[1] as number, a[2] as number);
}

function unit(a: Vector): number[] {
  const length = norm(a);
  return Array.from(a, (component) => component / length);
}
