import { createMatrix, type Matrix, type Progress } from '@surprisal/core';
import { maxAbsDifference, outsideTest, property } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import {
  type BandwidthFromNeighborsOptions,
  type BandwidthScanOptions,
  bandwidthFromNeighbors,
  bandwidthFromVolume,
  bandwidthScan,
  entropy,
  entropyMany,
  expectedNeighbors,
  neighborRadius,
  suggestedNeighbors,
  undersampled,
} from '../src/index.ts';
import { inGroups, randomMatrix } from './made-environments.ts';
import { outsideEnvironments } from './outside-environments.ts';

const column = (...values: number[]) => createMatrix(values.length, 1, Float64Array.from(values));

describe('a bandwidth from neighbours', () => {
  it('puts the typical nearest neighbour at one nat', async () => {
    // Nearest distances 0.1, 0.1, 0.2, 0.2, 0.4.
    const x = column(0, 0.1, 0.3, 1, 1.2, 1.6, 2);
    const result = await bandwidthFromNeighbors(x);
    expect(result).toMatchObject({ environments: 7, sample: 7, seed: 0, duplicates: 0 });
    expect(result.distances).toMatchObject({ min: expect.closeTo(0.1, 12), max: expect.closeTo(0.4, 12) });
    expect(result.distances.median).toBeCloseTo(0.2, 12);
    expect(Math.exp(-(0.2 ** 2) / (2 * result.bandwidth ** 2))).toBeCloseTo(Math.exp(-1), 12);
  });

  property('is what brute force finds, and scales with the descriptor', 10, async (random) => {
    const columns = random.whole(1, 8);
    const x = randomMatrix(random, random.whole(2, 150), columns, 0.02);
    const nearest = Array.from({ length: x.rows }, (_, i) =>
      Math.min(
        ...Array.from({ length: x.rows }, (_, j) =>
          i === j
            ? Number.POSITIVE_INFINITY
            : Math.hypot(
                ...Array.from({ length: columns }, (_, c) => x.data[i * columns + c]! - x.data[j * columns + c]!),
              ),
        ),
      ),
    );
    const { bandwidth, distances, tolerance } = await bandwidthFromNeighbors(x);
    // Of random numbers none is likely to be as near as the tolerance; where one is, it counts as a duplicate.
    if (nearest.every((value) => value > 3 * tolerance)) {
      expect(distances.max).toBeCloseTo(Math.max(...nearest), 13);
      expect(distances.min).toBeCloseTo(Math.min(...nearest), 13);
      expect(distances.mean).toBeCloseTo(nearest.reduce((a, b) => a + b) / x.rows, 13);
    }
    const wider = await bandwidthFromNeighbors(
      createMatrix(
        x.rows,
        columns,
        x.data.map((value) => 1000 * value),
      ),
    );
    expect(wider.bandwidth / bandwidth).toBeCloseTo(1000, 6);
  });

  property('does not change with duplicates, equal or all but equal', 5, async (random) => {
    const x = randomMatrix(random, 100, 5, 0.02);
    const twice = createMatrix(
      200,
      5,
      Float64Array.from({ length: 1000 }, (_, i) => x.data[i % 500]! + (i < 500 ? 0 : 1e-9 * random.gaussian())),
    );
    const [once, again] = [await bandwidthFromNeighbors(x), await bandwidthFromNeighbors(twice)];
    expect([once.duplicates, again.duplicates]).toEqual([0, 200]);
    expect(again.bandwidth).toBeCloseTo(once.bandwidth, 7);
  });

  it('takes a sample by seed, the same whatever else', async () => {
    const x = column(...Array.from({ length: 500 }, (_, i) => i ** 1.5));
    const a = await bandwidthFromNeighbors(x, { sample: 20, seed: 1 });
    expect(a).toEqual(await bandwidthFromNeighbors(x, { sample: 20, seed: 1 }));
    expect(a).toMatchObject({ sample: 20, seed: 1, environments: 500 });
    expect(a.bandwidth).not.toBe((await bandwidthFromNeighbors(x, { sample: 20, seed: 2 })).bandwidth);
    expect((await bandwidthFromNeighbors(x, { sample: 9999 })).sample).toBe(500);
  });

  it('works in float32', async () => {
    const x = createMatrix(4, 1, Float32Array.of(0, 0.5, 1, 1.5));
    expect((await bandwidthFromNeighbors(x)).bandwidth).toBeCloseTo(0.5 / Math.SQRT2, 12);
  });

  it('ends when it is interrupted, and reports progress until then', async () => {
    const x = createMatrix(
      100_000,
      10,
      Float64Array.from({ length: 1_000_000 }, (_, i) => (i * 0.618) % 1),
    );
    const controller = new AbortController();
    const seen: Progress[] = [];
    const result = bandwidthFromNeighbors(x, {
      signal: controller.signal,
      onProgress: (progress) => {
        seen.push(progress);
        controller.abort();
      },
    });
    await expect(result).rejects.toMatchObject({ code: 'ABORTED' });
    expect(seen[0]).toMatchObject({ stage: 'nearest neighbours', unit: 'environments', total: 1000 });
  });

  const x = column(0, 1);
  const wrong: [string, Matrix, BandwidthFromNeighborsOptions, string][] = [
    ['no environment', column(), {}, 'EMPTY_INPUT'],
    ['one environment', column(1), {}, 'EMPTY_INPUT'],
    ['environments that are all equal', column(0.3, 0.3, 0.3), {}, 'INVALID_ARGUMENT'],
    ['environments that rounding alone sets apart', column(0.3, 0.3 + 1e-16, 0.1 + 0.2), {}, 'INVALID_ARGUMENT'],
    [
      'environments that rounding to float32 alone sets apart',
      createMatrix(3, 1, Float32Array.of(0.3, 0.30000004, 0.29999998)),
      {},
      'INVALID_ARGUMENT',
    ],
    ['no sample', x, { sample: 0 }, 'INVALID_ARGUMENT'],
    ['a sample that is no number', x, { sample: Number.NaN }, 'INVALID_ARGUMENT'],
    ['a seed that is no number', x, { seed: 0.5 }, 'INVALID_ARGUMENT'],
    ['numbers that are not finite', column(0, Number.NaN), {}, 'INVALID_ARGUMENT'],
  ];
  it.each(wrong)('refuses %s', async (_, matrix, options, code) => {
    await expect(bandwidthFromNeighbors(matrix, options)).rejects.toMatchObject({ name: 'SurprisalError', code });
  });

  outsideTest('is near 0.015 for molecules and solids, and leaves no set undersampled', async (folder) => {
    for (const [file, low, high] of [
      ['rmd17/rmd17_azobenzene_train_01.xyz', 0.012, 0.017],
      ['rmd17/rmd17_aspirin_train_01.xyz', 0.017, 0.022],
      ['mlearn/Si_training.xyz', 0.011, 0.015],
      ['mlearn/Cu_test.xyz', 0.011, 0.016],
      ['extxyz/al110_slab.xyz', 0.016, 0.022],
      ['extxyz/qm9_reduced_100.xyz', 0.025, 0.04],
    ] as const) {
      const { x: environments } = await outsideEnvironments(folder, file);
      const { bandwidth } = await bandwidthFromNeighbors(environments);
      expect(bandwidth, file).toBeGreaterThan(low);
      expect(bandwidth, file).toBeLessThan(high);
      expect(undersampled(await entropy(environments, { bandwidth })).undersampled, file).toBe(false);
    }
  });
});

