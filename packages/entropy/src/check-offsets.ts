import { SurprisalError } from '@surprisal/core';

/**
 * That offsets cut some rows into frames: frame f holds the rows offsets[f] … offsets[f + 1] − 1.
 *
 * @param offsets  (frames+1), from 0 to `rows`, nowhere falling
 * @param what     how to call them in an error
 * @throws {SurprisalError} INVALID_ARGUMENT
 */
export function checkOffsets(offsets: Uint32Array, rows: number, what = 'the frame offsets'): void {
  const refuse = (problem: string, details: Record<string, unknown> = {}) => {
    throw new SurprisalError(
      'INVALID_ARGUMENT',
      `${what} ${problem}; frame f holds the rows offsets[f] … offsets[f + 1] − 1`,
      { details: { rows, ...details } },
    );
  };
  if (offsets.length < 2) refuse('hold no frame: they must be one more than the frames');
  if (offsets[0] !== 0) refuse(`begin at ${offsets[0]}, not at 0`);
  for (let f = 1; f < offsets.length; f++) {
    if (offsets[f]! < offsets[f - 1]!) refuse(`fall from ${offsets[f - 1]} to ${offsets[f]}`, { frame: f - 1 });
  }
  if (offsets.at(-1) !== rows) refuse(`end at ${offsets.at(-1)}, but there are ${rows} environments`);
}
