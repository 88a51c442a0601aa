import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMatrix, matrixRows } from '@surprisal/core';
import { outsideTest, property } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { entropyMany, informationGap, learningCurve } from '../src/index.ts';
import { inGroups, randomMatrix } from './made-environments.ts';
import { outsideEnvironments } from './outside-environments.ts';

function correlation(a: readonly number[], b: readonly number[]): number {
  const centred = (values: readonly number[]) => {
    const mean = values.reduce((sum, value) => sum + value) / values.length;
    return values.map((value) => value - mean);
  };
  const dot = (u: readonly number[], v: readonly number[]) => u.reduce((sum, value, i) => sum + value * v[i]!, 0);
  const [x, y] = [centred(a), centred(b)];
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}

describe('the information gap', () => {
  it('is that of the kinds a subset lacks', async () => {
    const [gap] = await informationGap(inGroups([2, 2, 2, 2]), inGroups([2, 2]), { bandwidths: [0.015] });
    expect(gap?.gap).toBeCloseTo(Math.log(2), 14);
    expect(gap?.full).toMatchObject({ maxEntropy: Math.log(8), bandwidth: 0.015 });
    expect(gap?.subset.diversity).toBeCloseTo(Math.log(2), 14);
  });

  it('is below 0 where the whole repeats what the subset has once', async () => {
    const [gap] = await informationGap(inGroups([9, 1]), inGroups([1, 1]), { bandwidths: [0.015] });
    expect(gap?.gap).toBeLessThan(-0.3);
  });

  property('is 0 of a set with itself, and the difference of the entropies', 5, async (random) => {
    const x = randomMatrix(random, 100, 5, 0.02);
    const part = matrixRows(x, 0, random.whole(1, 99));
    const options = { bandwidths: [0.01, 0.03] };
    for (const { gap } of await informationGap(x, x, options)) expect(gap).toBe(0);
    const [full, subset] = [await entropyMany(x, options), await entropyMany(part, options)];
    for (const [b, gap] of (await informationGap(x, part, options)).entries()) {
      expect(gap).toEqual({
        bandwidth: options.bandwidths[b],
        gap: full[b]!.entropy - subset[b]!.entropy,
        full: full[b],
        subset: subset[b],
      });
    }
  });

  it('wants two sets of one width, neither of them empty', async () => {
    const x = inGroups([2]);
    const options = { bandwidths: [0.015] };
    await expect(informationGap(x, createMatrix(1, 2, new Float64Array(2)), options)).rejects.toMatchObject({
      code: 'DIMENSION_MISMATCH',
    });
    await expect(informationGap(x, createMatrix(0, 1, new Float64Array(0)), options)).rejects.toMatchObject({
      code: 'EMPTY_INPUT',
    });
    await expect(informationGap(x, x, { bandwidths: [0] })).rejects.toMatchObject({ code: 'INVALID_BANDWIDTH' });
  });

  outsideTest('of random parts of Graphite falls as published, from more than half a nat to none', async (folder) => {
    const published = readFileSync(join(folder, 'gap20', 'published_infogap.csv'), 'utf8')
      .split('\n')
      .map((line) => line.split(','))
      .filter(([, system]) => system === 'Graphite')
      .map(([, , percent, , gap]) => ({ fraction: Math.round(Number(percent)) / 100, gap: Number(gap) }));
    expect(published).toHaveLength(9);
    const { x, offsets } = await outsideEnvironments(folder, 'gap20/Graphite.xyz');
    const [curve] = await learningCurve(x, {
      bandwidths: [0.015],
      units: offsets,
      fractions: published.map(({ fraction }) => fraction),
      repeats: 3,
    });
    const full = curve!.points.at(-1)!.entropy.mean;
    // 5.608507 where ties are decided by order; graphite has some, and here they are averaged.
    expect(Math.abs(full - 5.608507)).toBeLessThan(1e-3);
    const gaps = curve!.points.map(({ entropy }) => full - entropy.mean);
    expect(gaps.at(-1)).toBe(0);
    // The published subsets are one draw of another kind; what they share with random ones is the trend.
    expect(gaps[0]).toBeGreaterThan(0.4);
    expect(gaps[0]).toBeLessThan(1);
    expect(gaps.at(-2)).toBeLessThan(0.1);
    expect(
      correlation(
        published.map(({ gap }) => gap),
        gaps,
      ),
    ).toBeGreaterThan(0.85);
  });
});
