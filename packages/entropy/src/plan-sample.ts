import { UNSEEN } from './stratified-total.ts';
import { NORMAL_QUANTILE } from './student-quantile.ts';

/** What is known of a stratum before more of it is asked. */
export interface StratumOutlook {
  /** N */
  readonly size: number;
  /** Rows of it that were asked already. */
  readonly asked: number;
  /** For each quantity, the variance of the differences. */
  readonly variances: readonly number[];
  /** For each quantity, how far a row can lie from the mean. */
  readonly reaches: readonly number[];
}

/** Options of {@link planSample}. */
export interface PlanOptions {
  readonly rows: number;
  readonly tolerance: number;
  readonly least: number;
  readonly batch: number;
}

/** Rows of a stratum that are asked at the least, if it has as many: a variance needs some. */
const LEAST = 8;
/** How much weight reaches have beside standard deviations, of which the best is taken. */
const WEIGHTS = [0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6];
/** A plan aims a little below the tolerance: what it is made from is itself an estimate. */
const AIM = 0.97;

/**
 * How many rows of each stratum have to be asked until the intervals of all means are as small as wanted: n_h in proportion
 * to N_h max(s_h, κ r_h), which for κ = 0 is the allocation of Neyman. Of several κ that which asks for the fewest.
 *
 * @param strata     at least one
 * @param options.rows       over which the means run: those of the strata, and those that are known
 * @param options.tolerance  half-width of the 95 % interval of each mean
 * @param options.least      rows that are asked in all, at least
 * @param options.batch      the sum is a multiple of it, if the strata have as many rows
 * @returns rows of each stratum, those asked already among them
 * @see Neyman, J. R. Stat. Soc. 97, 558 (1934)
 */
export function planSample(
  strata: readonly StratumOutlook[],
  { rows, tolerance, least, batch }: PlanOptions,
): number[] {
  let best: number[] | undefined;
  for (const weight of WEIGHTS) {
    const scores = strata.map(({ size, variances, reaches }) =>
      Math.max(...variances.map((variance, q) => size * Math.max(Math.sqrt(variance), weight * reaches[q]!))),
    );
    const targets = (factor: number) =>
      strata.map(({ size, asked }, h) => Math.min(size, Math.max(asked, LEAST, Math.ceil(factor * scores[h]!))));
    const suffices = (factor: number) => halfWidth(strata, targets(factor), rows) <= AIM * tolerance;
    const plan = grown(targets(leastFactor(suffices)), strata, scores, { least, batch });
    if (best === undefined || sum(plan) < sum(best)) best = plan;
  }
  return best as number[];
}

/** The smallest factor that suffices; a very large one asks everything, which does. */
function leastFactor(suffices: (factor: number) => boolean): number {
  let [low, high] = [0, 1];
  if (suffices(0)) return 0;
  while (!suffices(high) && high < Number.MAX_SAFE_INTEGER) high *= 2;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (suffices(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** The largest half-width that these numbers of rows promise for the mean of any quantity. */
function halfWidth(strata: readonly StratumOutlook[], targets: readonly number[], rows: number): number {
  const quantities = strata[0]!.variances.length;
  let most = 0;
  for (let q = 0; q < quantities; q++) {
    let [variance, unseen] = [0, 0];
    for (const [h, { size, variances, reaches }] of strata.entries()) {
      const left = (size - targets[h]!) / targets[h]!;
      variance += size * left * variances[q]!;
      unseen = Math.max(unseen, UNSEEN * left * reaches[q]!);
    }
    most = Math.max(most, Math.hypot(NORMAL_QUANTILE * Math.sqrt(variance), unseen) / rows);
  }
  return most;
}

/** Further rows, one by one where they are most wanted, until there are enough and the last batch is full. */
function grown(
  targets: number[],
  strata: readonly StratumOutlook[],
  scores: readonly number[],
  { least, batch }: Pick<PlanOptions, 'least' | 'batch'>,
): number[] {
  let missing = Math.ceil(Math.max(least, sum(targets)) / batch) * batch - sum(targets);
  // Where no stratum scores, the larger are wanted more.
  const smallest = 1e-9;
  while (missing > 0) {
    let [wanted, most] = [-1, 0];
    for (const [h, { size }] of strata.entries()) {
      const want = (scores[h]! + smallest * size) / targets[h]!;
      if (targets[h]! < size && want > most) [wanted, most] = [h, want];
    }
    if (wanted < 0) break;
    targets[wanted]!++;
    missing--;
  }
  return targets;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
