import { SurprisalError } from '@surprisal/core';

/** A distribution in five numbers. */
export interface Summary {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly median: number;
  /** 95th percentile. */
  readonly p95: number;
}

/**
 * Minimum, maximum, mean, median and 95th percentile, the latter two by linear interpolation between order statistics.
 *
 * @throws {SurprisalError} EMPTY_INPUT if there are no values
 *
 * @example
 * summarize(Float64Array.of(3, 1, 2)).median; // 2
 */
export function summarize(values: Float64Array): Summary {
  if (values.length === 0) throw new SurprisalError('EMPTY_INPUT', 'there are no values to summarize');
  const sorted = values.toSorted();
  let sum = 0;
  for (const value of values) sum += value;
  return {
    min: sorted[0] as number,
    max: sorted[sorted.length - 1] as number,
    mean: sum / values.length,
    median: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
  };
}

function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] as number;
  const above = sorted[Math.ceil(place)] as number;
  return below + (above - below) * (place - Math.floor(place));
}
