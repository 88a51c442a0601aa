import { SurprisalError } from '@surprisal/core';

/** Where the rows of a group lie in each frame: offsets into the group of the frames that have any of it. */
export function offsetsWithin(rows: Uint32Array, offsets: Uint32Array): Uint32Array {
  const ends: number[] = [0];
  let frame = 0;
  rows.forEach((row, i) => {
    while (row >= (offsets[frame + 1] as number)) frame++;
    const next = rows[i + 1];
    if (next === undefined || next >= (offsets[frame + 1] as number)) ends.push(i + 1);
  });
  if (ends.at(-1) !== rows.length)
    throw new SurprisalError('DIMENSION_MISMATCH', 'the rows of a group are not ascending');
  return Uint32Array.from(ends);
}
