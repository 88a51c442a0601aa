import { createMatrix } from '@surprisal/core';
import { randomStream } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { countInterval } from '../src/count-interval.ts';
import { compareSamples, compareSets } from '../src/index.ts';
import { randomMatrix, ranks } from './made-environments.ts';

describe('the interval of a count', () => {
  // Of every K by scipy.stats.hypergeom (SciPy 1.17): sf(k − 1) > 0.025 and cdf(k) > 0.025.
  it.each([
    [0, 100, 1000, 0, 34],
    [3, 100, 1000, 7, 82],
    [50, 100, 1000, 404, 596],
    [100, 100, 1000, 966, 1000],
    [7, 40, 50, 7, 12],
    [1, 2, 5, 1, 4],
    [20, 256, 20_000, 971, 2356],
    [4000, 4096, 30_000, 29_155, 29_420],
    [17, 30, 30, 17, 17],
  ])('of %i in %i of %i', (count, asked, total, low, high) => {
    expect(countInterval(count, asked, total)).toEqual([low, high]);
  });

  it('holds the truth with 95 % or more, whatever it is', () => {
    // Exactly: by the probability of each count.
    const [asked, total] = [40, 300];
    const choose = (n: number, k: number) => {
      let product = 1;
      for (let i = 0; i < k; i++) product *= (n - i) / (k - i);
      return product;
    };
    for (const having of [0, 1, 2, 5, 20, 77, 150, 280, 299, 300]) {
      let held = 0;
      for (let count = Math.max(0, asked - (total - having)); count <= Math.min(asked, having); count++) {
        const [low, high] = countInterval(count, asked, total);
        if (low <= having && having <= high) {
          held += (choose(having, count) * choose(total - having, asked - count)) / choose(total, asked);
        }
      }
      expect(held).toBeGreaterThanOrEqual(0.95);
    }
  });
});

describe('comparing samples of sets', () => {
  const random = randomStream(11);
  const large = randomMatrix(random, 9000, 3, 0.02);
  const small = randomMatrix(random, 500, 3, 0.03);
  const options = { bandwidths: [0.002, 0.01], epsilon: 0, seed: 1, projections: 8 };

  it('gives overlaps with intervals, what needs no kernel sums, and nothing else', async () => {
    const sampled = await compareSamples([large, small], options);
    const whole = await compareSets([large, small], options);
    expect(sampled.queries).toEqual([4096, 500]);
    const { maps, queries: _, ...others } = sampled;
    const { maps: wholeMaps, ...wholeOthers } = whole;
    expect(others).toEqual(wholeOthers);
    for (const [b, map] of maps.entries()) {
      const truth = wholeMaps[b]!.overlap;
      const [low, high] = map.overlapInterval![0]![1]!;
      expect(low).toBeLessThanOrEqual(truth[0]![1]!);
      expect(high).toBeGreaterThanOrEqual(truth[0]![1]!);
      expect(high - low).toBeLessThan(0.032);
      // Of the small set all were asked.
      expect(map.overlap[1]).toEqual(truth[1]);
      expect(map.overlapInterval![1]![0]).toEqual([truth[1]![0], truth[1]![0]]);
      expect([map.overlap[0]![0], map.overlapInterval![0]![0]]).toEqual([1, [1, 1]]);
      expect(map.kullbackLeibler).toEqual([
        [null, null],
        [null, null],
      ]);
      expect(map.isolated).toEqual([null, null]);
    }
    expect(maps[0]!.overlap[0]![1]).toBeGreaterThan(0);
    expect(maps[0]!.overlap[0]![1]).toBeLessThan(1);
  });

  it.each([
    [0, 2],
    [-2, 4],
  ])('knows at the first report how much there is to do, at ε = %i', async (epsilon, passes) => {
    const controller = new AbortController();
    const totals: unknown[] = [];
    const comparison = compareSamples([large, large], {
      ...options,
      epsilon,
      backend: 'reference',
      signal: controller.signal,
      onProgress: ({ unit, total }) => {
        totals.push([unit, total]);
        controller.abort();
      },
    });
    await expect(comparison).rejects.toMatchObject({ code: 'ABORTED' });
    expect(totals[0]).toEqual(['pairs', passes * 4096 * 9000]);
  });

  it('asks a set about itself where ε is below 0', async () => {
    const [map] = (await compareSamples([large, small], { ...options, epsilon: -2, bandwidths: [0.01] })).maps;
    const [whole] = (await compareSets([large, small], { ...options, epsilon: -2, bandwidths: [0.01] })).maps;
    const [low, high] = map!.overlapInterval![0]![0]!;
    expect(whole!.overlap[0]![0]).toBeGreaterThanOrEqual(low);
    expect(whole!.overlap[0]![0]).toBeLessThanOrEqual(high);
    expect(map!.overlap[1]![1]).toBe(whole!.overlap[1]![1]);
  });

  it('computes everything for small sets', async () => {
    const sets = [small, createMatrix(2, 3, Float64Array.of(0, 0, 0, 1, 1, 1))];
    expect(await compareSamples(sets, options)).toEqual(await compareSets(sets, options));
  });

  it('is the same on any number of ranks', async () => {
    const alone = await compareSamples([large, small], options);
    for (const result of await Promise.all(
      ranks(3).map((communicator) => compareSamples([large, small], { ...options, communicator })),
    )) {
      expect(result).toEqual(alone);
    }
  });
});