describe('bandwidths from the volume', () => {
  it('are those of the published fits', () => {
    expect(bandwidthFromVolume(11.8)).toBeCloseTo(0.0897141 * Math.exp(-0.5 * (11.8 / 10.896) ** 2) + 0.0119417, 15);
    expect(bandwidthFromVolume(1, 'cutoff')).toBeCloseTo(0.102164, 12);
    expect(bandwidthFromVolume(1e6, 'cutoff')).toBe(0.016);
    expect(() => bandwidthFromVolume(0)).toThrow(/above 0/);
  });
});

describe('a scan over the bandwidth', () => {
  property('has the rows of each bandwidth by itself, evenly in ln h, H falling', 3, async (random) => {
    const x = randomMatrix(random, 200, 6, 0.02);
    const rows = await bandwidthScan(x);
    expect(rows).toHaveLength(21);
    const bandwidths = rows.map(({ bandwidth }) => bandwidth);
    expect([bandwidths[0], bandwidths[20]]).toEqual([0.002, 0.2]);
    for (const [i, h] of bandwidths.entries()) expect(Math.log(h / 0.002)).toBeCloseTo((i * Math.log(100)) / 20, 12);
    expect(rows.map(({ slope: _, ...row }) => row)).toEqual(await entropyMany(x, { bandwidths }));
    const values = rows.map(({ entropy: h }) => h);
    expect(values).toEqual(values.toSorted((a, b) => b - a));
  });

  it('has a slope that is minus the dimension where a cloud is well sampled', async () => {
    // Evenly on a line of length 1: the kernel sum grows as h, so H falls as −ln h.
    const x = createMatrix(
      4000,
      1,
      Float64Array.from({ length: 4000 }, (_, i) => i / 4000),
    );
    const rows = await bandwidthScan(x, { from: 0.002, to: 0.01, count: 9 });
    for (const { slope } of rows) expect(slope).toBeCloseTo(-1, 1);
  });

  it('has the derivative of a parabola exactly, and of two points the line', async () => {
    const x = inGroups([3, 2, 1]);
    const bandwidths = [0.1, 0.2, 0.5];
    const rows = await bandwidthScan(x, { bandwidths });
    // The parabola in ln h through the three points, by Lagrange.
    const u = bandwidths.map(Math.log) as [number, number, number];
    const h = rows.map(({ entropy: value }) => value) as [number, number, number];
    for (const [i, { slope }] of rows.entries()) {
      const at = u[i]!;
      const term = (a: 0 | 1 | 2, b: 0 | 1 | 2, c: 0 | 1 | 2) =>
        (h[a] * (2 * at - u[b] - u[c])) / ((u[a] - u[b]) * (u[a] - u[c]));
      expect(slope).toBeCloseTo(term(0, 1, 2) + term(1, 0, 2) + term(2, 0, 1), 12);
    }
    const two = await bandwidthScan(x, { from: 0.1, to: 0.5, count: 2 });
    expect(two[0]?.slope).toBe(two[1]?.slope);
    expect(two[0]?.slope).toBeCloseTo((h[2] - h[0]) / Math.log(5), 12);
  });

  it('does not depend on threads', async () => {
    const x = inGroups([3, 2, 1]);
    expect(await bandwidthScan(x, { threads: 2 })).toEqual(await bandwidthScan(x, { threads: 1 }));
  });

  const x = inGroups([2]);
  const wrong: [string, Matrix, BandwidthScanOptions, string][] = [
    ['no environment', createMatrix(0, 1, new Float64Array(0)), {}, 'EMPTY_INPUT'],
    ['one bandwidth', x, { bandwidths: [0.1] }, 'INVALID_ARGUMENT'],
    ['bandwidths that do not ascend', x, { bandwidths: [0.1, 0.1] }, 'INVALID_ARGUMENT'],
    ['a bandwidth of 0', x, { bandwidths: [0, 0.1] }, 'INVALID_BANDWIDTH'],
    ['a range from 0', x, { from: 0 }, 'INVALID_BANDWIDTH'],
    ['a range that falls', x, { from: 1, to: 0.1 }, 'INVALID_BANDWIDTH'],
    ['a range to no number', x, { to: Number.NaN }, 'INVALID_BANDWIDTH'],
    ['a count of 1', x, { count: 1 }, 'INVALID_ARGUMENT'],
    ['half a count', x, { count: 2.5 }, 'INVALID_ARGUMENT'],
  ];
  it.each(wrong)('refuses %s', async (_, matrix, options, code) => {
    await expect(bandwidthScan(matrix, options)).rejects.toMatchObject({ name: 'SurprisalError', code });
  });
});

