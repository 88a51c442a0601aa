/**
 * How likely it is that two samples of one distribution differ in rank at least as much as these (Wilcoxon, Mann and
 * Whitney), exactly and two-sided.
 *
 *     U = #{ (i, j) : a_i < b_j } + ½ #{ (i, j) : a_i = b_j }
 *
 * Under the null every order of the n + m numbers is equally likely. (Ties are taken as if they were none, which timings
 * hardly ever have.)
 *
 * @returns p, from 0 to 1; 1 where a sample is empty
 */
export function rankTest(a: readonly number[], b: readonly number[]): number {
  const pairs = a.length * b.length;
  let u = 0;
  for (const x of a) for (const y of b) u += x < y ? 1 : x === y ? 0.5 : 0;
  const extreme = Math.min(u, pairs - u);
  const counts = ordersByStatistic(a.length, b.length);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const tail = counts.slice(0, Math.floor(extreme) + 1).reduce((sum, count) => sum + count, 0);
  return Math.min(1, (2 * tail) / total);
}

/** How many orders of n and m numbers have U = 0, 1, … n·m: the coefficients of the Gaussian binomial. */
function ordersByStatistic(n: number, m: number): number[] {
  let rows: number[][] = Array.from({ length: m + 1 }, () => [1]);
  for (let i = 1; i <= n; i++) {
    const next: number[][] = [[1]];
    // The largest number is either of the first sample, above j of the second, or of the second.
    for (let j = 1; j <= m; j++) {
      const counts = new Array<number>(i * j + 1).fill(0);
      for (const [u, count] of (next[j - 1] as number[]).entries()) counts[u + i] = (counts[u + i] ?? 0) + count;
      for (const [u, count] of (rows[j] as number[]).entries()) counts[u] = (counts[u] ?? 0) + count;
      next.push(counts);
    }
    rows = next;
  }
  return rows[m] as number[];
}
