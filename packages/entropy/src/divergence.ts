import { communicatorOf, type Matrix, matrixRows, ownedRows, SurprisalError, sumOverRows } from '@surprisal/core';
import { leaveOneOut, logKernelSumMany } from '@surprisal/kernels';
import { DEFAULT_BANDWIDTH } from './defaults.ts';
import type { EntropyManyOptions, EntropyOptions } from './entropy.ts';

/** How two sets of environments differ, at one bandwidth. Null where every environment that would count is isolated. */
export interface DivergenceResult {
  /** h, 1/Å */
  readonly bandwidth: number;
  /** H(Y, X), nats */
  readonly crossEntropy: number | null;
  /** D(Y‖X), nats */
  readonly kullbackLeibler: number | null;
  /** JS(Y, X) = JS(X, Y), nats; at most ln 2 */
  readonly jensenShannon: number | null;
  /** Environments of Y, and of X, that are isolated within their own set. */
  readonly isolated: readonly [y: number, x: number];
}

/**
 * At this many bandwidths a single kernel is e⁻³², and an environment about which the others of its set make no larger sum
 * than that is isolated: what they say of the density there is the tail of a kernel, not a density.
 */
export const ISOLATION_BANDWIDTHS = 8;

const ISOLATED_BELOW = -(ISOLATION_BANDWIDTHS ** 2) / 2;

/**
 * Cross entropy, Kullback–Leibler and Jensen–Shannon divergence of two sets of environments, from kernel sums.
 *
 *     p_X(y) = (1/n) Σ_j K(y, x_j)                      p_Y(y_i) = (1/(m−1)) Σ_{j≠i} K(y_i, y_j)
 *     H(Y, X) = −⟨ln p_X(y)⟩_Y                           D(Y‖X) = H(Y, X) + ⟨ln p_Y(y)⟩_Y
 *     JS = ½ ⟨ln p_Y(y) − ln M(y)⟩_Y + ½ ⟨ln p_X(x) − ln M(x)⟩_X,   M = ½ (p_X + p_Y)
 *
 * Where a point meets its own set it is left out of it: with itself counted, two halves of one set seem to diverge by a nat
 * or more. The means run over the points that are not isolated, those with ln Σ_{j≠i} K > −32 within their own set, as one
 * other within 8h makes it, or many a little farther: of the isolated, their set does not know the density. K is not normalised, so that H(Y, X) compares with the
 * entropy H and not with a differential entropy of densities; the divergences do not depend on that. They are those of the
 * densities smoothed by h. What two random halves of one set give, about 0 of either sign, is the floor below which a
 * divergence says nothing; see {@link compareSets}, which states it. JS leans below 0 where sets are undersampled: the
 * mixture knows twice as many points as a set knows of itself.
 *
 * @param y  (m×d) row-major, 1/Å
 * @param x  (n×d), made by the same descriptor
 * @returns nats; the same bits for any number of threads and ranks
 * @throws {SurprisalError} EMPTY_INPUT, DIMENSION_MISMATCH, INVALID_BANDWIDTH, INVALID_ARGUMENT, BACKEND_UNAVAILABLE,
 *   OUT_OF_MEMORY, ABORTED
 *
 * @example
 * const { kullbackLeibler, isolated } = await divergence(test, training, { bandwidth: 0.015 });
 */
export async function divergence(y: Matrix, x: Matrix, options: EntropyOptions = {}): Promise<DivergenceResult> {
  const [result] = await divergenceMany(y, x, { ...options, bandwidths: [options.bandwidth ?? DEFAULT_BANDWIDTH] });
  return result as DivergenceResult;
}

/**
 * {@link divergence} at several bandwidths, in one pass over the pairs.
 *
 * @returns one result for each bandwidth, in their order
 */
export async function divergenceMany(y: Matrix, x: Matrix, options: EntropyManyOptions): Promise<DivergenceResult[]> {
  checkSets([y, x]);
  return await divergencesInPasses(y, x, () => options);
}

/** {@link divergenceMany}, with options for each pass over the pairs. */
export async function divergencesInPasses(
  y: Matrix,
  x: Matrix,
  pass: (queries: Matrix, references: Matrix) => EntropyManyOptions,
): Promise<DivergenceResult[]> {
  const ofY = await ownDensity(y, pass(y, y));
  const ofX = await ownDensity(x, pass(x, x));
  const yx = await densityOfOther(ofY, x, pass(y, x));
  const xy = await densityOfOther(ofX, y, pass(x, y));
  return ofY.map((own, b) => {
    const other = ofX[b] as OwnDensity;
    const [there, back] = [yx[b] as OtherDensity, xy[b] as OtherDensity];
    return {
      bandwidth: own.bandwidth,
      crossEntropy: there.crossEntropy,
      kullbackLeibler: kullbackLeibler(own, there),
      jensenShannon: jensenShannon(there, back),
      isolated: [y.rows - own.counted, x.rows - other.counted],
    };
  });
}

/**
 * @throws {SurprisalError} EMPTY_INPUT, DIMENSION_MISMATCH
 */
