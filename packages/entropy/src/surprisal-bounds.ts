/** A lower and an upper bound. */
export type Bounds = readonly [low: number, high: number];

/** Of a hundred rows one may lie beyond its bounds, on either side: e⁻ᴸ. */
const EXPONENT = Math.log(100);

/**
 * Where the surprisal u = ln n − ln Σ_j K_ij of a row can lie, from its kernel sum x over m random ones of the other n − 1
 * rows. That Σ_j K_ij holds the row itself and these references is certain; that it holds about (n−1)/m times as much as
 * they do, up to chance, is true of all but one row in a hundred.
 *
 * @param least       ln x of the row of some that has the least
 * @param most        ln x of the one that has the most
 * @param rows        n
 * @param references  m
 * @returns bounds for the rows between them
 */
export function surprisalBounds(least: number, most: number, rows: number, references: number): Bounds {
  const share = (rows - 1) / references;
  const [x, y] = [Math.exp(least), Math.exp(most)];
  const atLeast = Math.max(x, share * meanBounds(x)[0]);
  const atMost = Math.min(rows - 1, share * meanBounds(y)[1]);
  const maximum = Math.log(rows);
  return [Math.max(0, maximum - Math.log1p(atMost)), Math.max(0, maximum - Math.log1p(atLeast))];
}

/** The surprisal that a kernel sum ln x over m random ones of the other rows makes one expect: of 1 + x (n−1)/m. */
export function expectedSurprisal(logSum: number, rows: number, references: number): number {
  const others = Math.min(rows - 1, ((rows - 1) / references) * Math.exp(logSum));
  return Math.log(rows) - Math.log1p(others);
}

/**
 * Bounds on the mean μ of a sum of terms from 0 to 1 that are drawn from finitely many, of which x came out:
 *
 *     P(sum ≥ x | μ < x), P(sum ≤ x | μ > x) ≤ exp(−[μ − x + x ln(x/μ)])
 *
 * so that μ lies between the two solutions of μ − x + x ln(x/μ) = L.
 *
 * @see Chernoff's bound; Hoeffding, J. Am. Stat. Assoc. 58, 13 (1963), that it holds without replacement too
 */
function meanBounds(x: number): Bounds {
  if (x === 0) return [0, EXPONENT];
  // With μ = x eᵗ: eᵗ − 1 − t = L/x
  const goal = EXPONENT / x;
  const solve = (inside: number, outside: number) => {
    for (let step = 0; step < BISECTIONS; step++) {
      const middle = (inside + outside) / 2;
      if (Math.expm1(middle) - middle < goal) inside = middle;
      else outside = middle;
    }
    return x * Math.exp(outside);
  };
  return [solve(0, -1 - goal), solve(0, Math.log1p(goal + Math.sqrt(2 * goal)) + 1)];
}

/** Enough to halve any interval to nothing. */
const BISECTIONS = 100;
