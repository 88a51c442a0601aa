import { type Matrix, SurprisalError } from '@surprisal/core';
import { checkFinite } from './check-finite.ts';
import { checkMatrices } from './check-matrices.ts';
import { inFloat64 } from './in-float64.ts';
import { checkRowWindows, type RowWindows } from './row-windows.ts';

/** Checked input of a search for nearest references: both matrices of one width and one precision. */
export interface NearestTask {
  readonly queries: Matrix;
  readonly references: Matrix;
  readonly k: number;
  readonly leaveOut: RowWindows | null;
  /** Squared distance: references at this one or nearer do not count; −1 for none. */
  readonly beyond: number;
  /** Squared distance: references farther than this do not count. */
  readonly within: number;
}

/** The nearest references of every query, nearest first; rows end early where fewer count. */
export interface NearestReferences {
  /** Entries of a row. */
  readonly k: number;
  /** (m×k) rows of the references; {@link NO_REFERENCE} past the end of a row. */
  readonly rows: Uint32Array;
  /** (m×k) 1/Å; Infinity past the end of a row. */
  readonly distances: Float64Array;
}

/** Stands where a query has no further reference. */
export const NO_REFERENCE = 0xffffffff;

/** What a search takes beside its matrices. */
export interface NearestParameters {
  readonly k?: number | undefined;
  readonly leaveOut?: RowWindows | undefined;
  readonly beyond?: number | undefined;
  readonly within?: number | undefined;
}

/** More than anybody asks for, and few enough to be kept in order by insertion. */
const LARGEST_K = 1024;

/**
 * Every check of a search for nearest references, once.
 *
 * @throws {SurprisalError} DIMENSION_MISMATCH, EMPTY_REFERENCE, INVALID_ARGUMENT
 */
export function nearestTask(
  queries: Matrix,
  references: Matrix,
  { k = 1, leaveOut, beyond, within = Number.POSITIVE_INFINITY }: NearestParameters,
): NearestTask {
  checkMatrices(queries, references, 'there is no reference environment to be near to');
  if (!(Number.isInteger(k) && k >= 1 && k <= LARGEST_K)) {
    throw new SurprisalError('INVALID_ARGUMENT', `k is ${k}; it must be a whole number from 1 to ${LARGEST_K}`);
  }
  for (const [name, distance] of [['beyond', beyond ?? 0] as const, ['within', within] as const]) {
    if (distance >= 0) continue;
    throw new SurprisalError('INVALID_ARGUMENT', `${name} is ${distance}; it must be a distance, 0 or more (1/Å)`);
  }
  checkFinite(references, 'references');
  if (queries.data !== references.data) checkFinite(queries, 'queries');
  if (leaveOut !== undefined) checkRowWindows(leaveOut, queries.rows, references.rows);
  const double = !(queries.data instanceof Float32Array && references.data instanceof Float32Array);
  return {
    queries: double ? inFloat64(queries) : queries,
    references: double ? inFloat64(references) : references,
    k,
    leaveOut: leaveOut ?? null,
    beyond: beyond === undefined ? -1 : beyond * beyond,
    within: within * within,
  };
}
