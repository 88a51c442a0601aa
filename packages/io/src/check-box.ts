import { createStructure, type Pbc, SurprisalError } from '@surprisal/core';
import type { LineReader } from './line-reader.ts';

/** Volume (or area) spanned by unit vectors along the periodic axes at which the search for neighbours refuses them. */
const FLATTEST = 1e-9;

/**
 * Refuses a cell that cannot be periodic as it is said to be, at the line that gives it and before any atom is read:
 * vectors that are missing, not finite, or linearly dependent.
 *
 * @throws {SurprisalError} PARSE_ERROR
 */
export function checkBox(cell: Float64Array | null, pbc: Pbc, lines: LineReader): void {
  try {
    createStructure({ positions: new Float64Array(0), cell, pbc });
  } catch (error) {
    if (error instanceof SurprisalError) throw lines.error(error.message, lines.text().trim());
    throw error;
  }
  if (cell !== null && isFlat(cell, pbc)) {
    throw lines.error('the periodic cell vectors are linearly dependent: the cell has no volume', lines.text().trim());
  }
}

/** Whether the vectors of the periodic axes, none of which is zero, lie in a plane, or two of them on a line. */
function isFlat(cell: Float64Array, pbc: Pbc): boolean {
  const units = [0, 1, 2]
    .filter((axis) => pbc[axis])
    .map((axis) => {
      const vector = [...cell.subarray(3 * axis, 3 * axis + 3)] as [number, number, number];
      const length = Math.hypot(...vector);
      return vector.map((component) => component / length) as [number, number, number];
    });
  const [a, b, c] = units;
  if (a === undefined || b === undefined) return false;
  const normal = cross(a, b);
  const span =
    c === undefined ? Math.hypot(...normal) : Math.abs(normal.reduce((sum, n, xyz) => sum + n * (c[xyz] as number), 0));
  return !(span > FLATTEST);
}

function cross([ax, ay, az]: Vector, [bx, by, bz]: Vector): Vector {
  return [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
}

type Vector = [number, number, number];
