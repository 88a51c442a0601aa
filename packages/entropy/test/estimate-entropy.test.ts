import { createMatrix, type Matrix, selectRows } from '@surprisal/core';
import { logKernelSumMany } from '@surprisal/kernels';
import { longTests, outsideTest, type RandomStream, randomStream } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { estimateFromSums } from '../src/estimate-entropy.ts';
import { entropyMany, estimateEntropy, estimateEntropyMany } from '../src/index.ts';
import { randomMatrix, ranks } from './made-environments.ts';
import { outsideEnvironments } from './outside-environments.ts';

/** Runs of which an interval has to hold the truth in nearly 95 of 100. */
const RUNS = longTests ? 400 : 60;
/**
 * The least that is accepted: 93 % of 400 runs; of 60, what a coverage of 95 % falls short of once in 10,000 times (the
 * binomial distribution: P(X ≤ 49 | 60, 0.95) = 3e-5, P(X ≤ 50) = 1.2e-4).
 */
const LEAST = longTests ? 372 : 50;

/** Rows of numbers by a rule. */
function made(rows: number, columns: number, row: (i: number, random: RandomStream) => (c: number) => number): Matrix {
  const random = randomStream(5);
  const data = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const number = row(i, random);
    for (let c = 0; c < columns; c++) data[i * columns + c] = number(c);
  }
  return createMatrix(rows, columns, data);
}

const ROWS = 8000;

/** Sets on which an interval could be wrong, each with the bandwidths and the tolerance of the estimate. */
const HARD: Readonly<Record<string, { readonly x: () => Matrix; readonly tolerance: number }>> = {
  'a crystal with 0.2 % defects that are alike': {
    x: () => crystal((i, c, random) => (i < 0.002 * ROWS ? 8 * Number(c === 0) + random.gaussian() : undefined)),
    tolerance: 0.02,
  },
  'a crystal with 0.2 % defects, no two alike': {
    x: () => crystal((i, c, random) => (i < 0.002 * ROWS ? 8 * Number(c === 0) + 10 * random.gaussian() : undefined)),
    tolerance: 0.02,
  },
  'heavy tails': {
    x: () =>
      made(ROWS, 8, (_, random) => {
        const size = Math.exp(1.2 * Math.abs(random.gaussian()));
        return () => size * random.gaussian();
      }),
    tolerance: 0.05,
  },
  'four phases, from 90 % to 0.1 %': {
    x: () =>
      made(ROWS, 8, (i, random) => {
        const phase = [0.9, 0.99, 0.999, 1].findIndex((share) => i < share * ROWS);
        return (c) => 6 * Number(c === phase) + [0.1, 0.3, 0.5, 1][phase]! * random.gaussian();
      }),
    tolerance: 0.02,
  },
  'all equal': { x: () => made(ROWS, 8, () => () => 1), tolerance: 0.01 },
  'all distinct': { x: () => made(ROWS, 8, (_, random) => () => 30 * random.gaussian()), tolerance: 0.02 },
  'hardly any two alike, but for 0.3 % in clusters too small for references to meet': {
    x: () =>
      made(ROWS, 8, (i, random) => {
        const cluster = Math.floor(i / 12);
        return (c) => (i < 0.003 * ROWS ? 500 + cluster * (c + 1) : 30 * random.gaussian());
      }),
    tolerance: 0.02,
  },
  'half of it alone, half in groups of thirty': {
    x: () =>
      made(ROWS, 8, (i, random) => {
        const group = 100 + 10 * Math.floor(i / 60);
        return () => (i % 2 === 0 ? 30 * random.gaussian() : group + 0.1 * random.gaussian());
      }),
    tolerance: 0.1,
  },
};

/** One environment, rattled, and others where a rule says so. */
function crystal(other: (i: number, c: number, random: RandomStream) => number | undefined): Matrix {
  return made(ROWS, 8, (i, random) => (c) => other(i, c, random) ?? 0.02 * random.gaussian());
}

