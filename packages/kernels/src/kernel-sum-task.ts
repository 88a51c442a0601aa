import { type Matrix, SurprisalError } from '@surprisal/core';
import { checkFinite } from './check-finite.ts';
import { checkMatrices } from './check-matrices.ts';
import { inFloat64 } from './in-float64.ts';
import { checkRowWindows, type RowWindows } from './row-windows.ts';

/** Checked input of a kernel sum: both matrices of one width and one precision. */
export interface KernelSumTask {
  readonly queries: Matrix;
  readonly references: Matrix;
  readonly bandwidths: Float64Array;
  readonly weights: Float64Array | null;
  readonly leaveOut: RowWindows | null;
  readonly skipBelow: number;
  /** float32 matrices are worked on in float64. */
  readonly double: boolean;
  readonly decisions: Float64Array;
}

/** How accurate a kernel sum is. */
export interface KernelSumAccuracy {
  /**
   * Nats by which references that are left out because they are too far may raise a δH = −ln s at the most; default 1e-6
   * ({@link DEFAULT_SKIP_BELOW}); 0 leaves nothing out. The reference backend never leaves anything out.
   */
  readonly skipBelow?: number | undefined;
  /** `float64`: float32 matrices too are worked on in float64. Default: each matrix in the precision that it has. */
  readonly work?: 'storage' | 'float64' | undefined;
  /**
   * Values of δH = −ln s at which something is decided, such as ε of an overlap. A sum that is too near one to be told
   * from it is done again in float64, and what is left out then is at most 10⁻¹³ of it.
   */
  readonly decisions?: readonly number[] | undefined;
}

/** What a kernel sum takes beside its matrices. */
export interface KernelSumParameters extends KernelSumAccuracy {
  readonly bandwidths: readonly number[];
  readonly weights?: Float64Array | undefined;
  readonly leaveOut?: RowWindows | undefined;
}

/** Nats by which references that are left out may raise a δH at the most. */
export const DEFAULT_SKIP_BELOW = 1e-6;

/** Bandwidths outside of this range (1/Å) overflow float32 in 1/2h²; no descriptor comes near. */
const SMALLEST_BANDWIDTH = 1e-12;
const LARGEST_BANDWIDTH = 1e12;

/**
 * Every check of a kernel sum, once.
 *
 * @throws {SurprisalError} DIMENSION_MISMATCH, INVALID_BANDWIDTH, EMPTY_REFERENCE, INVALID_ARGUMENT
 */
export function kernelSumTask(
  queries: Matrix,
  references: Matrix,
  { bandwidths, weights, leaveOut, skipBelow = DEFAULT_SKIP_BELOW, work, decisions = [] }: KernelSumParameters,
): KernelSumTask {
  checkMatrices(queries, references, 'there is no reference environment; a kernel sum needs at least one');
  if (bandwidths.length === 0) throw new SurprisalError('INVALID_BANDWIDTH', 'no bandwidth was given');
  for (const bandwidth of bandwidths) {
    if (!(bandwidth >= SMALLEST_BANDWIDTH && bandwidth <= LARGEST_BANDWIDTH)) {
      throw new SurprisalError(
        'INVALID_BANDWIDTH',
        `the bandwidth is ${bandwidth}; it must be above 0, from 10⁻¹² to 10¹² 1/Å`,
        {
          details: { bandwidth },
        },
      );
    }
  }
  if (!(skipBelow >= 0 && skipBelow < 1)) {
    throw new SurprisalError('INVALID_ARGUMENT', `skipBelow is ${skipBelow}; it must be from 0 to below 1 nat`);
  }
  if (decisions.some(Number.isNaN)) throw new SurprisalError('INVALID_ARGUMENT', 'a decision is not a number');
  checkFinite(references, 'references');
  if (queries.data !== references.data) checkFinite(queries, 'queries');
  if (weights !== undefined) checkWeights(weights, references.rows);
  if (leaveOut !== undefined) checkWindows(leaveOut, queries.rows, references.rows, weights);
  const double = !(queries.data instanceof Float32Array && references.data instanceof Float32Array);
  return {
    queries: double ? inFloat64(queries) : queries,
    references: double ? inFloat64(references) : references,
    bandwidths: Float64Array.from(bandwidths),
    weights: weights ?? null,
    leaveOut: leaveOut ?? null,
    skipBelow,
    double: double || work === 'float64',
    decisions: Float64Array.from(decisions, (dH) => 0 - dH),
  };
}

function checkWeights(weights: Float64Array, rows: number): void {
  if (weights.length !== rows) {
    throw new SurprisalError('DIMENSION_MISMATCH', `${weights.length} weights were given for ${rows} references`);
  }
  const place = weights.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
  if (place >= 0) {
    throw new SurprisalError(
      'INVALID_ARGUMENT',
      `weight ${place + 1} is ${weights[place]}; weights must be finite and not below 0`,
    );
  }
  if (!weights.some((weight) => weight > 0)) {
    throw new SurprisalError('EMPTY_REFERENCE', 'every reference has weight 0; at least one must count');
  }
}

function checkWindows(
  windows: RowWindows,
  queries: number,
  references: number,
  weights: Float64Array | undefined,
): void {
  checkRowWindows(windows, queries, references);
  const { starts, ends } = windows;
  const before = countsBefore(references, weights);
  for (let i = 0; i < queries; i++) {
    const [start, end] = [starts[i]!, ends[i]!];
    if (before(end) - before(start) < before(references)) continue;
    throw new SurprisalError(
      'EMPTY_REFERENCE',
      `query ${i + 1} leaves out every reference that counts (${start} to ${end}, exclusive, of ${references}); at least one must be left`,
      { details: { query: i, start, end } },
    );
  }
}

/** Weights relative to the largest, so that sums of them neither overflow nor lose digits. What is too small for that is 0. */
export function relativeWeights(weights: Float64Array | null): {
  readonly largest: number;
  readonly relative: Float64Array | null;
} {
  if (weights === null) return { largest: 1, relative: null };
  const largest = weights.reduce((most, weight) => Math.max(most, weight), 0);
  return { largest, relative: weights.map((weight) => weight / largest) };
}

/** How many of the references before a row have weight. */
function countsBefore(references: number, weights: Float64Array | undefined): (row: number) => number {
  if (weights === undefined) return (row) => row;
  const { relative } = relativeWeights(weights);
  const counts = new Uint32Array(references + 1);
  for (let j = 0; j < references; j++) counts[j + 1] = counts[j]! + (relative![j]! > 0 ? 1 : 0);
  return (row) => counts[row]!;
}
