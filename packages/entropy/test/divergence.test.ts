import { createMatrix, type Matrix } from '@surprisal/core';
import { property } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { type DivergenceResult, divergence, divergenceMany, entropy, ISOLATION_BANDWIDTHS } from '../src/index.ts';
import { randomMatrix, ranks } from './made-environments.ts';

const backends = ['native', 'reference'] as const;

const points = (...places: number[]) => createMatrix(places.length, 1, Float64Array.from(places));

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** ln p at row i of y, of the density that x makes; without row i itself where x is y. */
function logDensity(y: Matrix, i: number, x: Matrix, h: number): number {
  const exponents: number[] = [];
  for (let j = 0; j < x.rows; j++) {
    if (x === y && i === j) continue;
    let squared = 0;
    for (let c = 0; c < x.columns; c++) squared += (y.data[i * y.columns + c]! - x.data[j * x.columns + c]!) ** 2;
    exponents.push(-squared / (2 * h * h));
  }
  const largest = Math.max(...exponents);
  return largest + Math.log(mean(exponents.map((exponent) => Math.exp(exponent - largest))));
}

/** The definition, term by term, for sets without isolated points. */
function byDefinition(y: Matrix, x: Matrix, h: number): Omit<DivergenceResult, 'isolated'> {
  const rows = (set: Matrix) => Array.from({ length: set.rows }, (_, i) => i);
  const logMixture = (own: number, other: number) => Math.log(0.5 * (Math.exp(own) + Math.exp(other)));
  const crossEntropy = -mean(rows(y).map((i) => logDensity(y, i, x, h)));
  const entropy = -mean(rows(y).map((i) => logDensity(y, i, y, h)));
  const half = (a: Matrix, b: Matrix) =>
    0.5 *
    mean(
      rows(a).map((i) => {
        const [own, other] = [logDensity(a, i, a, h), logDensity(a, i, b, h)];
        return own - logMixture(own, other);
      }),
    );
  return {
    bandwidth: h,
    crossEntropy,
    kullbackLeibler: crossEntropy - entropy,
    jensenShannon: half(y, x) + half(x, y),
  };
}