/** In how many of the runs, each with a seed of its own, the intervals hold the truth. */
async function coverage(x: Matrix, bandwidths: readonly number[], tolerance: number) {
  const all = await logKernelSumMany(x, x, { bandwidths });
  const truth = await entropyMany(x, { bandwidths });
  const sums = {
    expect: () => {},
    // Sums over all rows were made once.
    of: async (rows: Uint32Array | null, references: Uint32Array | null) =>
      references === null && rows !== null
        ? all.map((logSums) => Float64Array.from(rows, (row) => logSums[row]!))
        : logKernelSumMany(rows === null ? x : selectRows(x, rows), selectRows(x, references ?? []), { bandwidths }),
  };
  const counts = bandwidths.map(() => ({ entropy: 0, diversity: 0 }));
  let queries = 0;
  for (let seed = 0; seed < RUNS; seed++) {
    const results = await estimateFromSums(sums, x.rows, { bandwidths, tolerance, seed });
    if (results === undefined) throw new Error('these rows may as well be asked all');
    for (const [b, { entropy, diversity, estimate }] of results.entries()) {
      const holds = ([low, high]: readonly [number, number], value: number) =>
        Number(low - 1e-9 <= value && value <= high + 1e-9);
      counts[b]!.entropy += holds(estimate.interval, truth[b]!.entropy);
      counts[b]!.diversity += holds(estimate.diversityInterval, truth[b]!.diversity);
      expect(estimate.halfWidth).toBeLessThanOrEqual(tolerance);
      expect(estimate.interval[0]).toBeLessThanOrEqual(entropy);
      expect(estimate.interval[1]).toBeGreaterThanOrEqual(entropy);
      expect(diversity).toBeGreaterThanOrEqual(entropy);
      queries += estimate.queries / RUNS / bandwidths.length;
    }
  }
  return { counts, queries };
}

describe('the 95 % interval of an entropy', () => {
  it.each(Object.entries(HARD))(
    'holds the truth: %s',
    async (_, { x, tolerance }) => {
      const { counts, queries } = await coverage(x(), [1], tolerance);
      expect(counts[0]!.entropy).toBeGreaterThanOrEqual(LEAST);
      expect(counts[0]!.diversity).toBeGreaterThanOrEqual(LEAST);
      expect(queries).toBeLessThan(ROWS / 2);
    },
    600_000,
  );

  it('holds the truth at each of several bandwidths', async () => {
    const { x } = HARD['a crystal with 0.2 % defects that are alike']!;
    const { counts } = await coverage(x(), [0.003, 0.03, 1], 0.03);
    for (const { entropy, diversity } of counts) {
      expect(entropy).toBeGreaterThanOrEqual(LEAST);
      expect(diversity).toBeGreaterThanOrEqual(LEAST);
    }
  }, 600_000);

  const real = [
    ['cu_denoiser/3400K-fcc.denoised.extxyz', [0.015, 0.038], 0.02],
    ['mlearn/Si_training.xyz', [0.015], 0.05],
    ['mlearn/Cu_test.xyz', [0.015], 0.1],
    ['rmd17/rmd17_aspirin_train_01.xyz', [0.015], 0.05],
  ] as const;
  for (const [file, bandwidths, tolerance] of real) {
    outsideTest(`holds the truth: ${file}`, async (folder) => {
      const { x } = await outsideEnvironments(folder, file);
      const rows = Math.min(x.rows, longTests ? 14_000 : 6000);
      const single = createMatrix(rows, x.columns, Float32Array.from(x.data.subarray(0, rows * x.columns)));
      const { counts } = await coverage(single, bandwidths, tolerance);
      for (const { entropy, diversity } of counts) {
        expect(entropy).toBeGreaterThanOrEqual(LEAST);
        expect(diversity).toBeGreaterThanOrEqual(LEAST);
      }
    });
  }
});

