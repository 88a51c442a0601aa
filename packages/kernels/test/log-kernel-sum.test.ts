import { createMatrix, type Matrix, matrixRows, type Progress } from '@surprisal/core';
import { maxAbsDifference, property, type RandomStream } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { leaveOneOut, logKernelSum, logKernelSumMany, type RowWindows } from '../src/index.ts';

const backends = ['native', 'reference'] as const;

function randomMatrix(random: RandomStream, rows: number, columns: number, spread = 0.01): Matrix {
  const data = Float64Array.from({ length: rows * columns }, () => 0.2 + spread * random.gaussian());
  return createMatrix(rows, columns, data);
}

const inFloat32 = (x: Matrix) => createMatrix(x.rows, x.columns, Float32Array.from(x.data));
/** The float32 numbers of a matrix, held in float64: what a float32 kernel sum is the sum of. */
const rounded = (x: Matrix) => createMatrix(x.rows, x.columns, Float64Array.from(inFloat32(x).data));

const windows = (starts: readonly number[], ends: readonly number[]): RowWindows => ({
  starts: Uint32Array.from(starts),
  ends: Uint32Array.from(ends),
});

/** Rows of a matrix but those from `start` to `end`. */
function without(x: Matrix, start: number, end: number): Matrix {
  const { rows, columns, data } = x;
  const rest = Float64Array.of(...data.subarray(0, start * columns), ...data.subarray(end * columns));
  return createMatrix(rows - (end - start), columns, rest);
}

