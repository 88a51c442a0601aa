import type { NativeJob } from './addon.ts';

/** What a native call takes beside its data. */
export interface RunJobOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called a few times a second while the work goes on. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

const POLL_MS = 50;

/**
 * Waits for native work, passes its progress on and its cancellation in.
 *
 * @returns what the job returns
 * @throws {Error} with `code` ABORTED if the signal fires, what `onProgress` throws (the work is stopped then), or
 *   whatever the job rejects with
 */
export async function runJob<T>(start: () => NativeJob<T>, { signal, onProgress }: RunJobOptions): Promise<T> {
  if (signal?.aborted) throw aborted(signal.reason);
  const job = start();
  const cancel = () => job.cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  let failure: { readonly error: unknown } | undefined;
  const report = () => {
    if (failure !== undefined) return;
    try {
      onProgress?.(job.done(), job.total);
    } catch (error) {
      failure = { error };
      cancel();
    }
  };
  const timer = onProgress && setInterval(report, POLL_MS);
  const outcome = await job.result.then(
    (result) => ({ result }),
    (error: unknown) => ({ error: signal?.aborted ? aborted(signal.reason) : error }),
  );
  clearInterval(timer);
  signal?.removeEventListener('abort', cancel);
  if (failure !== undefined) throw failure.error;
  if ('error' in outcome) throw outcome.error;
  return outcome.result;
}

function aborted(cause: unknown): Error {
  return Object.assign(new Error('interrupted', { cause }), { code: 'ABORTED' });
}
