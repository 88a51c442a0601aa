import { createMatrix, type Matrix, type Progress } from '@surprisal/core';
import { property } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import {
  compareSets,
  differentialEntropy,
  divergence,
  overlap,
  type SetComparison,
  slicedWasserstein,
} from '../src/index.ts';
import { randomMatrix, ranks } from './made-environments.ts';

const points = (...places: number[]) => createMatrix(places.length, 1, Float64Array.from(places));

describe.each(['native', 'reference'] as const)('compareSets, %s', (backend) => {
  property('gives for each pair what the functions for two sets give', 3, async (random) => {
    const sets = [0.01, 0.012, 0.02].map((spread) => randomMatrix(random, random.whole(1, 70), 3, spread));
    const bandwidths = [0.004, 0.03];
    const options = { seed: 5, projections: 9, backend };
    const comparison = await compareSets(sets, { ...options, bandwidths, epsilon: 0.5 });
    expect(comparison).toMatchObject({ seed: 5, projections: 9 });
    for (const [b, map] of comparison.maps.entries()) {
      const bandwidth = bandwidths[b] as number;
      expect(map.bandwidth).toBe(bandwidth);
      for (const [i, y] of sets.entries()) {
        for (const [j, x] of sets.entries()) {
          const dH = await differentialEntropy(y, x, { bandwidth, backend });
          expect(map.overlap[i]?.[j]).toBeCloseTo(overlap(dH, 0.5), 14);
          if (i === j) continue;
          const expected = await divergence(y, x, { bandwidth, backend });
          // Several bandwidths in one pass may move the last digits.
          expect(map.crossEntropy[i]?.[j]).toBeCloseTo(expected.crossEntropy as number, 12);
          expect(map.kullbackLeibler[i]?.[j]).toBeCloseTo(expected.kullbackLeibler as number, 12);
          expect(map.jensenShannon[i]?.[j]).toBeCloseTo(expected.jensenShannon as number, 12);
          expect(map.isolated[i]).toBe(expected.isolated[0]);
          expect(comparison.slicedWasserstein[i]?.[j]).toBe(await slicedWasserstein(y, x, options));
        }
      }
    }
  });

  it('has 0 on the diagonal of divergences, 1 on that of the overlap, and the entropy of the set', async () => {
    const sets = [points(0, 0.01, 0.01, 0.03), points(2, 2.01)];
    const { maps, slicedWasserstein: distances } = await compareSets(sets, { bandwidths: [0.01], backend });
    const map = maps[0]!;
    expect(map.overlap).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(map.jensenShannon).toEqual([
      [0, expect.closeTo(Math.LN2, 14)],
      [expect.closeTo(Math.LN2, 14), 0],
    ]);
    expect([map.kullbackLeibler[0]![0], map.kullbackLeibler[1]![1]]).toEqual([0, 0]);
    expect(map.crossEntropy[1]![1]).toBeCloseTo(0.5, 11);
    expect([distances[0]![0], distances[1]![1]]).toEqual([0, 0]);
  });

  it('counts the environments that stand in both sets', async () => {
    const sets = [points(0, 0.5, 0.5, 7), points(0.5 + 1e-10, 9), points(1, 2)];
    const { shared } = await compareSets(sets, { bandwidths: [0.1], backend });
    expect(shared).toEqual([
      [4, 2, 0],
      [1, 2, 0],
      [0, 0, 2],
    ]);
  });

  it('says null where there is nothing to say', async () => {
    const scattered = points(0, 10, 20, 30, 40);
    const sets = [points(0.5), points(0.1, 0.2, 0.3), scattered];
    const { maps, slicedWassersteinFloor } = await compareSets(sets, { bandwidths: [0.1], backend });
    expect(maps[0]).toMatchObject({
      isolated: [1, 0, 5],
      kullbackLeiblerFloor: [null, null, null],
      jensenShannonFloor: [null, null, null],
      crossEntropy: [
        [null, null, null],
        [expect.any(Number), expect.any(Number), expect.any(Number)],
        [null, null, null],
      ],
      jensenShannon: [
        [null, null, null],
        [null, 0, null],
        [null, null, null],
      ],
    });
    expect(maps[0]?.overlap[0]).toEqual([1, 0, 0]);
    expect(slicedWassersteinFloor).toEqual([null, null, expect.any(Number)]);
  });
});

