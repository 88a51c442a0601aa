import { outsideTest } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { learningCurve, undersampled } from '../src/index.ts';
import { outsideEnvironments } from './outside-environments.ts';

const result = (entropy: number, maxEntropy: number) => ({
  bandwidth: 0.015,
  entropy,
  maxEntropy,
  diversity: maxEntropy,
});

describe('undersampled', () => {
  it('is a set whose H is close to ln n', () => {
    expect(undersampled(result(6.6, 7))).toMatchObject({
      undersampled: true,
      margin: expect.closeTo(0.4, 12),
      threshold: 0.5,
      sentence: expect.stringContaining('H = 6.600 is 0.400 nats below ln n = 7.000'),
    });
    expect(undersampled(result(6.5, 7)).undersampled).toBe(false);
    expect(undersampled(result(6.5, 7), 0.6).undersampled).toBe(true);
  });

  it('is one environment alone, of which nothing is known', () => {
    expect(undersampled(result(0, 0)).undersampled).toBe(true);
  });

  it('is not a crystal of equal environments', () => {
    expect(undersampled(result(0, Math.log(4))).undersampled).toBe(false);
  });

  it('has a threshold above 0', () => {
    expect(() => undersampled(result(1, 2), 0)).toThrow(/must be above 0/);
    expect(() => undersampled(result(1, 2), Number.NaN)).toThrow(/must be above 0/);
  });

  outsideTest('below the threshold H grows with most of ln n, far above it hardly', async (folder) => {
    for (const file of ['rmd17/rmd17_ethanol_train_01.xyz', 'extxyz/NaCl-traj.xyz', 'gap20/Graphite.xyz']) {
      const { x } = await outsideEnvironments(folder, file);
      const curves = await learningCurve(x, {
        bandwidths: [0.005, 0.015, 0.045],
        fractions: [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1],
        repeats: 1,
      });
      for (const { points, bandwidth } of curves) {
        for (const [p, point] of points.entries()) {
          const before = points[p - 1];
          if (before === undefined) continue;
          const growth =
            (point.entropy.mean - before.entropy.mean) / Math.log(point.environments / before.environments);
          const at = `${file}, h = ${bandwidth}, n = ${point.environments}`;
          const { margin, undersampled: isUndersampled } = undersampled({
            ...result(point.entropy.mean, point.maxEntropy),
          });
          if (isUndersampled) expect(growth, at).toBeGreaterThan(0.6);
          if (margin > 5) expect(growth, at).toBeLessThan(0.2);
        }
      }
    }
  });
});