describe.each(backends)('the %s backend', (backend) => {
  it('counts equal rows: their distance is exactly 0', async () => {
    const x = createMatrix(5, 3, new Float64Array(15).fill(0.1234567));
    expect(await logKernelSum(x, x, { bandwidth: 0.001, backend })).toEqual(new Float64Array(5).fill(Math.log(5)));
    const y = inFloat32(x);
    expect(await logKernelSum(y, y, { bandwidth: 0.001, backend })).toEqual(new Float64Array(5).fill(Math.log(5)));
  });

  it('gives the kernel of two points', async () => {
    const x = createMatrix(1, 2, Float64Array.of(0, 0));
    const y = createMatrix(1, 2, Float64Array.of(0.003, 0.004));
    const [sum] = await logKernelSum(x, y, { bandwidth: 0.01, backend });
    expect(sum).toBeCloseTo(-0.125, 14);
  });

  it('stays finite and right where every kernel underflows', async () => {
    const x = createMatrix(2, 1, Float64Array.of(0, 500));
    const y = createMatrix(3, 1, Float64Array.of(1, 1, 2));
    const [near, far] = await logKernelSum(x, y, { bandwidth: 0.01, backend });
    expect(near).toBeCloseTo(Math.log(2) - 1 / 2e-4, 9);
    expect(far).toBeCloseTo(-(498 ** 2) / 2e-4, 2);
  });

  it('weighs references, and leaves out those of weight 0', async () => {
    const x = createMatrix(1, 1, Float64Array.of(0));
    const y = createMatrix(3, 1, Float64Array.of(0, 1, 5));
    const sum = async (...weights: number[]) =>
      (await logKernelSum(x, y, { bandwidth: 0.01, weights: Float64Array.from(weights), backend }))[0];
    expect(await sum(3, 1, 1)).toBeCloseTo(Math.log(3), 14);
    expect(await sum(0, 0, 2)).toBeCloseTo(Math.log(2) - 25 / 2e-4, 9);
  });

  it('weighs by numbers as large and as small as there are', async () => {
    const x = createMatrix(1, 1, Float64Array.of(0));
    const y = createMatrix(3, 1, Float64Array.of(0, 0, 0.02));
    for (const weight of [Number.MAX_VALUE, 1, Number.MIN_VALUE]) {
      const weights = new Float64Array(3).fill(weight);
      const [sum] = await logKernelSum(x, y, { bandwidth: 0.02, weights, backend });
      expect(Math.abs(sum! - Math.log(weight) - Math.log(2 + Math.exp(-0.5)))).toBeLessThan(1e-12);
    }
  });

  it('takes what weighs nothing beside the largest as what weighs nothing', async () => {
    const x = createMatrix(1, 1, Float64Array.of(0));
    const y = createMatrix(2, 1, Float64Array.of(0, 1));
    const weights = Float64Array.of(1e-300, 1e300);
    const options = { bandwidth: 0.01, weights, backend } as const;
    expect((await logKernelSum(x, y, options))[0]).toBeCloseTo(Math.log(1e300) - 5000, 9);
    const sums = logKernelSum(x, y, { ...options, leaveOut: windows([1], [2]) });
    await expect(sums).rejects.toMatchObject({ code: 'EMPTY_REFERENCE' });
  });

  it('takes bandwidths that are far apart: near and far, each at its own', async () => {
    const data = Float64Array.from({ length: 66 }, (_, i) => (i < 33 ? 0 : 1024) + (i % 33) / 2 ** 20);
    for (const x of [createMatrix(66, 1, data), createMatrix(66, 1, Float32Array.from(data))]) {
      const [narrow, wide, widest] = await logKernelSumMany(x, x, { bandwidths: [2 ** -10, 1024, 1e12], backend });
      for (let i = 0; i < 66; i++) {
        expect(narrow![i]).toBeCloseTo(Math.log(33), 3);
        expect(wide![i]).toBeCloseTo(Math.log(33 * (1 + Math.exp(-0.5))), 4);
        expect(widest![i]).toBeCloseTo(Math.log(66), 4);
      }
    }
  });

  it('leaves a row out of its own sum', async () => {
    const x = createMatrix(3, 1, Float64Array.of(0, 0, 0.03));
    const sums = await logKernelSum(x, x, { bandwidth: 0.01, leaveOut: leaveOneOut(3), backend });
    expect(sums[0]).toBeCloseTo(Math.log(1 + Math.exp(-4.5)), 14);
    expect(sums[1]).toBe(sums[0]);
    expect(sums[2]).toBeCloseTo(Math.log(2) - 4.5, 14);
  });

  it('leaves one of two out: what is left is the other, however far it lies', async () => {
    for (const kind of [Float64Array, Float32Array]) {
      const x = createMatrix(2, 1, kind.of(0, 0.875));
      const sums = await logKernelSum(x, x, { bandwidth: 0.015, leaveOut: leaveOneOut(2), backend });
      // −0.875² / (2 · 0.015²)
      for (const sum of sums) expect(sum).toBeCloseTo(-1701.388888888889, 9);
    }
  });

  it('stays finite for a row that nothing is near once it is left out itself', async () => {
    const x = createMatrix(400, 2, new Float64Array(800).fill(0.1));
    x.data[2 * 371] = 0.1 + 0.8276472678623424; // 1522 nats away, at h = 0.015
    const bandwidths = [0.015, 0.3];
    const [narrow, wide] = await logKernelSumMany(x, x, { bandwidths, leaveOut: leaveOneOut(400), backend });
    expect(narrow?.[371]).toBeCloseTo(Math.log(399) - 1522.222222222222, 9);
    expect(wide?.[371]).toBeCloseTo(Math.log(399) - 0.6849999999999999 / 0.18, 12);
    expect(narrow?.[0]).toBeCloseTo(Math.log(398), 14);
  });

  it('leaves nothing out where a window is empty', async () => {
    const x = createMatrix(3, 1, Float64Array.of(0, 0.01, 0.02));
    const leaveOut = windows([0, 1, 3], [0, 1, 3]);
    const all = await logKernelSum(x, x, { bandwidth: 0.01, backend });
    expect(maxAbsDifference(await logKernelSum(x, x, { bandwidth: 0.01, leaveOut, backend }), all)).toBeLessThan(1e-14);
  });

  it('means rows as they were given, whatever their weights', async () => {
    const x = createMatrix(1, 1, Float64Array.of(0));
    const y = createMatrix(5, 1, Float64Array.of(0, 0, 0.02, 0.04, 0.04));
    const weights = Float64Array.of(0, 3, 0, 5, 7);
    const sum = async (start: number, end: number) =>
      (await logKernelSum(x, y, { bandwidth: 0.02, weights, leaveOut: windows([start], [end]), backend }))[0];
    expect(await sum(0, 1)).toBeCloseTo(Math.log(3 + 12 * Math.exp(-2)), 14);
    expect(await sum(2, 3)).toBeCloseTo(Math.log(3 + 12 * Math.exp(-2)), 14);
    expect(await sum(0, 4)).toBeCloseTo(Math.log(7) - 2, 14);
    expect(await sum(2, 5)).toBeCloseTo(Math.log(3), 14);
    await expect(sum(1, 5)).rejects.toMatchObject({ code: 'EMPTY_REFERENCE' });
  });

  property('leaves out what a sum over the rest leaves out', 8, async (random) => {
    const columns = random.whole(1, 9);
    const x = randomMatrix(random, random.whole(2, 40), columns, 0.01);
    const y = randomMatrix(random, random.whole(2, 600), columns, random.between(0.001, 0.3));
    const starts = Array.from({ length: x.rows }, () => random.whole(0, y.rows - 1));
    const ends = starts.map((start) => random.whole(start, start === 0 ? y.rows - 1 : y.rows));
    const options = { bandwidths: [0.004, 0.03], backend };
    const sums = await logKernelSumMany(x, y, { ...options, leaveOut: windows(starts, ends) });
    for (let i = 0; i < x.rows; i++) {
      const rest = without(y, starts[i] as number, ends[i] as number);
      const query = createMatrix(1, columns, x.data.slice(i * columns, (i + 1) * columns));
      for (const [b, [expected]] of (await logKernelSumMany(query, rest, options)).entries()) {
        const error = Math.abs((sums[b]?.[i] as number) - (expected as number));
        expect(error, `query ${i}`).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(expected as number)));
      }
    }
  });

  it('has nothing to say of no query', async () => {
    const none = createMatrix(0, 2, new Float64Array(0));
    expect(await logKernelSum(none, createMatrix(1, 2, new Float64Array(2)), { bandwidth: 1, backend })).toHaveLength(
      0,
    );
  });

  it('does several bandwidths in one pass', async () => {
    const x = createMatrix(4, 2, Float64Array.of(0, 0, 0.01, 0, 0, 0.02, 1, 1));
    const bandwidths = [0.005, 0.015, 0.2];
    const many = await logKernelSumMany(x, x, { bandwidths, backend });
    // Tiles work in units of the narrowest, so another bandwidth may move the last digits.
    for (const [b, bandwidth] of bandwidths.entries()) {
      expect(maxAbsDifference(many[b]!, await logKernelSum(x, x, { bandwidth, backend }))).toBeLessThan(1e-13);
    }
  });

  it('ends when it is interrupted, and reports progress until then', async () => {
    const x = createMatrix(40_000, 63, new Float64Array(40_000 * 63).fill(0.1));
    const controller = new AbortController();
    const seen: Progress[] = [];
    const sums = logKernelSum(x, x, {
      bandwidth: 0.015,
      backend,
      signal: controller.signal,
      onProgress: (progress) => {
        seen.push(progress);
        if (seen.length === 3) controller.abort();
      },
    });
    await expect(sums).rejects.toMatchObject({ name: 'SurprisalError', code: 'ABORTED' });
    expect(seen[0]).toMatchObject({ stage: 'kernel sums', unit: 'environments', total: 40_000 });
    expect(seen.map(({ done }) => done)).toEqual(seen.map(({ done }) => done).toSorted((a, b) => a - b));
  });

  it('does not start when the signal has fired', async () => {
    const x = createMatrix(1, 1, new Float64Array(1));
    const sums = logKernelSum(x, x, { bandwidth: 1, backend, signal: AbortSignal.abort() });
    await expect(sums).rejects.toMatchObject({ code: 'ABORTED' });
  });

  const x = createMatrix(2, 2, Float64Array.of(1, 2, 3, 4));
  const wrong: [string, Promise<unknown> | (() => Promise<unknown>), string][] = [
    [
      'another width',
      () => logKernelSum(x, createMatrix(1, 1, new Float64Array(1)), { bandwidth: 1, backend }),
      'DIMENSION_MISMATCH',
    ],
    [
      'no reference',
      () => logKernelSum(x, createMatrix(0, 2, new Float64Array(0)), { bandwidth: 1, backend }),
      'EMPTY_REFERENCE',
    ],
    ['h = 0', () => logKernelSum(x, x, { bandwidth: 0, backend }), 'INVALID_BANDWIDTH'],
    ['h < 0', () => logKernelSum(x, x, { bandwidth: -1, backend }), 'INVALID_BANDWIDTH'],
    ['h = NaN', () => logKernelSum(x, x, { bandwidth: Number.NaN, backend }), 'INVALID_BANDWIDTH'],
    ['no bandwidth', () => logKernelSumMany(x, x, { bandwidths: [], backend }), 'INVALID_BANDWIDTH'],
    [
      'NaN',
      () => logKernelSum(createMatrix(1, 2, Float64Array.of(1, Number.NaN)), x, { bandwidth: 1, backend }),
      'INVALID_ARGUMENT',
    ],
    [
      'too few weights',
      () => logKernelSum(x, x, { bandwidth: 1, weights: Float64Array.of(1), backend }),
      'DIMENSION_MISMATCH',
    ],
    [
      'a negative weight',
      () => logKernelSum(x, x, { bandwidth: 1, weights: Float64Array.of(1, -1), backend }),
      'INVALID_ARGUMENT',
    ],
    [
      'a window too few',
      () => logKernelSum(x, x, { bandwidth: 1, leaveOut: windows([0], [1]), backend }),
      'DIMENSION_MISMATCH',
    ],
    [
      'a window that ends before it starts',
      () => logKernelSum(x, x, { bandwidth: 1, leaveOut: windows([0, 1], [1, 0]), backend }),
      'INVALID_ARGUMENT',
    ],
    [
      'a window past the references',
      () => logKernelSum(x, x, { bandwidth: 1, leaveOut: windows([0, 1], [1, 3]), backend }),
      'INVALID_ARGUMENT',
    ],
    [
      'windows that leave nothing',
      () => logKernelSum(x, x, { bandwidth: 1, leaveOut: windows([0, 0], [1, 2]), backend }),
      'EMPTY_REFERENCE',
    ],
    [
      'a row that is its own only reference',
      () =>
        logKernelSum(createMatrix(1, 1, new Float64Array(1)), createMatrix(1, 1, new Float64Array(1)), {
          bandwidth: 1,
          leaveOut: leaveOneOut(1),
          backend,
        }),
      'EMPTY_REFERENCE',
    ],
    [
      'weights of 0',
      () => logKernelSum(x, x, { bandwidth: 1, weights: new Float64Array(2), backend }),
      'EMPTY_REFERENCE',
    ],
  ];
  it.each(wrong)('refuses %s', async (_, call, code) => {
    await expect(call).rejects.toMatchObject({ name: 'SurprisalError', code });
  });
});