property('two samples of one distribution differ by no more than a few of their floors', 2, async (random) => {
  const sets = [randomMatrix(random, 3000, 3, 1), randomMatrix(random, 3000, 3, 1), randomMatrix(random, 3000, 3, 1.5)];
  const { maps, slicedWasserstein: distances, slicedWassersteinFloor } = await compareSets(sets, { bandwidths: [0.4] });
  const { kullbackLeibler, kullbackLeiblerFloor, jensenShannon, jensenShannonFloor } = maps[0]!;
  for (const floor of [...kullbackLeiblerFloor, ...jensenShannonFloor]) {
    expect(Math.abs(floor as number)).toBeLessThan(0.15);
  }
  expect(Math.abs(kullbackLeibler[0]![1] as number)).toBeLessThan(0.06);
  expect(Math.abs(jensenShannon[0]![1] as number)).toBeLessThan(0.06);
  expect(kullbackLeibler[2]![0] as number).toBeGreaterThan(0.2);
  expect(distances[0]![1]).toBeLessThan(3 * (slicedWassersteinFloor[0] as number));
  expect(distances[2]![0]).toBeGreaterThan(2 * (slicedWassersteinFloor[2] as number));
});

property('floors depend on the set and the seed alone', 1, async (random) => {
  const [a, b] = [randomMatrix(random, 40, 2, 0.02), randomMatrix(random, 50, 2, 0.02)];
  const floors = ({ maps, slicedWassersteinFloor }: SetComparison, i: number) => [
    slicedWassersteinFloor[i],
    maps[0]?.kullbackLeiblerFloor[i],
    maps[0]?.jensenShannonFloor[i],
  ];
  const options = { bandwidths: [0.02], seed: 3 };
  const expected = floors(await compareSets([a], options), 0);
  expect(floors(await compareSets([b, a], options), 1)).toEqual(expected);
  expect(floors(await compareSets([a], { ...options, seed: 4 }), 0)).not.toEqual(expected);
});

property('any number of ranks and threads gives the same bits, in float64 and float32', 1, async (random) => {
  const inFloat32 = (x: Matrix) => createMatrix(x.rows, x.columns, Float32Array.from(x.data));
  const sets = [randomMatrix(random, 2300, 3, 0.02), randomMatrix(random, 1500, 3, 0.02), points3(random.gaussian())];
  for (const made of [sets, sets.map(inFloat32)]) {
    const options = { bandwidths: [0.005, 0.02], projections: 7 };
    const alone = await compareSets(made, options);
    expect(await compareSets(made, { ...options, threads: 1 })).toEqual(alone);
    for (const size of [2, 5]) {
      const results = await Promise.all(
        ranks(size).map((communicator) => compareSets(made, { ...options, communicator })),
      );
      for (const result of results) expect(result).toEqual(alone);
    }
  }
});

/** One row of three columns. */
function points3(place: number): Matrix {
  return createMatrix(1, 3, Float64Array.of(place, 0, 0));
}

it('reports how far all passes together are, and ends when it is interrupted', async () => {
  const sets = [2000, 1200].map((rows) => createMatrix(rows, 30, new Float64Array(rows * 30).fill(0.1)));
  const seen: Progress[] = [];
  const onProgress = (progress: Progress) => seen.push(progress);
  await compareSets(sets, { bandwidths: [0.015], backend: 'reference', projections: 1, onProgress });
  const pairs = seen.filter(({ unit }) => unit === 'pairs');
  // Every set against every set, and all pairs of each set once more in halves.
  expect(pairs[0]).toMatchObject({ stage: 'comparing sets', total: 3200 ** 2 + 2000 ** 2 + 1200 ** 2 });
  const done = pairs.map((progress) => progress.done);
  expect(done).toEqual(done.toSorted((a, b) => a - b));
  const controller = new AbortController();
  const comparing = compareSets(sets, {
    bandwidths: [0.015],
    backend: 'reference',
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await expect(comparing).rejects.toMatchObject({ code: 'ABORTED' });
});

const x = points(1, 2);
it.each<[string, Matrix[], object, string, RegExp]>([
  ['no set', [], {}, 'EMPTY_INPUT', /no set/],
  ['an empty set', [x, points()], {}, 'EMPTY_INPUT', /set 2 has no environment/],
  ['sets of two widths', [x, createMatrix(1, 2, new Float64Array(2))], {}, 'DIMENSION_MISMATCH', /set 2 has 2 columns/],
  ['h = 0', [x], { bandwidths: [0] }, 'INVALID_BANDWIDTH', /bandwidth/],
  ['no bandwidth', [points(3)], { bandwidths: [] }, 'INVALID_BANDWIDTH', /no bandwidth/],
  ['NaN', [x, points(Number.NaN)], {}, 'INVALID_ARGUMENT', /finite/],
  ['an epsilon that is no number', [x], { epsilon: Number.NaN }, 'INVALID_ARGUMENT', /epsilon/],
  ['a seed of 0.5', [x], { seed: 0.5 }, 'INVALID_ARGUMENT', /seed/],
  ['no projection', [x], { projections: 0 }, 'INVALID_ARGUMENT', /projections/],
])('refuses %s', async (_, sets, options, code, words) => {
  const comparing = compareSets(sets, { bandwidths: [1], ...options });
  await expect(comparing).rejects.toMatchObject({
    name: 'SurprisalError',
    code,
    message: expect.stringMatching(words),
  });
});
