import { createStructure, type Structure, type StructureInit, SurprisalError } from '@surprisal/core';
import type { LineReader } from './line-reader.ts';

/**
 * The structure that was read, up to the current line. Finite fractions of finite cell vectors may still give positions
 * beyond every double; then the file is refused, with that line.
 *
 * @throws {SurprisalError} PARSE_ERROR
 */
export function structureOfFile(init: StructureInit, lines: LineReader): Structure {
  try {
    return createStructure(init);
  } catch (error) {
    if (error instanceof SurprisalError) throw lines.error(error.message);
    throw error;
  }
}
