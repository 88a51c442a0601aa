import { type Context, type Matrix, SurprisalError } from '@surprisal/core';
import type { KernelSumAccuracy } from '@surprisal/kernels';
import { type EntropyResult, entropyMany } from './entropy.ts';

/** Options of {@link bandwidthScan}: bandwidths, or a range of them. */
export interface BandwidthScanOptions extends Context, KernelSumAccuracy {
  /** Each h in 1/Å, ascending, two or more; instead of a range. */
  readonly bandwidths?: readonly number[] | undefined;
  /** First h of the range, 1/Å; default 0.002. */
  readonly from?: number | undefined;
  /** Last h of the range, 1/Å; default 0.2. */
  readonly to?: number | undefined;
  /** How many h, 2 or more, evenly in ln h; default 21: ten for each factor of ten. */
  readonly count?: number | undefined;
}

/** One row of a scan: H and D at a bandwidth, and how steeply H falls there. */
export interface BandwidthScanRow extends EntropyResult {
  /** dH/d ln h, nats: minus the number of directions in which environments of this scale spread. */
  readonly slope: number;
}

/**
 * Entropy and diversity over the bandwidth, in one pass over the pairs.
 *
 *     slope = dH / d ln h,  by the parabola through a point and its neighbours in ln h (at the ends, the two next to them)
 *
 * H falls from ln n, where no two environments are alike, to 0, where all are; a bandwidth in between, where the slope
 * is moderate, says most.
 *
 * @param x  (n×d) row-major, 1/Å, one environment per row
 * @returns a row for each bandwidth, ascending; the same bits for any number of threads and ranks
 * @throws {SurprisalError} EMPTY_INPUT, INVALID_BANDWIDTH, INVALID_ARGUMENT, BACKEND_UNAVAILABLE, OUT_OF_MEMORY,
 *   ABORTED
 *
 * @example
 * for (const { bandwidth, entropy, slope } of await bandwidthScan(x, { from: 0.005, to: 0.05, count: 5 })) {
 *   console.log(bandwidth, entropy, slope);
 * }
 */
export async function bandwidthScan(x: Matrix, options: BandwidthScanOptions = {}): Promise<BandwidthScanRow[]> {
  const bandwidths = bandwidthsOf(options);
  const results = await entropyMany(x, { ...options, bandwidths });
  const logs = bandwidths.map(Math.log);
  const values = results.map(({ entropy }) => entropy);
  return results.map((result, i) => ({ ...result, slope: slopeAt(logs, values, i) }));
}

function bandwidthsOf({ bandwidths, from = 0.002, to = 0.2, count = 21 }: BandwidthScanOptions): readonly number[] {
  const valid = (h: number) => h > 0 && h < Number.POSITIVE_INFINITY;
  if (bandwidths !== undefined) {
    if (bandwidths.length < 2) {
      throw new SurprisalError('INVALID_ARGUMENT', `a scan takes two bandwidths or more, not ${bandwidths.length}`);
    }
    for (const [i, bandwidth] of bandwidths.entries()) {
      if (!valid(bandwidth)) {
        throw new SurprisalError(
          'INVALID_BANDWIDTH',
          `the bandwidth is ${bandwidth}; it must be above 0 and finite (1/Å)`,
        );
      }
      const before = bandwidths[i - 1];
      if (before !== undefined && !(bandwidth > before)) {
        throw new SurprisalError(
          'INVALID_ARGUMENT',
          `the bandwidth ${bandwidth} comes after ${before}; the bandwidths of a scan must ascend`,
        );
      }
    }
    return bandwidths;
  }
  if (!(Number.isSafeInteger(count) && count >= 2 && count <= 1000)) {
    throw new SurprisalError(
      'INVALID_ARGUMENT',
      `the count of bandwidths is ${count}; it must be a whole number from 2 to 1000`,
    );
  }
  if (!(valid(from) && valid(to) && from < to)) {
    throw new SurprisalError(
      'INVALID_BANDWIDTH',
      `the scan goes from ${from} to ${to}; both must be above 0 and finite (1/Å), the first below the second`,
    );
  }
  // The ends are what was asked for, to the last bit.
  return Array.from({ length: count }, (_, i) =>
    i === count - 1 ? to : from * Math.exp((Math.log(to / from) * i) / (count - 1)),
  );
}

/**
 * Derivative at a point of the parabola through it and its neighbours; of the straight line where there are two points.
 */
function slopeAt(x: readonly number[], y: readonly number[], i: number): number {
  if (x.length === 2) return (y[1]! - y[0]!) / (x[1]! - x[0]!);
  const middle = Math.min(Math.max(i, 1), x.length - 2);
  const left = (y[middle]! - y[middle - 1]!) / (x[middle]! - x[middle - 1]!);
  const right = (y[middle + 1]! - y[middle]!) / (x[middle + 1]! - x[middle]!);
  const bend = (right - left) / (x[middle + 1]! - x[middle - 1]!);
  return left + bend * (2 * x[i]! - x[middle]! - x[middle - 1]!);
}
