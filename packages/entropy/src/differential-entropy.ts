import { type Context, communicatorOf, type Matrix, matrixRows, ownedRows } from '@surprisal/core';
import { logKernelSumMany, logSelfKernelSumMany } from '@surprisal/kernels';
import { DEFAULT_BANDWIDTH } from './defaults.ts';
import type { EntropyManyOptions, EntropyOptions } from './entropy.ts';

/**
 * Differential entropy (surprisal) of every environment with respect to a reference set.
 *
 *     δH(y_i | X) = −ln Σ_j exp(−|y_i − x_j|² / 2h²)
 *
 * The smaller, the more often it was seen; 0 for one seen exactly once and nothing near it; finite for the farthest outlier.
 *
 * @param y  (m×d) row-major, 1/Å, the environments in question
 * @param x  (n×d), the reference set, made by the same descriptor
 * @returns (m), nats; the same bits for any number of threads and ranks, whole on every rank
 * @throws {SurprisalError} DIMENSION_MISMATCH, INVALID_BANDWIDTH, EMPTY_REFERENCE, INVALID_ARGUMENT,
 *   BACKEND_UNAVAILABLE, OUT_OF_MEMORY, ABORTED
 * @see Schwalbe-Koda et al., Nat. Commun. 16, 4014 (2025), Methods
 *
 * @example
 * const dH = await differentialEntropy(test, training);
 * const extrapolating = dH.filter((value) => value > 0).length;
 */
export async function differentialEntropy(y: Matrix, x: Matrix, options: EntropyOptions = {}): Promise<Float64Array> {
  const bandwidths = [options.bandwidth ?? DEFAULT_BANDWIDTH];
  const [result] = await differentialEntropyMany(y, x, { ...options, bandwidths });
  return result as Float64Array;
}

/**
 * {@link differentialEntropy} at several bandwidths, in one pass over the pairs.
 *
 * @returns one array (m) for each bandwidth, in their order
 */
export async function differentialEntropyMany(
  y: Matrix,
  x: Matrix,
  options: EntropyManyOptions & Context,
): Promise<Float64Array[]> {
  if (y === x && x.rows > 0) {
    const sums = await logSelfKernelSumMany(x, options);
    return sums.map((logSums) => logSums.map((logSum) => 0 - logSum));
  }
  const communicator = communicatorOf(options);
  const { start, end } = ownedRows(y.rows, communicator);
  const queries = start === 0 && end === y.rows ? y : matrixRows(y, start, end);
  const results: Float64Array[] = [];
  for (const logSums of await logKernelSumMany(queries, x, options)) {
    // 0 − x and not −x: one environment seen once has δH = 0, not −0.
    results.push(await communicator.allGather(logSums.map((logSum) => 0 - logSum)));
  }
  return results;
}
