import { type Context, communicatorOf, type Matrix, matrixRows, ownedRows, selectRows } from '@surprisal/core';
import { logKernelSumMany } from '@surprisal/kernels';

/** Kernel sums of some rows of a set over some others of it. */
export interface KernelSumsOfRows {
  /**
   * ln Σ_j K_ij of each of some rows over some references, the row itself among them where it is one.
   *
   * @param rows        null for all
   * @param references  null for all
   * @returns for each bandwidth one number for each row, whole on every rank
   */
  of(rows: Uint32Array | null, references: Uint32Array | null): Promise<Float64Array[]>;
  /** Says how many pairs will be asked for from here on. */
  expect(pairs: number): void;
}

/** Those of a matrix; the rows are spread over ranks. */
export function kernelSumsOfRows(
  x: Matrix,
  options: Context & { readonly bandwidths: readonly number[] },
  stage: string,
): KernelSumsOfRows {
  const communicator = communicatorOf(options);
  const { onProgress } = options;
  let [done, total] = [0, 0];
  return {
    expect: (pairs) => {
      total = done + pairs;
    },
    async of(rows, references) {
      const { start, end } = ownedRows(rows?.length ?? x.rows, communicator);
      const queries = rows === null ? matrixRows(x, start, end) : selectRows(x, rows.subarray(start, end));
      const others = references === null ? x : selectRows(x, references);
      const before = done;
      const sums = await logKernelSumMany(queries, others, {
        ...options,
        onProgress:
          onProgress && ((part) => onProgress({ stage, done: before + part.done * others.rows, total, unit: 'pairs' })),
      });
      done += queries.rows * others.rows;
      const whole: Float64Array[] = [];
      for (const part of sums) whole.push(await communicator.allGather(part));
      return whole;
    },
  };
}
