// The stated error of float32 kernel sums, on real environments at every bandwidth of the references.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMatrix, type Matrix, matrixRows } from '@surprisal/core';
import { readMatrix } from '@surprisal/io/node';
import { logKernelSumMany, logSelfKernelSumMany } from '@surprisal/kernels';
import { outsideTest } from '@surprisal/testing';
import { expect } from 'vitest';

const inFloat32 = ({ rows, columns, data }: Matrix) => createMatrix(rows, columns, Float32Array.from(data));
const inFloat64 = ({ rows, columns, data }: Matrix) => createMatrix(rows, columns, Float64Array.from(data));

/** The bandwidths at which the references give H of a set, 1/Å. */
function bandwidthsOf(path: string): number[] {
  const { entropy_vs_h: scan, h } = JSON.parse(readFileSync(path, 'utf8'));
  return scan?.h ?? [h];
}

function expectWithinError(found: readonly Float64Array[], exact: readonly Float64Array[], what: string): void {
  for (const [b, sums] of exact.entries()) {
    for (const [i, sum] of sums.entries()) {
      const error = Math.abs((found[b]?.[i] as number) - sum);
      expect(error, `${what}, bandwidth ${b}, row ${i}: ${sum}`).toBeLessThanOrEqual(2e-5 + 1e-6 * Math.abs(sum));
    }
  }
}

outsideTest(
  'float32 sums are within 2e-5 + 1e-6 |ln s| of float64 ones: of a set, and of one half with respect to the other',
  async (folder) => {
    const references = join(folder, 'reference');
    const names = readdirSync(references).filter((name) => name.endsWith('.npy'));
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) {
      const single = inFloat32(await readMatrix(join(references, name)));
      const exact = inFloat64(single);
      const bandwidths = bandwidthsOf(join(references, name.replace(/npy$/, 'json')));
      expectWithinError(
        await logSelfKernelSumMany(single, { bandwidths, backend: 'native' }),
        await logSelfKernelSumMany(exact, { bandwidths, backend: 'reference' }),
        name,
      );
      const half = Math.floor(exact.rows / 2);
      if (half === 0) continue;
      // The narrowest is far below all of them: every δH is then in the thousands.
      for (const options of [{ bandwidths }, { bandwidths: [0.001, 0.3] }]) {
        expectWithinError(
          await logKernelSumMany(matrixRows(single, 0, half), matrixRows(single, half, single.rows), {
            ...options,
            backend: 'native',
          }),
          await logKernelSumMany(matrixRows(exact, 0, half), matrixRows(exact, half, exact.rows), {
            ...options,
            backend: 'reference',
          }),
          `${name}, one half`,
        );
      }
    }
  },
);
