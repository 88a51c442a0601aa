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
  const { length } = values;
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    sum += value;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const statistics = orderStatistics(values);
  const [median, p95] = [0.5, 0.95].map((share) => {
    const place = share * (length - 1);
    const below = statistics(Math.floor(place));
    return below + (statistics(Math.ceil(place)) - below) * (place - Math.floor(place));
  }) as [number, number];
  return { min, max, mean: sum / length, median, p95 };
}

/** So many are sorted in next to no time. */
const FEW = 65_536;

/**
 * What sorting would put in a place, without sorting all: values are counted by the first 16 bits of what they are in float32,
 * whose rounding keeps their order, and only those that share the bits of the wanted one are copied and sorted.
 */
function orderStatistics(values: Float64Array): (place: number) => number {
  if (values.length <= FEW) {
    const sorted = values.toSorted();
    return (place) => sorted[place] as number;
  }
  const binOf = binning();
  const counts = new Uint32Array(1 << 16);
  for (const value of values) {
    const bin = binOf(value);
    counts[bin] = (counts[bin] as number) + 1;
  }
  const sorted = new Map<number, Float64Array>();
  return (place) => {
    let bin = 0;
    let before = 0;
    while (before + (counts[bin] as number) <= place) before += counts[bin++] as number;
    let alike = sorted.get(bin);
    if (alike === undefined) {
      alike = new Float64Array(counts[bin] as number);
      let count = 0;
      for (const value of values) if (binOf(value) === bin) alike[count++] = value;
      sorted.set(bin, alike.sort());
    }
    return alike[place - before] as number;
  };
}

/** The first 16 bits of a number in float32, as a whole number that grows with it. */
function binning(): (value: number) => number {
  const real = new Float32Array(1);
  const word = new Int32Array(real.buffer);
  return (value) => {
    real[0] = value;
    const bits = word[0] as number;
    // Read as whole numbers, those below 0 stand in reverse order.
    return (bits ^ ((bits >> 31) | 0x80000000)) >>> 16;
  };
}