export function checkSets(sets: readonly Matrix[]): void {
  const [first] = sets;
  if (first === undefined) throw new SurprisalError('EMPTY_INPUT', 'there is no set to compare; give at least one');
  for (const [i, { rows, columns }] of sets.entries()) {
    if (rows === 0) {
      throw new SurprisalError(
        'EMPTY_INPUT',
        `set ${i + 1} has no environment; a comparison needs at least one in each`,
      );
    }
    if (columns !== first.columns) {
      throw new SurprisalError(
        'DIMENSION_MISMATCH',
        `set ${i + 1} has ${columns} columns and set 1 has ${first.columns}; all must come from one descriptor`,
        { details: { set: i, columns, expected: first.columns } },
      );
    }
  }
}

/** What a set says of its own density at its own points, each of them left out, at one bandwidth. */
export interface OwnDensity {
  readonly set: Matrix;
  /** h, 1/Å */
  readonly bandwidth: number;
  /** ln Σ_{j≠i} K_ij of this rank's rows */
  readonly logSums: Float64Array;
  /** How many of all rows are not isolated. */
  readonly counted: number;
  /** −⟨ln p⟩ over those; null where there are none */
  readonly entropy: number | null;
}

/** What another set says of the density at the points of a set, at one bandwidth. */
export interface OtherDensity {
  /** −⟨ln p_other⟩ over the points that are not isolated within their own set; null where there are none */
  readonly crossEntropy: number | null;
  /** ⟨ln p_own − ln ½(p_own + p_other)⟩ over the same points: one half of the Jensen–Shannon divergence */
  readonly fromMixture: number | null;
  /** ln Σ_j K of this rank's rows */
  readonly logSums: Float64Array;
}

/** D(Y‖X) from what Y says of itself, and X of it. */
export function kullbackLeibler({ entropy }: OwnDensity, { crossEntropy }: OtherDensity): number | null {
  return entropy === null || crossEntropy === null ? null : crossEntropy - entropy;
}

/** JS(Y, X) from what X says of Y, and Y of X. */
export function jensenShannon(there: OtherDensity, back: OtherDensity): number | null {
  if (there.fromMixture === null || back.fromMixture === null) return null;
  return 0.5 * (there.fromMixture + back.fromMixture);
}

/** One for each bandwidth. */
export async function ownDensity(set: Matrix, options: EntropyManyOptions): Promise<OwnDensity[]> {
  const communicator = communicatorOf(options);
  const { start, end } = ownedRows(set.rows, communicator);
  // A point that is a set of its own meets nobody: it is asked all the same, for the checks, and told so.
  const alone = set.rows === 1;
  const leaveOut = alone ? undefined : leaveOneOut(end - start, start);
  const logShare = Math.log(set.rows - 1);
  const results: OwnDensity[] = [];
  for (const [b, sums] of (
    await logKernelSumMany(matrixRows(set, start, end), set, { ...options, leaveOut })
  ).entries()) {
    const logSums = alone ? sums.fill(Number.NEGATIVE_INFINITY) : sums;
    const counted = await sumOverRows(
      logSums.map((logSum) => Number(isConnected(logSum))),
      communicator,
    );
    const total = await sumOverRows(
      logSums.map((logSum) => (isConnected(logSum) ? logShare - logSum : 0)),
      communicator,
    );
    const bandwidth = options.bandwidths[b] as number;
    results.push({ set, bandwidth, logSums, counted, entropy: counted === 0 ? null : total / counted });
  }
  return results;
}

/** One for each bandwidth: the points of the set whose own densities are given, seen by another set. */
export async function densityOfOther(
  own: readonly OwnDensity[],
  other: Matrix,
  options: EntropyManyOptions,
): Promise<OtherDensity[]> {
  const { set } = own[0] as OwnDensity;
  const communicator = communicatorOf(options);
  const { start, end } = ownedRows(set.rows, communicator);
  const [logOwnRows, logOtherRows] = [Math.log(set.rows - 1), Math.log(other.rows)];
  const results: OtherDensity[] = [];
  for (const [b, logSums] of (await logKernelSumMany(matrixRows(set, start, end), other, options)).entries()) {
    const { logSums: ownSums, counted } = own[b] as OwnDensity;
    const overPoints = async (value: (logOwn: number, logOther: number) => number) => {
      const values = logSums.map((logSum, i) => {
        const ownSum = ownSums[i] as number;
        return isConnected(ownSum) ? value(ownSum - logOwnRows, logSum - logOtherRows) : 0;
      });
      return (await sumOverRows(values, communicator)) / counted;
    };
    results.push({
      crossEntropy: counted === 0 ? null : await overPoints((_, logOther) => -logOther),
      fromMixture: counted === 0 ? null : await overPoints((logOwn, logOther) => logOwn - logMean(logOwn, logOther)),
      logSums,
    });
  }
  return results;
}

/** Whether a point is not isolated, from its kernel sum over the others of its set. */
function isConnected(logSum: number): boolean {
  return logSum > ISOLATED_BELOW;
}

/** ln ½(eᵃ + eᵇ) */
function logMean(a: number, b: number): number {
  return Math.max(a, b) + Math.log(0.5 + 0.5 * Math.exp(-Math.abs(a - b)));
}
