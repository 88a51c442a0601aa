import { SurprisalError } from '@surprisal/core';

/** Where the rows of a group lie. */
export interface RowsOfFrames {
  /** (frames + 1), into the group: where each of the frames that have any of it begins, and behind the last where it ends. */
  readonly offsets: Uint32Array;
  /** (frames), which frames of the whole these are. */
  readonly frames: Uint32Array;
}

/**
 * Where the rows of a group lie in each frame.
 *
 * @param rows  of the group, ascending
 * @param offsets  of the frames of the whole
 */
export function rowsOfFrames(rows: Uint32Array, offsets: Uint32Array): RowsOfFrames {
  const ends: number[] = [0];
  const frames: number[] = [];
  let frame = 0;
  rows.forEach((row, i) => {
    while (row >= (offsets[frame + 1] as number)) frame++;
    const next = rows[i + 1];
    if (next !== undefined && next < (offsets[frame + 1] as number)) return;
    ends.push(i + 1);
    frames.push(frame);
  });
  if (ends.at(-1) !== rows.length)
    throw new SurprisalError('DIMENSION_MISMATCH', 'the rows of a group are not ascending');
  return { offsets: Uint32Array.from(ends), frames: Uint32Array.from(frames) };
}
