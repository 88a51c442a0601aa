import { type Context, communicatorOf, fromNativeError, type Matrix, matrixRows, ownedRows } from '@surprisal/core';
import { selectBackend } from '@surprisal/native';
import { type KernelSumAccuracy, kernelSumTask } from './kernel-sum-task.ts';
import { nativeLogKernelSums, nativeLogSelfSums } from './native.ts';
import { referenceLogKernelSums } from './reference.ts';
import type { RowWindows } from './row-windows.ts';

/** Options of {@link logKernelSum}. */
export interface KernelSumOptions extends Context, KernelSumAccuracy {
  /** h in 1/Å, above 0. */
  readonly bandwidth: number;
  /** (n), finite, not below 0, not all 0; those below 5·10⁻³²⁴ of the largest count as 0; default 1 for every reference. */
  readonly weights?: Float64Array | undefined;
  /** (m) windows of references that a query's sum leaves out, see {@link leaveOneOut}; default none. */
  readonly leaveOut?: RowWindows | undefined;
}

/** Options of {@link logKernelSumMany}. */
export interface KernelSumManyOptions extends Context, KernelSumAccuracy {
  /** Each h in 1/Å, above 0. */
  readonly bandwidths: readonly number[];
  /** (n), finite, not below 0, not all 0; those below 5·10⁻³²⁴ of the largest count as 0; default 1 for every reference. */
  readonly weights?: Float64Array | undefined;
  /** (m) windows of references that a query's sum leaves out, see {@link leaveOneOut}; default none. */
  readonly leaveOut?: RowWindows | undefined;
}

/**
 * Logarithm of the kernel sum of every query over all references.
 *
 *     ln s_i = ln Σ_{j ∉ L_i} w_j exp(−|x_i − y_j|² / 2h²),   L_i the references that query i leaves out; none by default
 *
 * Finite however far a query lies from its references; equal rows are at distance exactly 0. Two float32 matrices are
 * worked on in float32, with |error of ln s| ≤ 2·10⁻⁵ + 10⁻⁶ |ln s|; anything else in float64, with 10⁻¹² max(1, |ln s|).
 * Queries with ln s < −20 (in weights relative to the largest), or too near one of the `decisions` to be told from it, are
 * done again in float64 by log-sum-exp. References that together would raise ln s by no more than `skipBelow` are left out,
 * where enough of them lie apart for the search to pay. No matrix of pairs is made.
 *
 * @param queries     (m×d) row-major, 1/Å
 * @param references  (n×d), made by the same descriptor
 * @returns (m), nats; the same bits for any number of threads, and whatever other queries there are, but for one thing: where
 *   queries and references are the same matrix, each pair is made once, and sums are the same only within their error
 * @throws {SurprisalError} DIMENSION_MISMATCH, INVALID_BANDWIDTH, EMPTY_REFERENCE (also where a query leaves out all that
 *   count), INVALID_ARGUMENT (numbers that are not finite, windows that are none), BACKEND_UNAVAILABLE, OUT_OF_MEMORY,
 *   ABORTED
 * @see Schwalbe-Koda et al., Nat. Commun. 16, 4014 (2025), Methods
 *
 * @example
 * const lnS = await logKernelSum(x, x, { bandwidth: 0.015 });
 * const entropy = Math.log(x.rows) - lnS.reduce((sum, value) => sum + value) / x.rows;
 */
export async function logKernelSum(
  queries: Matrix,
  references: Matrix,
  options: KernelSumOptions,
): Promise<Float64Array> {
  const [sums] = await logKernelSumMany(queries, references, { ...options, bandwidths: [options.bandwidth] });
  return sums as Float64Array;
}

/**
 * {@link logKernelSum} for several bandwidths in one pass over the pairs.
 *
 * @returns one array (m) for each bandwidth, in their order
 *
 * @example
 * const [narrow, wide] = await logKernelSumMany(x, y, { bandwidths: [0.015, 0.03] });
 */
export async function logKernelSumMany(
  queries: Matrix,
  references: Matrix,
  options: KernelSumManyOptions,
): Promise<Float64Array[]> {
  const task = kernelSumTask(queries, references, options);
  try {
    const backend = selectBackend(options);
    if (backend.name === 'reference') return await referenceLogKernelSums(task, options);
    return await nativeLogKernelSums(task, backend, options);
  } catch (error) {
    throw fromNativeError(error);
  }
}

/** Options of {@link logSelfKernelSumMany}. */
export interface SelfKernelSumManyOptions extends Context, KernelSumAccuracy {
  /** Each h in 1/Å, above 0. */
  readonly bandwidths: readonly number[];
}

/**
 * {@link logKernelSumMany} of every row of a matrix over all of its rows, itself among them; each pair is made once.
 *
 *     ln s_i = ln Σ_j exp(−|x_i − x_j|² / 2h²)
 *
 * The pairs are shared among the ranks of the context's communicator.
 *
 * @param x  (n×d) row-major, 1/Å
 * @returns one array (n) for each bandwidth, whole on every rank; the same bits for any number of threads and ranks
 * @throws {SurprisalError} INVALID_BANDWIDTH, EMPTY_REFERENCE, INVALID_ARGUMENT, BACKEND_UNAVAILABLE, OUT_OF_MEMORY, ABORTED
 *
 * @example
 * const [logSums] = await logSelfKernelSumMany(x, { bandwidths: [0.015] });
 */
export async function logSelfKernelSumMany(x: Matrix, options: SelfKernelSumManyOptions): Promise<Float64Array[]> {
  const task = kernelSumTask(x, x, options);
  try {
    const backend = selectBackend(options);
    if (backend.name === 'native') return await nativeLogSelfSums(task, backend, options);
    const communicator = communicatorOf(options);
    const { start, end } = ownedRows(x.rows, communicator);
    const own = await referenceLogKernelSums({ ...task, queries: matrixRows(task.queries, start, end) }, options);
    const whole: Float64Array[] = [];
    for (const sums of own) whole.push(await communicator.allGather(sums));
    return whole;
  } catch (error) {
    throw fromNativeError(error);
  }
}
