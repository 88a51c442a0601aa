import { randomStream } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { bandwidthFromVolume, summarize } from '../src/index.ts';

describe('summarize', () => {
  it('interpolates between order statistics', () => {
    const values = Float64Array.from({ length: 21 }, (_, i) => 20 - i);
    expect(summarize(values)).toEqual({ min: 0, max: 20, mean: 10, median: 10, p95: 19 });
    expect(summarize(Float64Array.of(1, 2)).p95).toBeCloseTo(1.95, 14);
    expect(summarize(Float64Array.of(7))).toEqual({ min: 7, max: 7, mean: 7, median: 7, p95: 7 });
  });

  it('finds among many what sorting puts there', () => {
    const random = randomStream(7);
    const shapes: (() => number)[] = [
      () => random.gaussian(),
      () => 1 + 1e-9 * random.gaussian(),
      () => random.gaussian() ** 9 * 1e40,
      () => random.whole(-2, 2) * (random.chance(0.5) ? 1 : -1),
      () => 1e-300 * random.gaussian(),
      () => (random.chance(0.1) ? 1e300 : -1e300),
    ];
    for (const shape of shapes) {
      const values = Float64Array.from({ length: 100_021 }, shape);
      const sorted = values.toSorted();
      const { min, max, median, p95 } = summarize(values);
      expect([min, max, median]).toEqual([sorted[0], sorted.at(-1), 0 + sorted[50_010]!]);
      expect(p95).toBe(sorted[95_019]);
    }
  });

  it('does not sort its input, and refuses none', () => {
    const values = Float64Array.of(3, 1, 2);
    summarize(values);
    expect(values).toEqual(Float64Array.of(3, 1, 2));
    expect(() => summarize(new Float64Array(0))).toThrow(/no values/);
  });
});

describe('bandwidthFromVolume', () => {
  it('follows both fits', () => {
    expect(bandwidthFromVolume(17.225821734281535)).toBeCloseTo(0.037653676325612395, 14);
    expect(bandwidthFromVolume(17.225821734281535, 'cutoff')).toBeCloseTo(0.03868883238432737, 14);
    expect(bandwidthFromVolume(1e4)).toBeCloseTo(0.0119417, 14);
    expect(bandwidthFromVolume(1e4, 'cutoff')).toBe(0.016);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses a volume of %s', (volume) => {
    expect(() => bandwidthFromVolume(volume)).toThrow(/volume per atom/);
  });
});
