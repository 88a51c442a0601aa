import type { Structure } from '@surprisal/core';

/** A file that is written frame by frame. */
export interface FrameWriter {
  /**
   * The next frame as text, in pieces.
   *
   * @throws {SurprisalError} INVALID_ARGUMENT if the format cannot hold it
   */
  write(structure: Structure): Iterable<string>;
}
