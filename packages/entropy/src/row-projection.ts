import { type Matrix, SurprisalError } from '@surprisal/core';

/**
 * Every row as one number, on a direction of unit length: two rows are at least as far apart as their numbers.
 *
 * All components of the direction are positive, for those of descriptors rise and fall together with the density; no
 * two are in a simple ratio, so that rows of one sum do not fall together.
 *
 * @returns (n)
 * @throws {SurprisalError} INVALID_ARGUMENT if a number is not finite
 */
export function rowProjection({ rows, columns, data }: Matrix, what: string): Float64Array {
  const direction = Float64Array.from({ length: columns }, (_, c) => 0.5 + ((c * 0.6180339887498949) % 1));
  const norm = Math.sqrt(direction.reduce((sum, component) => sum + component * component, 0));
  const projection = new Float64Array(rows);
  for (let row = 0, at = 0; row < rows; row++) {
    let sum = 0;
    for (let c = 0; c < columns; c++) sum += direction[c]! * data[at++]!;
    projection[row] = sum / norm;
    // A number so large that its square overflows is refused as well.
    if (!(Math.abs(sum) < 1e100)) refuse({ rows, columns, data }, row, what);
  }
  return projection;
}

function refuse({ columns, data }: Matrix, row: number, what: string): never {
  const values = data.subarray(row * columns, (row + 1) * columns);
  const column = Math.max(
    0,
    values.findIndex((value) => !(Math.abs(value) < 1e100)),
  );
  throw new SurprisalError(
    'INVALID_ARGUMENT',
    `row ${row + 1}, column ${column + 1} of ${what} is ${values[column]}; every number must be finite (and below 10¹⁰⁰)`,
    { details: { row, column } },
  );
}
