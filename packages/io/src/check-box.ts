import { createStructure, type Pbc, SurprisalError } from '@surprisal/core';
import type { LineReader } from './line-reader.ts';

/**
 * Refuses a cell that cannot be periodic as it is said to be, at the line that gives it and before any atom is read.
 *
 * @throws {SurprisalError} PARSE_ERROR
 */
export function checkBox(cell: Float64Array | null, pbc: Pbc, lines: LineReader): void {
  try {
    createStructure({ positions: new Float64Array(0), cell, pbc });
  } catch (error) {
    if (error instanceof SurprisalError) throw lines.error(error.message);
    throw error;
  }
}
