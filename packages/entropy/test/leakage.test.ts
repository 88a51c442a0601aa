import { atomCount, createMatrix, type Matrix, matrixRows, type Progress, stackMatrices } from '@surprisal/core';
import { quests } from '@surprisal/descriptors';
import {
  outsideTest,
  property,
  randomOrder,
  randomRotation,
  randomStream,
  randomStructure,
  renumber,
  rotate,
  translate,
} from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { differentialEntropy, type LeakageOptions, leakage } from '../src/index.ts';
import { inGroups, randomMatrix } from './made-environments.ts';
import { outsideEnvironments } from './outside-environments.ts';

const column = (...values: number[]) => createMatrix(values.length, 1, Float64Array.from(values));

const distance = (x: Matrix, i: number, y: Matrix, j: number) =>
  Math.hypot(...Array.from({ length: x.columns }, (_, c) => x.data[i * x.columns + c]! - y.data[j * x.columns + c]!));

describe('leakage', () => {
  it('counts what stands in both sets, exactly and nearly', async () => {
    const h = 0.015;
    const reach = h * Math.sqrt(2 * 1e-5);
    const train = column(0, 1, 2);
    const test = column(1, 5, 2 + 0.9 * reach, 2 - 1.1 * reach, 0);
    const result = await leakage(train, test);
    expect(result).toMatchObject({ bandwidth: h, epsilon: 1e-5, tolerance: 1e-9, radius: reach });
    expect(result.exact).toEqual({
      count: 2,
      share: 0.4,
      pairs: [
        { row: 0, of: 1, frame: null, ofFrame: null, distance: 0 },
        { row: 4, of: 0, frame: null, ofFrame: null, distance: 0 },
      ],
    });
    expect(result.near).toMatchObject({ count: 3, share: 0.6, pairs: [{ row: 2, of: 2 }] });
    expect(result.near.pairs[0]?.distance).toBeCloseTo(0.9 * reach, 12);
    expect(result.frames).toBe(null);
    expect(result.duplicates.train.environments.count).toBe(0);
    expect(result.test).toEqual({ environments: 5, frames: null });
  });

  it('is not near for having many around: δH is below 0 there, K with the nearest is not 1', async () => {
    const train = createMatrix(
      50,
      2,
      Float64Array.from({ length: 100 }, (_, i) => 0.01 * (i % 2 === 0 ? Math.cos(i / 2) : Math.sin((i - 1) / 2))),
    );
    const test = createMatrix(1, 2, new Float64Array(2));
    expect((await differentialEntropy(test, train))[0]).toBeLessThan(-3);
    expect((await leakage(train, test)).near.count).toBe(0);
    // K = exp(−0.01²/2·0.015²) = exp(−0.222) with every one of them.
    expect((await leakage(train, test, { epsilon: 0.2222 })).near.count).toBe(0);
    expect((await leakage(train, test, { epsilon: 0.2223 })).near.count).toBe(1);
  });

  it('knows frames by the environments they hold, each as often, in any order', async () => {
    const train = inGroups([1, 1, 1], [2, 1], [3], [1, 1, 1]);
    const trainFrames = Uint32Array.of(0, 3, 6, 9, 12);
    const test = column(1, 0, 0, 0, 1, 1, 2, 1, 0, 0, 0, 7);
    const testFrames = Uint32Array.of(0, 3, 6, 9, 9, 10, 12);
    const { frames, exact, duplicates } = await leakage(train, test, { trainFrames, testFrames });
    // {0,0,1} is frame 1; {0,1,1} none; {0,1,2} frame 0; then an empty frame, {0} and {0,7}.
    expect(frames).toEqual({
      count: 2,
      share: 2 / 6,
      pairs: [
        { frame: 0, of: 1 },
        { frame: 2, of: 0 },
      ],
    });
    expect(exact.count).toBe(11);
    expect(exact.pairs[0]).toEqual({ row: 0, of: 1, frame: 0, ofFrame: 0, distance: 0 });
    expect(duplicates.train.frames).toEqual({ count: 1, share: 0.25, pairs: [{ frame: 3, of: 0 }] });
    expect(duplicates.test.frames).toMatchObject({ count: 0 });
    expect(duplicates.train.environments).toMatchObject({ count: 9, share: 0.75 });
    expect(duplicates.train.environments.pairs[0]).toEqual({ row: 3, of: 0, frame: 1, ofFrame: 0, distance: 0 });
  });

  it('knows a frame that was turned, moved and renumbered', async () => {
    const random = randomStream(5);
    const structures = Array.from({ length: 4 }, () => randomStructure(random, { atoms: 12 }));
    const moved = structures.map((structure) =>
      renumber(
        translate(rotate(structure, randomRotation(random)), [random.between(-3, 3), 1, 2]),
        randomOrder(random, atomCount(structure)),
      ),
    );
    const counts = structures.map(atomCount);
    const offsets = Uint32Array.from([0, ...counts.map((_, f) => counts.slice(0, f + 1).reduce((a, b) => a + b))]);
    const descriptor = quests();
    const { exact, frames } = await leakage(
      await descriptor.compute(structures, {}),
      await descriptor.compute(moved, {}),
      { trainFrames: offsets, testFrames: offsets },
    );
    expect(exact.share).toBe(1);
    expect(frames?.pairs).toEqual([0, 1, 2, 3].map((frame) => ({ frame, of: frame })));
  });

  property(
    'knows a frame that is near: each environment near one of the other, in both directions',
    20,
    async (random) => {
      const columns = random.whole(1, 3);
      const sizes = Array.from({ length: 12 }, () => random.whole(0, 4));
      const offsetsOf = (counts: readonly number[]) =>
        Uint32Array.from([0, ...counts.map((_, f) => counts.slice(0, f + 1).reduce((a, b) => a + b))]);
      const trainFrames = offsetsOf(sizes);
      const train = randomMatrix(random, trainFrames.at(-1) ?? 0, columns, random.pick([0.005, 0.05]));
      if (train.rows === 0) return;
      // Frames of the training set in any order and moved a little or not at all, their environments too.
      const chosen = Array.from({ length: 15 }, () => random.whole(0, 11));
      const testFrames = offsetsOf(chosen.map((frame) => sizes[frame]!));
      const away = random.pick([0, 1e-11, 1e-4, 3e-3]);
      const rows = chosen.flatMap((frame) =>
        Array.from(randomOrder(random, sizes[frame]!), (i) => trainFrames[frame]! + i),
      );
      if (rows.length === 0) return;
      const test = createMatrix(
        rows.length,
        columns,
        Float64Array.from(
          rows.flatMap((row) => [...matrixRows(train, row, row + 1).data]),
          (value) => value + away * random.gaussian(),
        ),
      );
      const epsilon = random.pick([1e-5, 1e-2, 0.3]);
      const result = await leakage(train, test, { epsilon, trainFrames, testFrames, limit: 100 });
      const isNear = (x: Matrix, i: number, y: Matrix, from: number, to: number) => {
        for (let j = from; j < to; j++) if (distance(x, i, y, j) <= result.radius) return true;
        return false;
      };
      const expected = chosen.map((_, frame) => {
        const [start, end] = [testFrames[frame]!, testFrames[frame + 1]!];
        if (start === end) return -1;
        return sizes.findIndex((size, of) => {
          const [first, last] = [trainFrames[of]!, trainFrames[of + 1]!];
          if (size !== end - start) return false;
          for (let i = start; i < end; i++) if (!isNear(test, i, train, first, last)) return false;
          for (let j = first; j < last; j++) if (!isNear(train, j, test, start, end)) return false;
          return true;
        });
      });
      expect(result.nearFrames?.count).toBe(expected.filter((of) => of >= 0).length);
      const same = new Set(result.frames?.pairs.map(({ frame }) => frame));
      expect(result.nearFrames?.pairs).toEqual(
        expected.map((of, frame) => ({ frame, of })).filter(({ frame, of }) => of >= 0 && !same.has(frame)),
      );
      if (away <= 1e-11) expect(result.frames?.count).toBe(result.nearFrames?.count);
    },
  );

  it('a frame near none has its environments near those of several, or fewer', async () => {
    const train = column(0, 1, 2, 3, 4, 4);
    const trainFrames = Uint32Array.of(0, 2, 4, 6);
    const test = column(1e-5, 2, 0, 1 + 1e-5, 4 + 1e-5, 0, 1e-5, 1e-5);
    const testFrames = Uint32Array.of(0, 2, 4, 5, 6, 8);
    const { near, nearFrames, frames } = await leakage(train, test, { trainFrames, testFrames });
    expect(near.count).toBe(8);
    expect(frames?.count).toBe(0);
    expect(nearFrames).toEqual({ count: 1, share: 0.2, pairs: [{ frame: 1, of: 0 }] });
    expect((await leakage(train, test, { trainFrames })).nearFrames).toBe(null);
  });

  property('is what brute force finds', 20, async (random) => {
    const columns = random.whole(1, 6);
    const train = randomMatrix(random, random.whole(1, 60), columns, 0.02);
    const fresh = randomMatrix(random, random.whole(1, 40), columns, 0.02);
    // Some copies, some copies beside themselves.
    for (let row = 0; row < fresh.rows; row++) {
      if (!random.chance(0.5)) continue;
      const from = random.whole(0, train.rows - 1) * columns;
      const away = random.chance(0.5) ? 0 : random.pick([1e-10, 1e-5, 1e-3]);
      for (let c = 0; c < columns; c++)
        fresh.data[row * columns + c] = train.data[from + c]! + away * random.gaussian();
    }
    const epsilon = random.pick([1e-5, 1e-2, 1]);
    const { exact, near } = await leakage(train, fresh, { epsilon, limit: 1000 });
    const [equals, nears]: [number[], number[]] = [[], []];
    for (let row = 0; row < fresh.rows; row++) {
      const distances = Array.from({ length: train.rows }, (_, j) => distance(fresh, row, train, j));
      const nearest = Math.min(...distances);
      if (nearest <= 1e-9) equals.push(row);
      else if (nearest <= 0.015 * Math.sqrt(2 * epsilon)) {
        nears.push(row);
        const pair = near.pairs.find((candidate) => candidate.row === row);
        expect(pair?.distance).toBeCloseTo(nearest, 14);
        expect(distances[pair!.of]).toBeCloseTo(nearest, 14);
      }
    }
    expect(exact.pairs.map(({ row }) => row)).toEqual(equals);
    expect(near.pairs.map(({ row }) => row)).toEqual(nears);
    expect(near.count).toBe(equals.length + nears.length);
  });

  property('of a set with itself is everything, in either precision', 3, async (random) => {
    const x = randomMatrix(random, 200, 7, 0.02);
    const single = createMatrix(200, 7, Float32Array.from(x.data));
    for (const [train, test] of [
      [x, x],
      [single, single],
      [x, single],
    ] as const) {
      const { exact, near, duplicates, tolerance } = await leakage(train, test, { limit: 1 });
      expect(tolerance).toBe(train === x && test === x ? 1e-9 : 1e-6);
      expect(exact).toMatchObject({ count: 200, share: 1, pairs: [{ row: 0, of: 0 }] });
      expect(near).toMatchObject({ count: 200, pairs: [] });
      expect(duplicates.test.environments.count).toBe(0);
    }
  });

  it('takes rows wider than a call takes arguments', async () => {
    const x = createMatrix(2, 200_000, new Float64Array(400_000).fill(0.1).fill(0.2, 200_000));
    expect(await leakage(x, matrixRows(x, 1, 2))).toMatchObject({ exact: { count: 1 }, near: { count: 1 } });
  });

  it('at a tolerance of 0 wants the same numbers', async () => {
    const train = column(0.1, 0.2);
    const test = column(0.1, 0.1 + 0.2 - 0.1);
    expect((await leakage(train, test)).exact.count).toBe(2);
    expect((await leakage(train, test, { tolerance: 0 })).exact.count).toBe(1);
    expect((await leakage(column(0), column(-0), { tolerance: 0 })).exact.count).toBe(1);
  });

  it('takes linear time over a crystal, whose atoms are all equal', async () => {
    const random = randomStream(3);
    const x = createMatrix(
      50_000,
      8,
      Float64Array.from({ length: 400_000 }, () => 0.2 + 1e-16 * random.gaussian()),
    );
    const { exact, duplicates } = await leakage(x, matrixRows(x, 0, 1000));
    expect(exact.count).toBe(1000);
    expect(duplicates.train.environments.count).toBe(49_999);
  });

  it('ends when it is interrupted, and reports progress until then', async () => {
    const x = createMatrix(
      200_000,
      20,
      Float64Array.from({ length: 4_000_000 }, (_, i) => (i * 0.618) % 1),
    );
    const controller = new AbortController();
    const seen: Progress[] = [];
    const result = leakage(x, x, {
      signal: controller.signal,
      onProgress: (progress) => {
        seen.push(progress);
        controller.abort();
      },
    });
    await expect(result).rejects.toMatchObject({ code: 'ABORTED' });
    expect(seen).toMatchObject([{ stage: 'leakage', unit: 'environments', total: 600_000 }]);
  });

  const x = column(0, 1);
  const wrong: [string, Matrix, Matrix, LeakageOptions, string][] = [
    ['another width', x, createMatrix(1, 2, new Float64Array(2)), {}, 'DIMENSION_MISMATCH'],
    ['no training set', column(), x, {}, 'EMPTY_REFERENCE'],
    ['no test set', x, column(), {}, 'EMPTY_INPUT'],
    ['h = 0', x, x, { bandwidth: 0 }, 'INVALID_BANDWIDTH'],
    ['a negative epsilon', x, x, { epsilon: -1 }, 'INVALID_ARGUMENT'],
    ['an epsilon that is no number', x, x, { epsilon: Number.NaN }, 'INVALID_ARGUMENT'],
    ['a negative tolerance', x, x, { tolerance: -1 }, 'INVALID_ARGUMENT'],
    ['a limit that is no number', x, x, { limit: Number.NaN }, 'INVALID_ARGUMENT'],
    ['frames that do not fit', x, x, { trainFrames: Uint32Array.of(0, 1) }, 'INVALID_ARGUMENT'],
    ['numbers that are not finite', x, column(0, Number.NaN), {}, 'INVALID_ARGUMENT'],
  ];
  it.each(wrong)('refuses %s', async (_, train, test, options, code) => {
    await expect(leakage(train, test, options)).rejects.toMatchObject({ name: 'SurprisalError', code });
  });

  it('says which number is not finite', async () => {
    const broken = createMatrix(2, 2, Float64Array.of(0, 1, 2, Number.POSITIVE_INFINITY));
    await expect(leakage(broken, broken)).rejects.toThrow(/row 2, column 2 of the training set is Infinity/);
  });
});

describe('real data', () => {
  outsideTest('a published split shares no environment, and a planted copy is found', async (folder) => {
    const train = await outsideEnvironments(folder, 'rmd17/rmd17_benzene_train_01.xyz');
    const test = await outsideEnvironments(folder, 'rmd17/rmd17_benzene_test_01.xyz');
    const options = { trainFrames: train.offsets, testFrames: test.offsets };
    const apart = await leakage(train.x, test.x, options);
    expect(apart.exact.count).toBe(0);
    expect(apart.frames?.count).toBe(0);
    const planted = stackMatrices([matrixRows(test.x, 0, 11_988), matrixRows(train.x, 120, 132)]);
    const found = await leakage(train.x, planted, options);
    expect(found.exact.count).toBe(12);
    expect(found.frames).toMatchObject({ count: 1, pairs: [{ frame: 999, of: 10 }] });
    const moved = createMatrix(
      12_000,
      63,
      planted.data.map((value) => value + 1e-6),
    );
    const beside = await leakage(train.x, moved, options);
    expect(beside.frames?.count).toBe(0);
    expect(beside.nearFrames).toMatchObject({ count: 1, pairs: [{ frame: 999, of: 10 }] });
  });
});
