import { property, type RandomStream } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { type CurvePoint, fitAsymptote } from '../src/index.ts';

const curve = (a: number, b: number, c: number) => (n: number) => a - b * Math.exp(-c * Math.log(n) ** 2);

function sampled(h: (n: number) => number, sizes: readonly number[], noise: (n: number) => number): CurvePoint[] {
  return sizes.map((n) => ({ n, entropy: h(n) + noise(n), variance: 1 / n }));
}

const tenths = (largest: number) => Array.from({ length: 10 }, (_, i) => Math.round((largest * (i + 1)) / 10));

/** Sum of squares of the least-squares a and b for this c, solved without the fit's algebra. */
function squaresAt(points: readonly CurvePoint[], c: number): number {
  let [w, wg, wgg, wy, wgy] = [0, 0, 0, 0, 0];
  for (const { n, entropy, variance } of points) {
    const g = Math.exp(-c * Math.log(n) ** 2);
    w += 1 / variance;
    wg += g / variance;
    wgg += (g * g) / variance;
    wy += entropy / variance;
    wgy += (g * entropy) / variance;
  }
  const determinant = w * wgg - wg * wg;
  const a = (wgg * wy - wg * wgy) / determinant;
  const b = (wg * wy - w * wgy) / determinant;
  return points.reduce((sum, { n, entropy, variance }) => sum + (entropy - curve(a, b, c)(n)) ** 2 / variance, 0);
}

describe('the fit', () => {
  it.each([
    [5, 4, 0.1, 200],
    [9.8, 9, 0.02, 20_000],
    [6, 5.5, 0.05, 1000],
  ])('finds a = %s, b = %s, c = %s from points on the curve', (a, b, c, largest) => {
    const fit = fitAsymptote(sampled(curve(a, b, c), tenths(largest), () => 0));
    expect(fit.determined).toBe(true);
    if (!fit.determined) return;
    expect(fit.value).toBeCloseTo(a, 6);
    expect(fit.amplitude).toBeCloseTo(b, 4);
    expect(fit.rate).toBeCloseTo(c, 6);
    expect(fit.residual).toBeLessThan(1e-8);
    expect(fit.interval[0]).toBeLessThanOrEqual(fit.value);
    expect(fit.interval[1] - fit.interval[0]).toBeLessThan(1e-3);
  });

  it('does not care for the order of the points', () => {
    const points = sampled(curve(6, 5, 0.06), tenths(800), (n) => 0.01 * Math.sin(n));
    expect(fitAsymptote(points.toReversed())).toMatchObject({
      value: expect.closeTo((fitAsymptote(points) as { value: number }).value, 6),
    });
  });

  it('of a set of equal environments is 0, and of sizes that are nearly one a finite number or a refusal', () => {
    expect(
      fitAsymptote(
        sampled(
          () => 0,
          tenths(1000),
          () => 0,
        ),
      ),
    ).toMatchObject({
      determined: true,
      value: 0,
      interval: [0, 0],
    });
    for (const sizes of [
      [20_000, 20_001, 20_002, 20_003],
      [1e9, 1e9 + 1, 1e9 + 2, 1e9 + 3, 2e9],
    ]) {
      const fit = fitAsymptote(
        sampled(
          (n) => 5 + 1e-3 * Math.sin(n),
          sizes,
          () => 0,
        ),
      );
      if (fit.determined) expect(Object.values(fit).flat().slice(1).every(Number.isFinite)).toBe(true);
      else expect(fit.reason).toMatch(/nats|asymptotes/);
    }
  });

  property('is the least of a scan over c', 20, (random) => {
    const points = sampled(
      curve(random.between(4, 10), random.between(3, 10), random.between(0.02, 0.08)),
      tenths(random.whole(50, 5000)),
      () => 0.01 * random.gaussian(),
    );
    const fit = fitAsymptote(points);
    if (!fit.determined) return;
    const reached = squaresAt(points, fit.rate);
    for (let c = 0.002; c < 1; c *= 1.01) expect(squaresAt(points, c)).toBeGreaterThan(reached - 1e-9);
  });

  it('adds a variance common to all points to the interval, in quadrature', () => {
    const points = sampled(curve(6, 5, 0.06), tenths(800), (n) => 0.01 * Math.sin(n));
    const [alone, shared] = [fitAsymptote(points), fitAsymptote(points, { commonVariance: 0.01 })];
    if (!(alone.determined && shared.determined)) throw new Error('both are determined');
    expect(shared.value).toBe(alone.value);
    expect(shared.value - shared.interval[0]).toBeCloseTo(
      Math.hypot(alone.value - alone.interval[0], 0.1 * 1.959964),
      12,
    );
  });
});

/** How many of `runs` intervals hold a, of the curves whose asymptote is determined. */
function coverage(random: RandomStream, runs: number, largest: number, spread: (n: number) => number) {
  let [held, determined] = [0, 0];
  for (let run = 0; run < runs; run++) {
    const a = random.between(5, 10);
    const h = curve(a, random.between(0.8, 1) * a, random.between(0.03, 0.06));
    const fit = fitAsymptote(sampled(h, tenths(largest), (n) => spread(n) * random.gaussian()));
    if (!fit.determined) continue;
    determined++;
    if (fit.interval[0] <= a && a <= fit.interval[1]) held++;
  }
  return { held, determined };
}