describe('neighbours of a substance', () => {
  it('are those of its crystal, on average', () => {
    // fcc copper, a = 3.615 Å: four atoms in a³.
    const density = (4 * 63.546) / (3.615 ** 3 * 0.602214076);
    const volume = (4 / 3) * Math.PI * 5 ** 3;
    expect(expectedNeighbors({ density, mass: 63.546, cutoff: 5 })).toBeCloseTo((4 * volume) / 3.615 ** 3, 9);
    expect(suggestedNeighbors({ density, mass: 63.546, cutoff: 5 })).toBe(44);
    expect(suggestedNeighbors({ density: 0.001, mass: 40, cutoff: 5 })).toBe(2);
  });

  property('reach as far as the cutoff that they fill', 10, (random) => {
    const substance = { density: random.between(0.1, 20), mass: random.between(1, 200) };
    const cutoff = random.between(2, 10);
    const k = expectedNeighbors({ ...substance, cutoff });
    expect(maxAbsDifference([neighborRadius({ ...substance, k })], [cutoff])).toBeLessThan(1e-12);
  });

  it.each([
    ['the density', { density: 0, mass: 1, cutoff: 1 }],
    ['the mass of an atom', { density: 1, mass: Number.NaN, cutoff: 1 }],
    ['the cutoff', { density: 1, mass: 1, cutoff: -1 }],
  ])('want %s above 0', (name, options) => {
    expect(() => expectedNeighbors(options)).toThrow(name);
    expect(() => neighborRadius({ density: 1, mass: 1, k: 0 })).toThrow('k is 0');
  });
});
