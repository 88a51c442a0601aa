import type { Structure } from '@surprisal/core';
import type { Warnings } from './warnings.ts';

/** Room between the atoms and the sides of a box that is made for them, Å. */
const MARGIN = 1;

/** The cell and corner of a structure for a format that needs them: its own, else a box around the atoms, with a word. */
export function boxOf(
  { cell, positions, info }: Structure,
  format: string,
  warnings: Warnings,
): { readonly cell: Float64Array; readonly origin: Float64Array } {
  if (cell !== null) {
    const origin = info.get('Origin');
    const isOrigin = origin?.kind === 'real' && origin.values.length === 3;
    return { cell, origin: isOrigin ? origin.values : new Float64Array(3) };
  }
  warnings.warn('cell', `the structure has no cell, and ${format} needs one; a box around the atoms is written`);
  const low = [0, 0, 0];
  const high = [0, 0, 0];
  for (let axis = 0; axis < 3; axis++) {
    for (let at = axis; at < positions.length; at += 3) {
      const value = positions[at] as number;
      if (at === axis || value < (low[axis] as number)) low[axis] = value;
      if (at === axis || value > (high[axis] as number)) high[axis] = value;
    }
  }
  const origin = Float64Array.from(low, (value) => Math.floor(value) - MARGIN);
  const box = new Float64Array(9);
  for (let axis = 0; axis < 3; axis++)
    box[4 * axis] = Math.ceil(high[axis] as number) + MARGIN - (origin[axis] as number);
  return { cell: box, origin };
}
