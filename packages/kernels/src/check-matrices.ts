import { type Matrix, SurprisalError } from '@surprisal/core';

/**
 * That queries and references can be compared, and that there is something to compare with.
 *
 * @param empty  what to say where there is no reference
 * @throws {SurprisalError} DIMENSION_MISMATCH, EMPTY_REFERENCE
 */
export function checkMatrices(queries: Matrix, references: Matrix, empty: string): void {
  if (queries.columns !== references.columns) {
    throw new SurprisalError(
      'DIMENSION_MISMATCH',
      `queries have ${queries.columns} columns and references ${references.columns}; both must come from one descriptor`,
      { details: { queries: queries.columns, references: references.columns } },
    );
  }
  if (references.rows === 0) throw new SurprisalError('EMPTY_REFERENCE', empty);
}