describe('the interval', () => {
  property('holds a in at least 90 % of 300 curves with scatter falling as 1/√n', 1, (random) => {
    const { held, determined } = coverage(random, 300, 1000, (n) => 0.3 / Math.sqrt(n));
    expect(determined).toBeGreaterThan(270);
    expect(held / determined).toBeGreaterThan(0.9);
  });

  property('and with the same scatter everywhere, which the weights do not expect', 1, (random) => {
    const { held, determined } = coverage(random, 300, 1000, () => 0.01);
    expect(determined).toBeGreaterThan(270);
    expect(held / determined).toBeGreaterThan(0.9);
  });
});

/** The same of curves over the first tenth, two tenths … of one sequence, each point a mean over all before. */
function coverageOfNested(random: RandomStream, runs: number, nested: boolean) {
  let [held, determined] = [0, 0];
  for (let run = 0; run < runs; run++) {
    const a = random.between(5, 10);
    const h = curve(a, random.between(0.8, 1) * a, random.between(0.03, 0.06));
    let [sum, met] = [0, 0];
    const points = sampled(h, tenths(1000), (n) => {
      for (; met < n; met++) sum += 0.4 * random.gaussian();
      return sum / n;
    });
    const fit = fitAsymptote(points, { nested });
    if (!fit.determined) continue;
    determined++;
    if (fit.interval[0] <= a && a <= fit.interval[1]) held++;
  }
  return { held, determined };
}

describe('nested subsets', () => {
  property(
    'have an interval that holds a as often; as if they were independent, it would be too narrow',
    1,
    (random) => {
      const nested = coverageOfNested(random, 300, true);
      expect(nested.determined).toBeGreaterThan(270);
      expect(nested.held / nested.determined).toBeGreaterThan(0.9);
      const independent = coverageOfNested(random, 300, false);
      expect(independent.held / independent.determined).toBeLessThan(0.8);
    },
  );

  it('have the same curve where all points lie on it, in any order, and a subset twice says nothing new', () => {
    const points = sampled(curve(6, 5.5, 0.05), tenths(1000), () => 0);
    const fit = fitAsymptote([...points.toReversed(), points[3]!], { nested: true });
    expect(fit).toMatchObject({ value: expect.closeTo(6, 6), rate: expect.closeTo(0.05, 6) });
    const scattered = sampled(curve(6, 5, 0.06), tenths(800), (n) => 0.01 * Math.sin(n));
    const once = fitAsymptote(scattered, { nested: true });
    if (!once.determined) throw new Error('it is determined');
    expect(fitAsymptote([...scattered, scattered[3]!], { nested: true })).toMatchObject({
      value: expect.closeTo(once.value, 9),
      interval: once.interval.map((end) => expect.closeTo(end, 9)),
    });
  });

  it('of fewer than four sizes have no asymptote', () => {
    const points = sampled(curve(5, 4, 0.1), [10, 20, 50, 100], () => 0).map((point) => ({ ...point, variance: 1 }));
    expect(fitAsymptote(points, { nested: true })).toMatchObject({ cause: 'too-few-points' });
  });
});

describe('an asymptote is refused', () => {
  const cause = (points: readonly CurvePoint[]) => {
    const fit = fitAsymptote(points);
    return fit.determined ? `a = ${fit.value}` : fit.cause;
  };

  it('with fewer than four sizes', () => {
    const points = sampled(curve(5, 4, 0.1), [10, 10, 50, 100], () => 0);
    expect(fitAsymptote(points)).toMatchObject({
      cause: 'too-few-points',
      reason: expect.stringContaining('3 distinct'),
    });
    expect(cause([])).toBe('too-few-points');
  });

  it('where the curve does not bend: H rises with ln² n to the end', () => {
    expect(
      cause(
        sampled(
          (n) => 0.1 * Math.log(n) ** 2,
          tenths(1000),
          (n) => 0.01 * Math.sin(n),
        ),
      ),
    ).toBe('unbounded');
  });

  it('where the interval is wider than a quarter of a', () => {
    // Scatter that alternates, which no curve of this form follows.
    const points = sampled(curve(6, 6, 0.03), tenths(100), (n) => ((n / 10) % 2 === 0 ? 0.02 : -0.02));
    const fit = fitAsymptote(points);
    expect(fit).toMatchObject({
      cause: 'wide-interval',
      reason: expect.stringMatching(/from \d\.\d\d to \d+\.\d\d nats/),
    });
  });

  it('where the curve has ended: its own last value is the answer', () => {
    const points = sampled(
      () => 4,
      tenths(1000),
      (n) => 0.01 * Math.sin(n),
    );
    expect(fitAsymptote(points)).toMatchObject({ cause: 'flat', reason: expect.stringContaining('H = 4.0') });
  });

  it.each([
    [0.5, 1, 1],
    [10, Number.NaN, 1],
    [10, 1, 0],
    [Number.NaN, 1, 1],
  ])('and n = %s, H = %s, variance %s is an error', (n, entropy, variance) => {
    expect(() => fitAsymptote([{ n, entropy, variance }])).toThrow(/n must be at least 1/);
  });
});
