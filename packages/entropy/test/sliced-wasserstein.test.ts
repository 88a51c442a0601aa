import { createMatrix, type Matrix, type Progress } from '@surprisal/core';
import { property } from '@surprisal/testing';
import { expect, it } from 'vitest';
import { slicedWasserstein } from '../src/index.ts';
import { randomMatrix, ranks } from './made-environments.ts';

const points = (...places: number[]) => createMatrix(places.length, 1, Float64Array.from(places));

function shifted(x: Matrix, by: number): Matrix {
  return createMatrix(
    x.rows,
    x.columns,
    Float64Array.from(x.data, (value, i) => (i % x.columns === 0 ? value + by : value)),
  );
}

/** Each row of a matrix as often as it takes. */
function repeated(x: Matrix, times: number): Matrix {
  const data = Float64Array.from({ length: x.data.length * times }, (_, i) => x.data[i % x.data.length] as number);
  return createMatrix(x.rows * times, x.columns, data);
}

it('in one dimension is the area between the distributions', async () => {
  expect(await slicedWasserstein(points(0, 1), points(3, 2))).toBe(2);
  expect(await slicedWasserstein(points(5), points(1, 2, 6))).toBeCloseTo((4 + 3 + 1) / 3, 14);
  // Quantiles 0, 1 (halves) against 0, 3, 6 (thirds): 0·⅓ + 3·⅙ + 2·⅙ + 5·⅓.
  expect(await slicedWasserstein(points(1, 0), points(0, 3, 6))).toBeCloseTo(3 / 6 + 2 / 6 + 5 / 3, 14);
});

property('is 0 for the same points in the same shares, in any order and number', 5, async (random) => {
  const x = randomMatrix(random, random.whole(1, 40), random.whole(1, 8), 1);
  const rows = Array.from({ length: x.rows }, (_, i) => x.data.subarray(i * x.columns, (i + 1) * x.columns));
  const reversed = createMatrix(x.rows, x.columns, Float64Array.from(rows.toReversed().flatMap((row) => [...row])));
  expect(await slicedWasserstein(x, reversed)).toBe(0);
  expect(await slicedWasserstein(repeated(x, 2), repeated(reversed, 3))).toBeLessThan(1e-15);
});

property('is symmetric, and of equal sizes and unequal sizes what repeated points make of it', 5, async (random) => {
  const y = randomMatrix(random, 6, 3, 1);
  const x = randomMatrix(random, 10, 3, 2);
  const distance = await slicedWasserstein(y, x);
  expect(await slicedWasserstein(x, y)).toBe(distance);
  expect(await slicedWasserstein(repeated(y, 5), repeated(x, 3))).toBeCloseTo(distance, 13);
});

property('of a shift by Δ is 0.798 |Δ|/√d for many dimensions', 3, async (random) => {
  const d = 40;
  const x = randomMatrix(random, 30, d, 1);
  const distance = await slicedWasserstein(x, shifted(x, 5), { projections: 2000, seed: random.whole(0, 1e6) });
  // |cos| of a random direction spreads by 0.6/√d: five standard errors.
  expect(Math.abs(distance * Math.sqrt(d) - 5 * Math.sqrt(2 / Math.PI))).toBeLessThan(
    (5 * 5 * 0.61) / Math.sqrt(2000) + 0.03,
  );
});

property('is the same for any number of ranks, and depends on the seed', 2, async (random) => {
  const y = randomMatrix(random, 200, 5, 1);
  const x = randomMatrix(random, 150, 5, 1);
  const alone = await slicedWasserstein(y, x, { projections: 10, seed: 4 });
  for (const size of [2, 3, 12]) {
    const distances = await Promise.all(
      ranks(size).map((communicator) => slicedWasserstein(y, x, { projections: 10, seed: 4, communicator })),
    );
    expect(new Set(distances)).toEqual(new Set([alone]));
  }
  expect(await slicedWasserstein(y, x, { projections: 10, seed: 5 })).not.toBe(alone);
});

it('reports progress, and ends when it is interrupted', async () => {
  const x = createMatrix(60_000, 30, new Float64Array(1_800_000).fill(0.5));
  const controller = new AbortController();
  const seen: Progress[] = [];
  const distance = slicedWasserstein(x, x, {
    signal: controller.signal,
    onProgress: (progress) => {
      seen.push(progress);
      if (seen.length === 3) controller.abort();
    },
  });
  await expect(distance).rejects.toMatchObject({ code: 'ABORTED' });
  expect(seen[0]).toMatchObject({ unit: 'projections', total: 128 });
});

it.each([
  ['no projection', { projections: 0 }, 'INVALID_ARGUMENT'],
  ['half a projection', { projections: 1.5 }, 'INVALID_ARGUMENT'],
  ['a seed that is no number', { seed: Number.NaN }, 'INVALID_ARGUMENT'],
])('refuses %s', async (_, options, code) => {
  await expect(slicedWasserstein(points(1), points(2), options)).rejects.toMatchObject({
    name: 'SurprisalError',
    code,
  });
});

it('refuses what is no set of points of one kind', async () => {
  await expect(slicedWasserstein(points(), points(1))).rejects.toMatchObject({ code: 'EMPTY_INPUT' });
  await expect(slicedWasserstein(points(1), points(1, Number.NaN))).rejects.toThrow(/row 2 of a set is not finite/);
  await expect(slicedWasserstein(points(1), createMatrix(1, 2, new Float64Array(2)))).rejects.toMatchObject({
    code: 'DIMENSION_MISMATCH',
  });
});
