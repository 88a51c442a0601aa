/**
 * |x − y|² of two rows, from differences: exactly 0 for rows of the same numbers.
 *
 * @returns the squared distance, or, where it is above `limit`, any number above `limit`
 */
export function squaredDistance(
  x: Float64Array | Float32Array,
  xAt: number,
  y: Float64Array | Float32Array,
  yAt: number,
  columns: number,
  limit: number,
): number {
  let sum = 0;
  for (let c = 0; c < columns; c++) {
    const difference = x[xAt + c]! - y[yAt + c]!;
    sum += difference * difference;
    if (sum > limit) return sum;
  }
  return sum;
}