describe.each(backends)('divergences, %s', (backend) => {
  it('of two pairs of points are what the equations say', async () => {
    const h = 0.5;
    const kernel = (distance: number) => Math.exp(-(distance ** 2) / (2 * h * h));
    const result = await divergence(points(0, 1), points(0.5, 1.5), { bandwidth: h, backend });
    const [atZero, atOne] = [(kernel(0.5) + kernel(1.5)) / 2, (2 * kernel(0.5)) / 2];
    const own = kernel(1);
    expect(result.crossEntropy).toBeCloseTo(-(Math.log(atZero) + Math.log(atOne)) / 2, 13);
    expect(result.kullbackLeibler).toBeCloseTo(Math.log(own) - (Math.log(atZero) + Math.log(atOne)) / 2, 13);
    // The other set is the mirror image: both halves of JS are equal.
    const gain = (other: number) => Math.log(own / (0.5 * (own + other)));
    expect(result.jensenShannon).toBeCloseTo((gain(atZero) + gain(atOne)) / 2, 13);
    expect(result.isolated).toEqual([0, 0]);
  });

  property('are the definition, term by term, and JS is symmetric', 6, async (random) => {
    const columns = random.whole(1, 6);
    const y = randomMatrix(random, random.whole(2, 60), columns, 0.01);
    const x = randomMatrix(random, random.whole(2, 90), columns, 0.015);
    for (const result of await divergenceMany(y, x, { bandwidths: [0.012, 0.05], backend })) {
      const expected = byDefinition(y, x, result.bandwidth);
      expect(result.isolated).toEqual([0, 0]);
      expect(result.crossEntropy).toBeCloseTo(expected.crossEntropy as number, 10);
      expect(result.kullbackLeibler).toBeCloseTo(expected.kullbackLeibler as number, 10);
      expect(result.jensenShannon).toBeCloseTo(expected.jensenShannon as number, 10);
      const back = await divergence(x, y, { bandwidth: result.bandwidth, backend });
      // Several bandwidths in one pass may move the last digits.
      expect(back.jensenShannon).toBeCloseTo(result.jensenShannon as number, 12);
    }
  });

  it('of sets far apart: ln 2, and a finite number', async () => {
    const [y, x] = [points(0, 0.01, 0.02), points(5, 5.01)];
    const result = await divergence(y, x, { bandwidth: 0.015, backend });
    expect(result.jensenShannon).toBeCloseTo(Math.LN2, 14);
    expect(result.kullbackLeibler as number).toBeGreaterThan(4.98 ** 2 / (2 * 0.015 ** 2));
    expect(result.kullbackLeibler as number).toBeLessThan(5 ** 2 / (2 * 0.015 ** 2));
  });

  it('leave isolated points out of the means, and count them', async () => {
    const h = 0.1;
    const near = points(0, 0.05, 0.1, 0.2);
    const x = points(0.02, 0.07);
    const far = ISOLATION_BANDWIDTHS * h;
    // Just within 8h of the nearest other, and just beyond.
    const within = await divergence(points(0, 0.05, 0.1, 0.2, 0.2 + 0.99 * far), x, { bandwidth: h, backend });
    const beyond = await divergence(points(0, 0.05, 0.1, 0.2, 0.2 + 1.01 * far), x, { bandwidth: h, backend });
    expect(within.isolated).toEqual([0, 0]);
    expect(beyond.isolated).toEqual([1, 0]);
    const alone = await divergence(near, x, { bandwidth: h, backend });
    expect(beyond.crossEntropy).toBeCloseTo(alone.crossEntropy as number, 13);
    // It is one of the five that share the density of Y, though: 3 of 4 others instead of 3 of 3.
    expect(beyond.kullbackLeibler).toBeCloseTo((alone.kullbackLeibler as number) + Math.log(3 / 4), 12);
    expect(within.crossEntropy as number).toBeGreaterThan((alone.crossEntropy as number) + 5);
  });

  it('are null where every point is isolated, or there is one alone', async () => {
    const scattered = points(0, 10, 20);
    const x = points(0, 0.01);
    const nothing = { crossEntropy: null, kullbackLeibler: null, jensenShannon: null };
    const options = { bandwidth: 0.015, backend };
    expect(await divergence(scattered, x, options)).toMatchObject({ ...nothing, isolated: [3, 0] });
    expect(await divergence(points(3), x, options)).toMatchObject({ ...nothing, isolated: [1, 0] });
    const back = await divergence(x, scattered, options);
    expect(back).toMatchObject({ jensenShannon: null, isolated: [0, 3] });
    expect(back.kullbackLeibler).toBeCloseTo(
      Math.log(3) + 0.01 ** 2 / (4 * 0.015 ** 2) - 0.01 ** 2 / (2 * 0.015 ** 2),
      12,
    );
  });

  it('refuse what has no answer', async () => {
    const [x, none] = [points(1, 2), createMatrix(0, 1, new Float64Array(0))];
    const refused = async (y: Matrix, bandwidth: number, code: string) =>
      await expect(divergence(y, x, { bandwidth, backend })).rejects.toMatchObject({ name: 'SurprisalError', code });
    await refused(none, 1, 'EMPTY_INPUT');
    await refused(createMatrix(1, 2, new Float64Array(2)), 1, 'DIMENSION_MISMATCH');
    await refused(points(1), -1, 'INVALID_BANDWIDTH');
    await refused(points(Number.NaN), 1, 'INVALID_ARGUMENT');
    await expect(divergence(x, none, { bandwidth: 1, backend })).rejects.toThrow(/set 2 has no environment/);
    await expect(divergence(x, x, { bandwidth: 1, backend, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });
});

/** ∫ density · f by the midpoint rule over ±9 standard deviations. */
function expectation(mu: number, sigma: number, f: (x: number) => number): number {
  const steps = 4000;
  let sum = 0;
  for (let step = 0; step < steps; step++) {
    const z = -9 + (18 * (step + 0.5)) / steps;
    sum += Math.exp(-0.5 * z * z) * f(mu + sigma * z);
  }
  return (sum * 18) / steps / Math.sqrt(2 * Math.PI);
}

const normal = (x: number, mu: number, variance: number) =>
  Math.exp(-((x - mu) ** 2) / (2 * variance)) / Math.sqrt(2 * Math.PI * variance);

describe('analytic Gaussians', () => {
  // The kernel smooths each density to N(μ, σ² + h²); the points themselves are drawn from N(μ, σ²). So, in d dimensions,
  // with s² = σ² + h²:   D(Y‖X) = d ln(s_X/s_Y) + (d σ_Y² + |Δμ|²)/2s_X² − d σ_Y²/2s_Y²
  // For h ≪ σ that is the textbook D(N_Y‖N_X). What is averaged spreads by less than 2 here, and the kernel sums by less
  // than that: 2/√n is the standard error of a mean, of which five are allowed.
  const ROWS = 4000;

  property('D and the cross entropy, in one to three dimensions', 4, async (random) => {
    const d = random.whole(1, 3);
    const h = 0.5;
    const [muY, muX] = [random.between(-0.5, 0.5), random.between(-0.5, 0.5)];
    const [sigmaY, sigmaX] = [random.between(0.8, 1.2), random.between(0.8, 1.2)];
    const set = (mu: number, sigma: number) =>
      createMatrix(
        ROWS,
        d,
        Float64Array.from({ length: ROWS * d }, () => mu + sigma * random.gaussian()),
      );
    const result = await divergence(set(muY, sigmaY), set(muX, sigmaX), { bandwidth: h });
    const [sY, sX] = [sigmaY ** 2 + h ** 2, sigmaX ** 2 + h ** 2];
    const fromX = (d * sigmaY ** 2 + d * (muY - muX) ** 2) / (2 * sX);
    const expected = (d / 2) * Math.log(sX / sY) + fromX - (d * sigmaY ** 2) / (2 * sY);
    // K is not normalised: p = (2π h²)^{d/2} × density.
    const crossEntropy = (d / 2) * Math.log(sX / h ** 2) + fromX;
    const error = (5 * 2) / Math.sqrt(ROWS);
    expect(Math.abs((result.kullbackLeibler as number) - expected)).toBeLessThan(error);
    expect(Math.abs((result.crossEntropy as number) - crossEntropy)).toBeLessThan(error);
  });

  property('JS, in one dimension, against quadrature', 4, async (random) => {
    const h = 0.2;
    const [mu, sigma] = [random.between(0.3, 2.5), random.between(0.6, 1.6)];
    const set = (m: number, s: number) =>
      createMatrix(
        ROWS,
        1,
        Float64Array.from({ length: ROWS }, () => m + s * random.gaussian()),
      );
    const { jensenShannon } = await divergence(set(0, 1), set(mu, sigma), { bandwidth: h });
    const pY = (x: number) => normal(x, 0, 1 + h * h);
    const pX = (x: number) => normal(x, mu, sigma ** 2 + h * h);
    const mixture = (x: number) => Math.log(0.5 * (pX(x) + pY(x)));
    const expected =
      0.5 * expectation(0, 1, (x) => Math.log(pY(x)) - mixture(x)) +
      0.5 * expectation(mu, sigma, (x) => Math.log(pX(x)) - mixture(x));
    // At most ln 2 each, so a spread below 1/2; and a bias of −1/n for each kernel in reach.
    expect(Math.abs((jensenShannon as number) - expected)).toBeLessThan(5 * (0.5 / Math.sqrt(ROWS)) + 0.01);
  });

  property(
    'of two samples of one Gaussian: about 0; with each point in its own sum half a nat and more',
    2,
    async (random) => {
      const [y, x] = [randomMatrix(random, 3000, 4, 1), randomMatrix(random, 3000, 4, 1)];
      const bandwidth = 0.25;
      const { crossEntropy, kullbackLeibler } = await divergence(y, x, { bandwidth });
      const { entropy: withSelf } = await entropy(y, { bandwidth });
      expect(Math.abs(kullbackLeibler as number)).toBeLessThan(0.15);
      expect((crossEntropy as number) - withSelf).toBeGreaterThan(0.5);
    },
  );
});

describe('ranks and backends', () => {
  property('1, 2 and 3 ranks and any number of threads give the same bits', 1, async (random) => {
    const y = randomMatrix(random, 3100, 3, 0.02);
    const x = randomMatrix(random, 2300, 3, 0.03);
    // Isolated, on the first and on the last rank.
    y.data[3 * 3050] = x.data[0] = 5;
    x.data[3 * 2299] = -5;
    const options = { bandwidths: [0.02, 0.03] };
    const alone = await divergenceMany(y, x, options);
    expect(alone.map(({ isolated }) => isolated)).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(await divergenceMany(y, x, { ...options, threads: 1 })).toEqual(alone);
    for (const size of [2, 3]) {
      const results = await Promise.all(
        ranks(size).map((communicator) => divergenceMany(y, x, { ...options, communicator })),
      );
      for (const result of results) expect(result).toEqual(alone);
    }
  });
});
