import { studentQuantile } from './student-quantile.ts';
import type { Bounds } from './surprisal-bounds.ts';

/** What a random sample of a stratum, drawn without replacement, has told. */
export interface SampledStratum {
  /** N, rows of the stratum. */
  readonly size: number;
  /** (n) of the rows that were asked: what is added up, less what is known of each row. */
  readonly differences: ArrayLike<number>;
  /** Between which the value of a row can lie, beside the mean of the values of those that were asked. */
  readonly bounds: Bounds;
  readonly mean: number;
}

/** A sum over all rows. */
export interface StratifiedTotal {
  readonly value: number;
  /** 95 % interval. */
  readonly interval: Bounds;
}

/** ln(1/0.05): what is true of a share of this over n of a stratum shows in n random rows of it with 95 %. */
export const UNSEEN: number = Math.log(20);

/**
 * A sum over rows, from random samples of strata of them, with its 95 % interval.
 *
 *     T = Σ_known + Σ_h N_h d̄_h          σ² = Σ_h N_h² (1 − n_h/N_h) s_h² / n_h
 *     T − √(t²σ² + b₋²) … T + √(t²σ² + b₊²)
 *     b± = ln 20 · max_h N_h (1 − n_h/N_h) r±_h / n_h
 *
 * t is Student's for the degrees of freedom of Satterthwaite. The scatter s_h of a sample knows nothing of a kind of rows of
 * which it holds none; b is what such a kind can add: where it is more than ln 20/n_h of a stratum, it shows with 95 %, and a
 * row of it lies at most r±_h above or below the mean, as far as its bounds permit.
 *
 * @param known   what is known of the sum without the strata
 * @see Cochran, Sampling Techniques, 3rd ed. (Wiley, 1977), 5.4 and 7.3
 */
export function stratifiedTotal(known: number, strata: readonly SampledStratum[]): StratifiedTotal {
  let [value, variance, spread, below, above] = [known, 0, 0, 0, 0];
  for (const { size, differences, bounds, mean } of strata) {
    const asked = differences.length;
    const { mean: difference, squares } = moments(differences);
    value += size * difference;
    if (asked === size) continue;
    const left = (size * (size - asked)) / asked;
    const part = (left * squares) / (asked - 1);
    variance += part;
    spread += part ** 2 / (asked - 1);
    const unseen = (UNSEEN * (size - asked)) / asked;
    above = Math.max(above, unseen * (bounds[1] - mean));
    below = Math.max(below, unseen * (mean - bounds[0]));
  }
  const scatter = variance > 0 ? studentQuantile(variance ** 2 / spread) * Math.sqrt(variance) : 0;
  return { value, interval: [value - Math.hypot(scatter, below), value + Math.hypot(scatter, above)] };
}

/** Mean, and sum of squares about it. */
export function moments(values: ArrayLike<number>): { readonly mean: number; readonly squares: number } {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  const mean = values.length === 0 ? 0 : sum / values.length;
  for (let i = 0; i < values.length; i++) squares += (values[i]! - mean) ** 2;
  return { mean, squares };
}
