import { createMatrix } from '@surprisal/core';
import { property } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import {
  differentialEntropy,
  differentialEntropyMany,
  entropy,
  entropyMany,
  metrics,
  novelty,
  overlap,
} from '../src/index.ts';
import { randomMatrix, ranks } from './made-environments.ts';

const backends = ['native', 'reference'] as const;

describe.each(backends)('entropy, %s', (backend) => {
  it('is 0 where all environments are equal', async () => {
    const x = createMatrix(100, 4, new Float64Array(400).fill(0.3));
    expect(await entropy(x, { backend })).toEqual({
      bandwidth: 0.015,
      entropy: 0,
      maxEntropy: Math.log(100),
      diversity: 0,
    });
  });

  it('is ln n where no two are alike', async () => {
    const x = createMatrix(
      50,
      1,
      Float64Array.from({ length: 50 }, (_, i) => i),
    );
    const { entropy: h, diversity } = await entropy(x, { backend });
    expect(h).toBeCloseTo(Math.log(50), 14);
    expect(diversity).toBeCloseTo(Math.log(50), 14);
  });

  it('is that of the shares where environments fall into groups far apart', async () => {
    // 30 times a, 10 times b: H = −¾ ln ¾ − ¼ ln ¼, and two kinds: D = ln 2.
    const x = createMatrix(
      40,
      1,
      Float64Array.from({ length: 40 }, (_, i) => (i < 30 ? 0 : 9)),
    );
    const { entropy: h, diversity } = await entropy(x, { backend });
    expect(h).toBeCloseTo(-0.75 * Math.log(0.75) - 0.25 * Math.log(0.25), 14);
    expect(diversity).toBeCloseTo(Math.log(2), 14);
  });

  property('comes with δH of each environment, from one pass', 3, async (random) => {
    const x = randomMatrix(random, 40, 3, 0.02);
    const bandwidths = [0.01, 0.03];
    const results = await metrics(x, { backend, bandwidths });
    expect(results.map(({ dH: _, ...result }) => result)).toEqual(await entropyMany(x, { backend, bandwidths }));
    expect(results.map(({ dH }) => dH)).toEqual(await differentialEntropyMany(x, x, { backend, bandwidths }));
  });

  it('is 0 for one environment, and undefined for none', async () => {
    expect(await entropy(createMatrix(1, 2, new Float64Array(2)), { backend })).toMatchObject({
      entropy: 0,
      diversity: 0,
    });
    await expect(entropy(createMatrix(0, 2, new Float64Array(0)), { backend })).rejects.toMatchObject({
      code: 'EMPTY_INPUT',
    });
  });

  property('0 ≤ H ≤ D ≤ ln n, and H falls with h', 15, async (random) => {
    const x = randomMatrix(random, random.whole(1, 200), random.whole(1, 10), random.between(0, 0.05));
    const results = await entropyMany(x, { bandwidths: [0.005, 0.015, 0.05], backend });
    for (const { entropy: h, diversity, maxEntropy } of results) {
      expect(h).toBeGreaterThanOrEqual(0);
      expect(diversity).toBeGreaterThanOrEqual(h);
      expect(maxEntropy).toBeGreaterThanOrEqual(diversity);
    }
    const values = results.map((result) => result.entropy);
    expect(values).toEqual(values.toSorted((a, b) => b - a));
  });
});

describe('ranks', () => {
  property('1, 2, 3 and 7 give the same bits, on every rank', 2, async (random) => {
    const x = randomMatrix(random, 5000, 3, 0.02);
    const y = randomMatrix(random, 3500, 3, 0.03);
    const alone = await entropy(x);
    const surprisal = await differentialEntropy(y, x);
    for (const size of [1, 2, 3, 7]) {
      for (const result of await Promise.all(ranks(size).map((communicator) => entropy(x, { communicator })))) {
        expect(result).toEqual(alone);
      }
      for (const dH of await Promise.all(
        ranks(size).map((communicator) => differentialEntropy(y, x, { communicator })),
      )) {
        expect(dH).toEqual(surprisal);
      }
    }
  });
});

describe.each(backends)('differential entropy, %s', (backend) => {
  it('is 0 for an environment seen once, −ln 2 for one seen twice, and large for a new one', async () => {
    const x = createMatrix(3, 1, Float64Array.of(0, 5, 5));
    const y = createMatrix(3, 1, Float64Array.of(0, 5, 5.15));
    const dH = await differentialEntropy(y, x, { backend });
    expect(Object.is(dH[0], 0)).toBe(true);
    expect(dH[1]).toBeCloseTo(-Math.log(2), 14);
    expect(dH[2]).toBeCloseTo(50 - Math.log(2), 11);
  });

  it('is finite for the farthest outlier', async () => {
    const x = createMatrix(1, 1, Float64Array.of(0));
    const y = createMatrix(1, 1, Float64Array.of(1e6));
    expect((await differentialEntropy(y, x, { backend }))[0]).toBeCloseTo(1e12 / (2 * 0.015 ** 2), -3);
  });

  it('at several bandwidths is each of them', async () => {
    const x = createMatrix(4, 1, Float64Array.of(0, 0.01, 0.02, 0.5));
    const bandwidths = [0.01, 0.1];
    const many = await differentialEntropyMany(x, x, { bandwidths, backend });
    for (const [b, bandwidth] of bandwidths.entries()) {
      expect(many[b]).toEqual(await differentialEntropy(x, x, { bandwidth, backend }));
    }
  });
});

describe('overlap and novelty', () => {
  const dH = Float64Array.of(-2, 0, 1e-5, 0.5, 3);

  it('count those up to epsilon, and those above', () => {
    expect(overlap(dH)).toBe(0.6);
    expect(novelty(dH)).toBe(0.4);
    expect(overlap(dH, 1)).toBe(0.8);
    expect(overlap(dH, -5)).toBe(0);
  });

  it('refuse what has no answer', () => {
    expect(() => overlap(new Float64Array(0))).toThrow(/no environment/);
    expect(() => novelty(dH, Number.NaN)).toThrow(/not a number/);
  });
});