it('refuses threads that are no number', async () => {
  const x = createMatrix(1, 1, new Float64Array(1));
  await expect(logKernelSum(x, x, { bandwidth: 1, threads: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

/** For each query a window that holds not both the first and the last reference; some are equal to the one before. */
function someWindows(random: RandomStream, queries: Matrix, references: Matrix): RowWindows {
  const starts: number[] = [];
  const ends: number[] = [];
  for (let i = 0; i < queries.rows; i++) {
    const start = i > 0 && random.chance(0.5) ? (starts[i - 1] as number) : random.whole(0, references.rows - 1);
    const last = start === 0 ? references.rows - 1 : references.rows;
    starts.push(start);
    ends.push(start === starts[i - 1] && random.chance(0.5) ? (ends[i - 1] as number) : random.whole(start, last));
  }
  return windows(starts, ends);
}

describe('native equals reference', () => {
  property('float64: within 1e-12 relative, for any shape, bandwidths and weights', 30, async (random) => {
    const columns = random.whole(1, 80);
    const queries = randomMatrix(random, random.whole(1, 70), columns, random.between(0.001, 0.1));
    const references = randomMatrix(random, random.whole(1, 700), columns, random.between(0.001, 0.1));
    const bandwidths = Array.from({ length: random.whole(1, 4) }, () => random.between(0.003, 0.1));
    const weights = random.chance(0.5)
      ? Float64Array.from({ length: references.rows }, () => (random.chance(0.2) ? 0 : random.between(0, 3)))
      : undefined;
    if (weights !== undefined) weights[random.whole(0, references.rows - 1)] = 1;
    const leaveOut = references.rows > 1 && random.chance(0.6) ? someWindows(random, queries, references) : undefined;
    // So that something is left that counts.
    if (weights !== undefined && leaveOut !== undefined) weights[0] = weights[references.rows - 1] = 0.5;
    const options = { bandwidths, weights, leaveOut };
    const native = await logKernelSumMany(queries, references, {
      ...options,
      backend: 'native',
      threads: random.whole(1, 7),
    });
    const reference = await logKernelSumMany(queries, references, { ...options, backend: 'reference' });
    for (const [b, sums] of reference.entries()) {
      for (const [i, sum] of sums.entries()) {
        const error = Math.abs((native[b]?.[i] as number) - sum);
        expect(error, `bandwidth ${b}, query ${i}: ${sum}`).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(sum)));
      }
    }
  });

  property('float32: within 2e-5 + 1e-6 |ln s| of the sum over the same float32 numbers', 30, async (random) => {
    const columns = random.whole(1, 80);
    const spread = random.between(0.001, 0.05);
    const queries = rounded(randomMatrix(random, random.whole(1, 70), columns, spread));
    const references = rounded(randomMatrix(random, random.whole(1, 700), columns, spread));
    const leaveOut = references.rows > 1 && random.chance(0.6) ? someWindows(random, queries, references) : undefined;
    const options = { bandwidth: random.between(0.005, 0.1), leaveOut };
    const single = await logKernelSum(inFloat32(queries), inFloat32(references), { ...options, backend: 'native' });
    const reference = await logKernelSum(queries, references, { ...options, backend: 'reference' });
    for (const [i, sum] of reference.entries()) {
      const error = Math.abs((single[i] as number) - sum);
      expect(error, `query ${i}: ${sum}`).toBeLessThanOrEqual(2e-5 + 1e-6 * Math.abs(sum));
    }
  });

  it.each([1e-300, 1e-50, 1e30, 1e35, 1e40, 1e300])(
    'weights of %s, near and far, in both precisions',
    async (weight) => {
      const references = createMatrix(
        40,
        2,
        Float64Array.from({ length: 80 }, (_, i) => i / 64),
      );
      const queries = createMatrix(3, 2, Float64Array.of(0, 0.015625, 0.5, 1, 9, 9));
      const weights = new Float64Array(40).fill(weight);
      weights[3] = weight / 1e6;
      const options = { bandwidth: 0.03125, weights };
      const reference = await logKernelSum(queries, references, { ...options, backend: 'reference' });
      const double = await logKernelSum(queries, references, { ...options, backend: 'native' });
      const single = await logKernelSum(inFloat32(queries), inFloat32(references), { ...options, backend: 'native' });
      for (const [i, sum] of reference.entries()) {
        expect(Math.abs((double[i] as number) - sum)).toBeLessThan(1e-12 * Math.abs(sum) + 1e-12);
        expect(Math.abs((single[i] as number) - sum)).toBeLessThan(1e-6 * Math.abs(sum) + 2e-5);
      }
    },
  );

  it('has no references but those that were given, wherever the data lie', async () => {
    for (const place of [1e15, -1e18, 1e-300]) {
      const x = createMatrix(1, 1, Float64Array.of(place));
      expect(await logKernelSum(x, x, { bandwidth: 0.015, backend: 'native' })).toEqual(Float64Array.of(0));
      expect(await logKernelSum(inFloat32(x), inFloat32(x), { bandwidth: 0.015 })).toEqual(Float64Array.of(0));
    }
  });

  property('queries far from everything, in number: as the reference, at several bandwidths', 5, async (random) => {
    const references = randomMatrix(random, random.whole(500, 1200), 9, 0.01);
    const queries = randomMatrix(random, 70, 9, random.between(0.3, 30));
    const options = { bandwidths: [0.01, 0.1, 5] };
    const reference = await logKernelSumMany(queries, references, { ...options, backend: 'reference' });
    const native = await logKernelSumMany(queries, references, { ...options, backend: 'native' });
    for (const [b, sums] of reference.entries()) {
      for (const [i, sum] of sums.entries()) {
        const error = Math.abs((native[b]?.[i] as number) - sum);
        expect(error, `bandwidth ${b}, query ${i}: ${sum}`).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(sum)));
      }
    }
  });

  property('a matrix of each precision: as if both were float64', 5, async (random) => {
    const queries = rounded(randomMatrix(random, 20, 7));
    const references = randomMatrix(random, 300, 7);
    const mixed = await logKernelSum(inFloat32(queries), references, { bandwidth: 0.015 });
    expect(mixed).toEqual(await logKernelSum(queries, references, { bandwidth: 0.015 }));
  });

  property('1, 2 and 7 threads give the same bits, few queries or many', 6, async (random) => {
    const references = randomMatrix(random, 20_000, 5);
    for (const rows of [1, 5, 300]) {
      const queries = randomMatrix(random, rows, 5);
      const one = await logKernelSum(queries, references, { bandwidth: 0.015, backend: 'native', threads: 1 });
      for (const threads of [2, 7]) {
        expect(await logKernelSum(queries, references, { bandwidth: 0.015, backend: 'native', threads })).toEqual(one);
      }
      const alone = createMatrix(1, 5, queries.data.slice(0, 5));
      expect((await logKernelSum(alone, references, { bandwidth: 0.015, backend: 'native' }))[0]).toBe(one[0]);
    }
  });

  property('leave one out: 1, 2 and 7 threads, and a part of the rows alone, give the same bits', 3, async (random) => {
    const x = randomMatrix(random, random.whole(9000, 20_000), 5);
    for (const matrix of [x, inFloat32(x)]) {
      const options = { bandwidth: 0.004, backend: 'native' } as const;
      const one = await logKernelSum(matrix, matrix, { ...options, leaveOut: leaveOneOut(x.rows), threads: 1 });
      for (const threads of [2, 7]) {
        expect(await logKernelSum(matrix, matrix, { ...options, leaveOut: leaveOneOut(x.rows), threads })).toEqual(one);
      }
      for (const rows of [1, 3, 1000]) {
        const first = random.whole(0, x.rows - rows);
        const part = await logKernelSum(matrixRows(matrix, first, first + rows), matrix, {
          ...options,
          leaveOut: leaveOneOut(rows, first),
        });
        expect(part).toEqual(one.slice(first, first + rows));
      }
    }
  });

  property('over a shared buffer: as over an ordinary one', 3, async (random) => {
    const x = randomMatrix(random, 500, 63);
    const shared = new Float64Array(new SharedArrayBuffer(x.data.byteLength));
    shared.set(x.data);
    const y = createMatrix(500, 63, shared);
    const [a, b] = await Promise.all([
      logKernelSum(x, x, { bandwidth: 0.015 }),
      logKernelSum(y, y, { bandwidth: 0.015 }),
    ]);
    expect(maxAbsDifference(a, b)).toBe(0);
  });
});
