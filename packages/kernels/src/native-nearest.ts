import type { Context } from '@surprisal/core';
import { type NativeAddon, runJob } from '@surprisal/native';
import type { NearestReferences, NearestTask } from './nearest-task.ts';
import { NEAREST_STAGE, UNIT } from './stage.ts';

/** The search of a task in C++, on `threads` threads. */
export async function nativeNearestReferences(
  { queries, references, k, leaveOut, beyond, within }: NearestTask,
  { addon, threads }: { readonly addon: NativeAddon; readonly threads: number },
  { signal, onProgress }: Context,
): Promise<NearestReferences> {
  const { rows, distances } = await runJob(
    () => addon.nearestReferences(queries.data, references.data, queries.columns, k, leaveOut, beyond, within, threads),
    {
      signal,
      onProgress: onProgress && ((done, total) => onProgress({ stage: NEAREST_STAGE, done, total, unit: UNIT })),
    },
  );
  return { k, rows, distances };
}
