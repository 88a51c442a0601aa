import { type Context, fromNativeError, type Matrix } from '@surprisal/core';
import { selectBackend } from '@surprisal/native';
import { nativeNearestReferences } from './native-nearest.ts';
import { type NearestReferences, nearestTask } from './nearest-task.ts';
import { referenceNearestReferences } from './reference-nearest.ts';
import type { RowWindows } from './row-windows.ts';

/** Options of {@link nearestReferences}. */
export interface NearestReferencesOptions extends Context {
  /** How many references are looked for, from 1 to 1024; default 1. */
  readonly k?: number | undefined;
  /** (m) windows of references that do not count for a query, see `leaveOneOut`; default none. */
  readonly leaveOut?: RowWindows | undefined;
  /** Distance in 1/Å, 0 or more: references at this one or nearer do not count. Default: all count, also those at distance 0. */
  readonly beyond?: number | undefined;
  /** Distance in 1/Å, 0 or more: references farther than this do not count; default Infinity. */
  readonly within?: number | undefined;
}

/**
 * The k nearest references of every query, exactly.
 *
 *     d_ij = √ Σ_c (x_ic − y_jc)²,   of those that count the k with the smallest (d²_ij, j)
 *
 * Distances are taken from differences in float64, whatever the precision of the matrices, and added in the order of the columns:
 * equal rows are at distance exactly 0, and of references at one distance the earlier comes first. Both backends give the same
 * bits, on any number of threads and any instruction set.
 *
 * Time grows with m × n at worst. Natively, references that lie far apart from a query are left out by whole boxes, and the
 * others are looked at in float32 first.
 *
 * @param queries     (m×d) row-major, 1/Å
 * @param references  (n×d), made by the same descriptor
 * @throws {SurprisalError} DIMENSION_MISMATCH, EMPTY_REFERENCE, INVALID_ARGUMENT (k, a distance, numbers that are not finite,
 *   windows that are none), BACKEND_UNAVAILABLE, OUT_OF_MEMORY, ABORTED
 *
 * @example
 * const { rows, distances } = await nearestReferences(x, x, { k: 3, leaveOut: leaveOneOut(x.rows) });
 */
export async function nearestReferences(
  queries: Matrix,
  references: Matrix,
  options: NearestReferencesOptions = {},
): Promise<NearestReferences> {
  const task = nearestTask(queries, references, options);
  try {
    const backend = selectBackend(options);
    if (backend.name === 'reference') return await referenceNearestReferences(task, options);
    return await nativeNearestReferences(task, backend, options);
  } catch (error) {
    throw fromNativeError(error);
  }
}
