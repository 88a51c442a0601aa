import { type Matrix, SurprisalError } from '@surprisal/core';

/** Beyond this squares of differences overflow. */
const LARGEST_NUMBER = 1e100;
/** Times this, what is beyond it overflows. */
const TO_OVERFLOW = Number.MAX_VALUE / LARGEST_NUMBER;

/** @throws {SurprisalError} INVALID_ARGUMENT if a number is not finite, or so large that its square overflows */
export function checkFinite(matrix: Matrix, what: string): void {
  const { data, columns } = matrix;
  if (isWithinLimit(data)) return;
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

/**
 * Whether no number is beyond the largest. Zero times what overflows is no number, nor is any sum with it: four of them side by
 * side, and nothing to branch on.
 */
function isWithinLimit(data: Float32Array | Float64Array): boolean {
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = data.length - (data.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += data[i]! * TO_OVERFLOW * 0;
    b += data[i + 1]! * TO_OVERFLOW * 0;
    c += data[i + 2]! * TO_OVERFLOW * 0;
    d += data[i + 3]! * TO_OVERFLOW * 0;
  }
  for (let i = whole; i < data.length; i++) a += data[i]! * TO_OVERFLOW * 0;
  return a + b + c + d === 0;
}