describe('an estimate of the entropy', () => {
  const x = randomMatrix(randomStream(3), 4000, 4, 0.02);

  it('is the same on any number of threads and ranks', async () => {
    const options = { bandwidths: [0.01, 0.02], tolerance: 0.1, seed: 7 };
    const alone = await estimateEntropyMany(x, { ...options, threads: 1 });
    expect(alone.every(({ estimate }) => !estimate.exact && estimate.queries < x.rows / 2)).toBe(true);
    expect(await estimateEntropyMany(x, { ...options, threads: 3 })).toEqual(alone);
    const together = await Promise.all(
      ranks(3).map((communicator) => estimateEntropyMany(x, { ...options, communicator, threads: 1 })),
    );
    for (const result of together) expect(result).toEqual(alone);
  });

  it('says what it did: whole batches, as few as are enough, and the seed', async () => {
    const options = { bandwidth: 0.004, seed: 1 };
    const coarse = await estimateEntropy(x, { ...options, tolerance: 0.2 });
    const tolerance = 0.7 * coarse.estimate.halfWidth;
    const fine = await estimateEntropy(x, { ...options, tolerance });
    expect(coarse.estimate).toMatchObject({ exact: false, confidence: 0.95, tolerance: 0.2, seed: 1, batch: 256 });
    for (const { queries, batch, references } of [coarse.estimate, fine.estimate]) {
      expect(queries % batch).toBe(0);
      expect(queries).toBeGreaterThanOrEqual(3 * batch);
      expect(references).toBeGreaterThanOrEqual(256);
    }
    expect(fine.estimate.queries).toBeGreaterThan(coarse.estimate.queries);
    expect(fine.estimate.halfWidth).toBeLessThanOrEqual(tolerance);
    const other = await estimateEntropy(x, { ...options, seed: 2, tolerance: 0.2 });
    expect(other.entropy).not.toBe(coarse.entropy);
    expect(await estimateEntropy(x, { ...options, tolerance: 0.2 })).toEqual(coarse);
  });

  it.each(['native', 'reference'] as const)('is what entropyMany gives where that is as cheap, %s', async (backend) => {
    const bandwidths = [0.01, 0.02];
    const small = selectRows(
      x,
      Uint32Array.from({ length: 2000 }, (_, row) => row),
    );
    const [exact, estimates] = [
      await entropyMany(small, { bandwidths, backend }),
      await estimateEntropyMany(small, { bandwidths, backend, tolerance: 0.5 }),
    ];
    for (const [b, { estimate, ...result }] of estimates.entries()) {
      expect(result).toEqual(exact[b]);
      expect(estimate).toMatchObject({
        exact: true,
        halfWidth: 0,
        queries: 2000,
        references: 0,
        interval: [result.entropy, result.entropy],
        diversityInterval: [result.diversity, result.diversity],
      });
    }
    // A tolerance that only all of the rows reach.
    const [result] = await estimateEntropyMany(x, { bandwidths, backend: 'native', tolerance: 1e-6 });
    expect(result?.estimate).toMatchObject({ exact: true, queries: 4000 });
    expect(result?.entropy).toBe((await entropyMany(x, { bandwidths }))[0]!.entropy);
  });

  it('is the same by the reference, within the error of float32', async () => {
    const part = selectRows(
      x,
      Uint32Array.from({ length: 3000 }, (_, row) => row),
    );
    const options = { bandwidth: 0.02, tolerance: 0.3, seed: 1 };
    const reference = await estimateEntropy(part, { ...options, backend: 'reference' });
    const native = await estimateEntropy(part, { ...options, backend: 'native' });
    expect(reference.estimate.queries).toBe(native.estimate.queries);
    expect(native.entropy).toBeCloseTo(reference.entropy, 9);
    expect(native.estimate.halfWidth).toBeCloseTo(reference.estimate.halfWidth, 9);
  });

  it('refuses a tolerance that is none', async () => {
    for (const tolerance of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(estimateEntropy(x, { tolerance })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  });

  it('ends soon after its signal', async () => {
    const abort = new AbortController();
    const seen: string[] = [];
    // So wide that the pilot alone takes a while.
    const slow = randomMatrix(randomStream(4), 4000, 60, 0.02);
    const running = estimateEntropy(slow, {
      tolerance: 0.1,
      backend: 'reference',
      signal: abort.signal,
      onProgress: ({ stage, unit, done, total }) => {
        seen.push(`${stage}, ${unit}`);
        expect(done).toBeLessThanOrEqual(total as number);
        abort.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    expect(seen[0]).toBe('estimating H, pairs');
  });
});
