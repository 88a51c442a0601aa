import { type Structure, SurprisalError } from '@surprisal/core';

/** A file that is written frame by frame. */
export interface FrameWriter {
  /**
   * The next frame as text, in pieces.
   *
   * @throws {SurprisalError} INVALID_ARGUMENT if the format cannot hold it
   */
  write(structure: Structure): Iterable<string>;
}

/**
 * A writer of a format whose files hold one structure: it refuses a second.
 *
 * @param title    what the sentence calls the format
 * @param instead  formats that hold several
 */
export function singleFrame(writer: FrameWriter, title: string, instead: string): FrameWriter {
  let isWritten = false;
  return {
    write(structure) {
      if (isWritten) {
        throw new SurprisalError(
          'INVALID_ARGUMENT',
          `${title} holds one structure, and there is a second; write ${instead}, or select one frame`,
        );
      }
      isWritten = true;
      return writer.write(structure);
    },
  };
}
