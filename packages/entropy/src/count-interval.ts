/** A lower and an upper count. */
export type CountInterval = readonly [low: number, high: number];

/** What may be missed on either side. */
const TAIL = 0.025;

/**
 * How many of N things have a property, from how many of n random ones, drawn without replacement, have it: the exact 95 %
 * interval, of all K for which so few, and so many, are not too unlikely (Clopper and Pearson, for a finite population):
 *
 *     P(X ≤ k | K) > 2.5 % and P(X ≥ k | K) > 2.5 %,     P(X = x | K) = C(K, x) C(N−K, n−x) / C(N, n)
 *
 * @param count  k, how many of the n have it
 * @param asked  n
 * @param total  N
 * @returns the least and the largest such K; k twice where all were asked
 * @see Clopper and Pearson, Biometrika 26, 404 (1934)
 */
export function countInterval(count: number, asked: number, total: number): CountInterval {
  const least = count;
  const most = total - (asked - count);
  // The upper tail grows with K, the lower one falls.
  const low = firstWhere(least, most, (having) => upperTail(count, asked, having, total) > TAIL);
  // With the parts of having and lacking exchanged.
  const lacking = firstWhere(
    asked - count,
    total - count,
    (lacks) => upperTail(asked - count, asked, lacks, total) > TAIL,
  );
  return [low, total - lacking];
}

/** The first whole number from `low` to `high` at which something holds that then goes on to hold; it does at `high`. */
function firstWhere(low: number, high: number, holds: (value: number) => boolean): number {
  let [before, from] = [low - 1, high];
  while (from - before > 1) {
    const middle = Math.floor((before + from) / 2);
    if (holds(middle)) from = middle;
    else before = middle;
  }
  return from;
}

/** P(X ≥ count | having) */
function upperTail(count: number, asked: number, having: number, total: number): number {
  const most = Math.min(asked, having);
  const least = Math.max(0, asked - (total - having));
  if (count <= least) return 1;
  // Terms fall away from the mean: from the side of the count on which they are smaller.
  if (count * total > asked * having) return sumUp(count, most, asked, having, total);
  return 1 - sumDown(count - 1, least, asked, having, total);
}

/** Σ P(X = x) for x = from, from + 1, … to, each from the one before. */
function sumUp(from: number, to: number, asked: number, having: number, total: number): number {
  let term = probability(from, asked, having, total);
  let sum = term;
  for (let x = from; x < to && term > sum * 1e-17; x++) {
    term *= ((having - x) * (asked - x)) / ((x + 1) * (total - having - asked + x + 1));
    sum += term;
  }
  return sum;
}

/** The same downwards. */
function sumDown(from: number, to: number, asked: number, having: number, total: number): number {
  let term = probability(from, asked, having, total);
  let sum = term;
  for (let x = from; x > to && term > sum * 1e-17; x--) {
    term *= (x * (total - having - asked + x)) / ((having - x + 1) * (asked - x + 1));
    sum += term;
  }
  return sum;
}

function probability(x: number, asked: number, having: number, total: number): number {
  return Math.exp(logChoose(having, x) + logChoose(total - having, asked - x) - logChoose(total, asked));
}

function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

/** ln n!, by Stirling's series from 16 on: to 1e-13 of it. */
function logFactorial(n: number): number {
  if (n < 16) {
    let product = 1;
    for (let i = 2; i <= n; i++) product *= i;
    return Math.log(product);
  }
  const square = n * n;
  return (
    (n + 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + (1 - (1 - 2 / 7 / square) / (30 * square)) / (12 * n)
  );
}
