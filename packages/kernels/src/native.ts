import { type Context, communicatorOf, selectRows } from '@surprisal/core';
import { type NativeAddon, type NativeJob, runJob } from '@surprisal/native';
import type { KernelSumTask } from './kernel-sum-task.ts';
import { STAGE, UNIT } from './stage.ts';

/** The native backend, as far as kernel sums need to know it. */
interface NativeBackend {
  readonly addon: NativeAddon;
  readonly threads: number;
}

/** The kernel sums of a task in C++, on `threads` threads. */
export async function nativeLogKernelSums(
  task: KernelSumTask,
  backend: NativeBackend,
  context: Context,
): Promise<Float64Array[]> {
  if (isSelfSum(task)) return await nativeLogSelfSums(task, backend, { ...context, communicator: undefined });
  return await crossSums(task, backend, context, false);
}

/** Whether every row is asked about all rows: then each pair needs to be made only once. */
function isSelfSum({ queries, references, weights, leaveOut }: KernelSumTask): boolean {
  const same =
    queries.data.buffer === references.data.buffer &&
    queries.data.byteOffset === references.data.byteOffset &&
    queries.data.length === references.data.length;
  return same && queries.rows > 0 && weights === null && leaveOut === null;
}

async function crossSums(
  { queries, references, bandwidths, weights, leaveOut, skipBelow, double, decisions }: KernelSumTask,
  { addon, threads }: NativeBackend,
  context: Context,
  exact: boolean,
): Promise<Float64Array[]> {
  const options = { skipBelow, double, decisions, exact };
  const sums = await reported(queries.rows, context, () =>
    addon.logKernelSum(queries.data, references.data, queries.columns, bandwidths, weights, leaveOut, options, threads),
  );
  return Array.from(bandwidths, (_, b) => sums.subarray(b * queries.rows, (b + 1) * queries.rows));
}

/**
 * The kernel sums of all rows over all rows, whole on every rank: each rank makes a share of the pairs, as whole numbers
 * that add up to the same bits however they are shared.
 */
export async function nativeLogSelfSums(
  task: KernelSumTask,
  backend: NativeBackend,
  context: Context,
): Promise<Float64Array[]> {
  const { queries: x, bandwidths, skipBelow, double } = task;
  const communicator = communicatorOf(context);
  const options = { skipBelow, double, share: communicator.rank, shares: communicator.size };
  const parts = await reported(x.rows, context, () =>
    backend.addon.selfKernelSums(x.data, x.columns, bandwidths, options, backend.threads),
  );
  const logs = new Float64Array(bandwidths.length * x.rows);
  for (let first = 0; first < logs.length; first += GATHERED_AT_ONCE) {
    const end = Math.min(logs.length, first + GATHERED_AT_ONCE);
    const gathered = await communicator.allGather(parts.subarray(3 * first, 3 * end));
    for (let i = first; i < end; i++) logs[i] = Math.log(totalOf(gathered, i - first, end - first));
  }
  const sums = Array.from(bandwidths, (_, b) => logs.subarray(b * x.rows, (b + 1) * x.rows));
  await decideSelfSums(sums, task, backend, context);
  return sums;
}

/** Totals that ranks exchange at once: 1.5 MB from each. */
const GATHERED_AT_ONCE = 65_536;

const LIMB = 2 ** 41;
const OF_LIMB = 1 / LIMB;
/** The unit of totals. */
const OF_TOTAL = 2 ** -90;

/** Total number `i` of `count`, of each of which every rank has a part of three whole numbers. */
function totalOf(gathered: Float64Array, i: number, count: number): number {
  let low = gathered[3 * i]!;
  let middle = gathered[3 * i + 1]!;
  let high = gathered[3 * i + 2]!;
  for (let at = 3 * (i + count); at < gathered.length; at += 3 * count) {
    low += gathered[at]!;
    middle += gathered[at + 1]!;
    high += gathered[at + 2]!;
  }
  // What several parts make beyond a limb is carried over, so that the same total is always the same three numbers.
  const carry = Math.floor(low * OF_LIMB);
  low -= carry * LIMB;
  middle += carry;
  const over = Math.floor(middle * OF_LIMB);
  middle -= over * LIMB;
  high += over;
  return ((high * LIMB + middle) * LIMB + low) * OF_TOTAL;
}

/** Rounding of float32 tiles and of float64 ones: |error of δH|, nats, beside what is left out. */
const ERROR = { float32: (logSum: number) => 2e-5 + 1e-6 * Math.abs(logSum), float64: () => 1e-11 };

/** Does sums again that cannot be told from a decision. */
async function decideSelfSums(
  sums: readonly Float64Array[],
  task: KernelSumTask,
  backend: NativeBackend,
  context: Context,
): Promise<void> {
  const { decisions, skipBelow, double, queries } = task;
  if (decisions.length === 0) return;
  const error = double ? ERROR.float64 : ERROR.float32;
  const near = (logSum: number) =>
    decisions.some((decision) => Math.abs(logSum - decision) <= error(logSum) + skipBelow);
  const rows: number[] = [];
  for (let i = 0; i < queries.rows; i++) if (sums.some((logSums) => near(logSums[i]!))) rows.push(i);
  if (rows.length === 0) return;
  const exact = await crossSums({ ...task, queries: selectRows(queries, rows) }, backend, context, true);
  for (const [b, logSums] of sums.entries()) {
    for (const [k, i] of rows.entries()) if (near(logSums[i]!)) logSums[i] = exact[b]![k]!;
  }
}

/** Runs a job whose progress is told in environments. */
async function reported<T>(rows: number, { signal, onProgress }: Context, start: () => NativeJob<T>): Promise<T> {
  return await runJob(start, {
    signal,
    onProgress:
      onProgress &&
      ((done, total) => {
        onProgress({ stage: STAGE, done: Math.floor((done / Math.max(1, total)) * rows), total: rows, unit: UNIT });
      }),
  });
}
