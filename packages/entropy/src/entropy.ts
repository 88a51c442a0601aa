import { type Context, communicatorOf, type Matrix, ownedRows, SurprisalError, sumOverRows } from '@surprisal/core';
import { type KernelSumAccuracy, logSelfKernelSumMany } from '@surprisal/kernels';
import { DEFAULT_BANDWIDTH } from './defaults.ts';

/** How much a data set holds, at one bandwidth. */
export interface EntropyResult {
  /** h, 1/Å */
  readonly bandwidth: number;
  /** H, nats */
  readonly entropy: number;
  /** ln n, nats: what H would be if no two environments were alike */
  readonly maxEntropy: number;
  /** D, nats */
  readonly diversity: number;
}

/** Options of {@link entropy}. */
export interface EntropyOptions extends Context, KernelSumAccuracy {
  /** h in 1/Å; default {@link DEFAULT_BANDWIDTH}. */
  readonly bandwidth?: number | undefined;
}

/** Options of {@link entropyMany}. */
export interface EntropyManyOptions extends Context, KernelSumAccuracy {
  /** Each h in 1/Å. */
  readonly bandwidths: readonly number[];
}

/**
 * Information entropy and diversity of a data set.
 *
 *     H = −(1/n) Σ_i ln[ (1/n) Σ_j K_ij ]      D = ln Σ_i ( 1 / Σ_j K_ij )      K_ij = exp(−|x_i − x_j|² / 2h²)
 *
 * 0 ≤ H ≤ D ≤ ln n: H is 0 where all environments are equal, and ln n where no two are alike. Near ln n the set is
 * undersampled at this bandwidth, and H says little.
 *
 * @param x  (n×d) row-major, 1/Å, one environment per row
 * @returns nats; the same bits for any number of threads and ranks
 * @throws {SurprisalError} EMPTY_INPUT, INVALID_BANDWIDTH, INVALID_ARGUMENT, BACKEND_UNAVAILABLE, OUT_OF_MEMORY, ABORTED
 * @see Schwalbe-Koda et al., Nat. Commun. 16, 4014 (2025), Methods
 *
 * @example
 * const { entropy: h, maxEntropy, diversity } = await entropy(x, { bandwidth: 0.015 });
 */
export async function entropy(x: Matrix, options: EntropyOptions = {}): Promise<EntropyResult> {
  const [result] = await entropyMany(x, { ...options, bandwidths: [options.bandwidth ?? DEFAULT_BANDWIDTH] });
  return result as EntropyResult;
}

/**
 * {@link entropy} at several bandwidths, in one pass over the pairs.
 *
 * @returns one result for each bandwidth, in their order
 */
export async function entropyMany(x: Matrix, options: EntropyManyOptions): Promise<EntropyResult[]> {
  const sums = await selfSums(x, options);
  const results: EntropyResult[] = [];
  for (const [b, logSums] of sums.entries()) {
    results.push(await entropyOf(logSums, x.rows, options.bandwidths[b] as number, options));
  }
  return results;
}

/** How much a data set holds, and how common each of its environments is. */
export interface MetricsResult extends EntropyResult {
  /** (n) δH(x_i | x) = −ln Σ_j K_ij, nats, the environment itself among the j: from −ln n to 0. Whole on every rank. */
  readonly dH: Float64Array;
}

/**
 * {@link entropyMany}, and beside it δH of every environment with respect to the whole set, from the same pass.
 *
 * @returns one result for each bandwidth, in their order
 *
 * @example
 * const [{ entropy, dH }] = await metrics(x, { bandwidths: [0.015] });
 * const rarest = dH.indexOf(Math.max(...dH));
 */
export async function metrics(x: Matrix, options: EntropyManyOptions): Promise<MetricsResult[]> {
  const sums = await selfSums(x, options);
  const results: MetricsResult[] = [];
  for (const [b, logSums] of sums.entries()) {
    const dH = logSums.map((logSum) => 0 - logSum);
    results.push({ ...(await entropyOf(logSums, x.rows, options.bandwidths[b] as number, options)), dH });
  }
  return results;
}

/** The kernel sums of all rows over all rows, on every rank. */
async function selfSums(x: Matrix, options: EntropyManyOptions): Promise<Float64Array[]> {
  if (x.rows === 0) throw new SurprisalError('EMPTY_INPUT', 'there is no environment; an entropy needs at least one');
  return await logSelfKernelSumMany(x, options);
}

async function entropyOf(
  logSums: Float64Array,
  rows: number,
  bandwidth: number,
  context: Context,
): Promise<EntropyResult> {
  const communicator = communicatorOf(context);
  const maxEntropy = Math.log(rows);
  // A sum holds the environment itself and at most n ones: 0 ≤ ln s_i ≤ ln n, whatever the last digit says.
  const { start, end } = ownedRows(rows, communicator);
  const surprisal = logSums
    .subarray(start, end)
    .map((logSum) => Math.min(Math.max(maxEntropy - logSum, 0), maxEntropy));
  const mean = (await sumOverRows(surprisal, communicator)) / rows;
  const entropy = Math.min(mean, maxEntropy);
  // D = H + ln mean exp(u_i − H) for u_i = ln n − ln s_i: no large numbers, and not below H (Jensen).
  const excess =
    (await sumOverRows(
      surprisal.map((value) => Math.exp(value - entropy)),
      communicator,
    )) / rows;
  const diversity = Math.min(entropy + Math.max(Math.log(excess), 0), maxEntropy);
  return { bandwidth, entropy, maxEntropy, diversity };
}
