/**
 * max_i |a_i − b_i|; Infinity where a value is NaN or only one of the two is infinite.
 *
 * @throws {RangeError} if the lengths differ
 *
 * @example
 * expect(maxAbsDifference(native.data, reference.data)).toBeLessThan(1e-12);
 */
export function maxAbsDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`${a.length} numbers are compared with ${b.length}`);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    if (a[i] === b[i]) continue;
    const difference = Math.abs((a[i] as number) - (b[i] as number));
    largest = Math.max(largest, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
  }
  return largest;
}
