import { type Matrix, SurprisalError } from '@surprisal/core';

/** Beyond this squares of differences overflow. */
const LARGEST_NUMBER = 1e100;

/** @throws {SurprisalError} INVALID_ARGUMENT if a number is not finite, or so large that its square overflows */
export function checkFinite(matrix: Matrix, what: string): void {
  const { data, columns } = matrix;
  for (let place = 0; place < data.length; place++) {
    // Written so that NaN fails it too.
    if (Math.abs(data[place]!) <= LARGEST_NUMBER) continue;
    const row = Math.floor(place / columns);
    throw new SurprisalError(
      'INVALID_ARGUMENT',
      `row ${row + 1}, column ${(place % columns) + 1} of the ${what} is ${data[place]}; every number must be finite (and below 10¹⁰⁰)`,
      { details: { row, column: place % columns } },
    );
  }
}
