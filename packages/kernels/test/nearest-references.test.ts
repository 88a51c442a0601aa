import { createMatrix, type Matrix, type Progress } from '@surprisal/core';
import { property, type RandomStream } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { leaveOneOut, NO_REFERENCE, nearestReferences } from '../src/index.ts';

const backends = ['native', 'reference'] as const;

function randomMatrix(random: RandomStream, rows: number, columns: number): Matrix {
  const data = Float64Array.from({ length: rows * columns }, () => 0.2 + 0.01 * random.gaussian());
  return createMatrix(rows, columns, data);
}

const inFloat32 = (x: Matrix) => createMatrix(x.rows, x.columns, Float32Array.from(x.data));

describe.each(backends)('the %s backend', (backend) => {
  const line = createMatrix(5, 1, Float64Array.of(0, 3, 1, 1, 7));

  it('finds the nearest, nearest first, and of equally near ones the earlier row', async () => {
    const { k, rows, distances } = await nearestReferences(createMatrix(1, 1, Float64Array.of(1)), line, {
      k: 4,
      backend,
    });
    expect(k).toBe(4);
    expect([...rows]).toEqual([2, 3, 0, 1]);
    expect([...distances]).toEqual([0, 0, 1, 2]);
  });

  it('looks for one unless told otherwise', async () => {
    const { k, rows } = await nearestReferences(line, line, { backend });
    expect(k).toBe(1);
    expect([...rows]).toEqual([0, 1, 2, 2, 4]);
  });

  it('leaves a row out of its own search', async () => {
    const { rows, distances } = await nearestReferences(line, line, { leaveOut: leaveOneOut(5), backend });
    expect([...rows]).toEqual([2, 2, 3, 2, 1]);
    expect([...distances]).toEqual([1, 2, 0, 0, 4]);
  });

  it('counts neither what is too near nor what is too far: the nearer border is left out, the farther one is not', async () => {
    const { rows, distances } = await nearestReferences(line, line, { k: 2, beyond: 1, within: 3, backend });
    expect([...rows]).toEqual([1, NO_REFERENCE, 2, 3, 1, NO_REFERENCE, 1, NO_REFERENCE, NO_REFERENCE, NO_REFERENCE]);
    expect(distances[1]).toBe(Number.POSITIVE_INFINITY);
    expect((await nearestReferences(line, line, { beyond: 0, backend })).rows[2]).toBe(0);
  });

  it('says where there are fewer', async () => {
    const pair = createMatrix(2, 1, Float64Array.of(0, 1));
    const { rows, distances } = await nearestReferences(pair, pair, { k: 3, leaveOut: leaveOneOut(2), backend });
    expect([...rows]).toEqual([1, NO_REFERENCE, NO_REFERENCE, 0, NO_REFERENCE, NO_REFERENCE]);
    expect([...distances.subarray(0, 3)]).toEqual([1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
  });

  it('takes no queries', async () => {
    const { rows } = await nearestReferences(createMatrix(0, 1, new Float64Array(0)), line, { k: 2, backend });
    expect(rows.length).toBe(0);
  });

  it('tells how far it is and stops when it is told to', async () => {
    // Without any order (xorshift): no box leaves anything out.
    let state = 1;
    const data = Float32Array.from({ length: 20_000 * 63 }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state / 2 ** 31;
    });
    const x = createMatrix(20_000, 63, data);
    const controller = new AbortController();
    const seen: Progress[] = [];
    const search = nearestReferences(x, x, {
      k: 3,
      backend,
      signal: controller.signal,
      onProgress: (progress) => {
        seen.push(progress);
        controller.abort(new Error('enough'));
      },
    });
    await expect(search).rejects.toMatchObject({ code: 'ABORTED' });
    expect(seen[0]).toMatchObject({ stage: 'nearest references', total: x.rows, unit: 'environments' });
  });

  const x = createMatrix(2, 2, Float64Array.of(0, 1, 2, 3));
  it.each([
    ['two widths', x, line, {}, 'DIMENSION_MISMATCH', /2 columns.*1/],
    ['no reference', x, createMatrix(0, 2, new Float64Array(0)), {}, 'EMPTY_REFERENCE', /no reference/],
    ['k of 0', x, x, { k: 0 }, 'INVALID_ARGUMENT', /k is 0/],
    ['k of 1.5', x, x, { k: 1.5 }, 'INVALID_ARGUMENT', /k is 1.5/],
    ['a k beyond reason', x, x, { k: 5000 }, 'INVALID_ARGUMENT', /1024/],
    ['a negative distance', x, x, { within: -1 }, 'INVALID_ARGUMENT', /within is -1/],
    ['no distance', x, x, { beyond: Number.NaN }, 'INVALID_ARGUMENT', /beyond is NaN/],
    ['numbers that are none', createMatrix(1, 2, Float64Array.of(0, Number.NaN)), x, {}, 'INVALID_ARGUMENT', /queries/],
    ['too few windows', x, x, { leaveOut: leaveOneOut(1) }, 'DIMENSION_MISMATCH', /one of each/],
    ['windows past the end', x, x, { leaveOut: leaveOneOut(2, 1) }, 'INVALID_ARGUMENT', /past the last/],
  ] as const)('refuses %s', async (_, queries, references, options, code, words) => {
    await expect(nearestReferences(queries, references, { ...options, backend })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(words),
    });
  });
});

describe('both backends', () => {
  property('give the same bits, in every precision, whatever is left out', 40, async (random) => {
    const [m, n, columns, k] = [random.whole(1, 60), random.whole(1, 300), random.whole(1, 70), random.whole(1, 9)];
    let references = randomMatrix(random, n, columns);
    let queries = random.chance(0.5) ? references : randomMatrix(random, m, columns);
    // Copies, so that rows tie.
    for (let i = 0; i < n; i += 3) references.data.copyWithin(i * columns, 0, columns);
    if (random.chance(0.5)) [queries, references] = [inFloat32(queries), inFloat32(references)];
    const starts = Uint32Array.from({ length: queries.rows }, () => random.whole(0, n));
    const ends = starts.map((start) => random.whole(start, n));
    const options = {
      k,
      ...(random.chance(0.5) ? {} : { leaveOut: { starts, ends } }),
      ...(random.chance(0.5) ? {} : { beyond: 0, within: 0.05 * Math.sqrt(columns) }),
    };
    const expected = await nearestReferences(queries, references, { ...options, backend: 'reference' });
    for (const threads of [1, 2, 7]) {
      expect(await nearestReferences(queries, references, { ...options, backend: 'native', threads })).toEqual(
        expected,
      );
    }
  });
});
