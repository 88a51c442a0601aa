import { SurprisalError } from '@surprisal/core';

/**
 * For each query, the references that its sum leaves out: rows `starts[i]` … `ends[i]` (exclusive) of the references, as
 * given, whatever their weights. Where both are equal, nothing is left out.
 */
export interface RowWindows {
  /** (m) */
  readonly starts: Uint32Array;
  /** (m), not below `starts`, at most n */
  readonly ends: Uint32Array;
}

/**
 * The windows with which each row of a matrix leaves itself out of its own sum: query i leaves out reference first + i.
 *
 * @param rows   how many queries
 * @param first  the row of the references that the first query is; default 0
 *
 * @example
 * const lnS = await logKernelSum(x, x, { bandwidth: 0.015, leaveOut: leaveOneOut(x.rows) });
 */
export function leaveOneOut(rows: number, first: number = 0): RowWindows {
  return {
    starts: Uint32Array.from({ length: rows }, (_, i) => first + i),
    ends: Uint32Array.from({ length: rows }, (_, i) => first + i + 1),
  };
}

/** @throws {SurprisalError} DIMENSION_MISMATCH, INVALID_ARGUMENT if they are no windows of so many references */
export function checkRowWindows({ starts, ends }: RowWindows, queries: number, references: number): void {
  if (starts.length !== queries || ends.length !== queries) {
    throw new SurprisalError(
      'DIMENSION_MISMATCH',
      `leaveOut has ${starts.length} starts and ${ends.length} ends for ${queries} queries; it needs one of each for each query`,
    );
  }
  for (let i = 0; i < queries; i++) {
    const [start, end] = [starts[i]!, ends[i]!];
    if (start <= end && end <= references) continue;
    throw new SurprisalError(
      'INVALID_ARGUMENT',
      `query ${i + 1} leaves out references ${start} to ${end} (exclusive, counted from 0) of ${references}; a window must not end before it starts, or past the last reference`,
      { details: { query: i, start, end } },
    );
  }
}
