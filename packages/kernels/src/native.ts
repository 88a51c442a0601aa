import type { Context } from '@surprisal/core';
import { type NativeAddon, runJob } from '@surprisal/native';
import type { KernelSumTask } from './kernel-sum-task.ts';
import { STAGE, UNIT } from './stage.ts';

/** The kernel sums of a task in C++, on `threads` threads. */
export async function nativeLogKernelSums(
  { queries, references, bandwidths, weights, leaveOut }: KernelSumTask,
  { addon, threads }: { readonly addon: NativeAddon; readonly threads: number },
  { signal, onProgress }: Context,
): Promise<Float64Array[]> {
  const sums = await runJob(
    () => addon.logKernelSum(queries.data, references.data, queries.columns, bandwidths, weights, leaveOut, threads),
    {
      signal,
      onProgress:
        onProgress &&
        ((done, total) => {
          onProgress({
            stage: STAGE,
            done: Math.floor((done / Math.max(1, total)) * queries.rows),
            total: queries.rows,
            unit: UNIT,
          });
        }),
    },
  );
  return Array.from(bandwidths, (_, b) => sums.subarray(b * queries.rows, (b + 1) * queries.rows));
}
