import { type Context, fromNativeError, type Matrix } from '@surprisal/core';
import { selectBackend } from '@surprisal/native';
import { kernelSumTask } from './kernel-sum-task.ts';
import { nativeLogKernelSums } from './native.ts';
import { referenceLogKernelSums } from './reference.ts';
import type { RowWindows } from './row-windows.ts';

/** Options of {@link logKernelSum}. */
export interface KernelSumOptions extends Context {
  /** h in 1/Å, above 0. */
  readonly bandwidth: number;
  /** (n), finite, not below 0, not all 0; default 1 for every reference. */
  readonly weights?: Float64Array | undefined;
  /** (m) windows of references that a query's sum leaves out, see {@link leaveOneOut}; default none. */
  readonly leaveOut?: RowWindows | undefined;
}

/** Options of {@link logKernelSumMany}. */
export interface KernelSumManyOptions extends Context {
  /** Each h in 1/Å, above 0. */
  readonly bandwidths: readonly number[];
  /** (n), finite, not below 0, not all 0; default 1 for every reference. */
  readonly weights?: Float64Array | undefined;
  /** (m) windows of references that a query's sum leaves out, see {@link leaveOneOut}; default none. */
  readonly leaveOut?: RowWindows | undefined;
}

/**
 * Logarithm of the kernel sum of every query over all references.
 *
 *     ln s_i = ln Σ_{j ∉ L_i} w_j exp(−|x_i − y_j|² / 2h²),   L_i the references that query i leaves out; none by default
 *
 * Computed by log-sum-exp, so it stays finite however far a query lies from its references. Distances are taken from
 * differences: equal rows are at distance exactly 0. Two float32 matrices are worked on in float32 (with sums in float64,
 * and queries with ln s < −20 again in float64); anything else in float64. No matrix of pairs is made.
 *
 * @param queries     (m×d) row-major, 1/Å
 * @param references  (n×d), made by the same descriptor
 * @returns (m), nats; the same bits for any number of threads
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
