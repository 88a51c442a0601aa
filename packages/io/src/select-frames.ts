import type { Structure } from '@surprisal/core';
import { type FrameSlice, sliceIndices } from './frame-slice.ts';

/** A file, frame by frame. */
export interface FrameReader {
  /** The next frame; undefined at the end of the file. */
  read(): Promise<Structure | undefined>;
  /** Passes over the next frame without looking into its rows; false at the end of the file. */
  skip(): Promise<boolean>;
}

/** How many frames were met, and how many of them were selected. */
export interface FrameCount {
  readonly frames: number;
  /** Whether these are all frames of the file. */
  readonly ended: boolean;
  readonly selected: number;
}

/**
 * The frames that a slice selects, in one pass.
 *
 * With bounds that count from the front, frames stream and the file is left where the slice ends. A bound that counts
 * from the end holds back as many frames as it counts; a negative step holds all that it may select.
 */
export async function* selectFrames(frames: FrameReader, slice: FrameSlice): AsyncGenerator<Structure, FrameCount> {
  if (slice.step < 0 || (slice.start ?? 0) < 0) return yield* selectFromEnd(frames, slice);
  return yield* selectFromFront(frames, slice);
}

async function* selectFromFront(frames: FrameReader, slice: FrameSlice): AsyncGenerator<Structure, FrameCount> {
  const { start = 0, stop, step } = slice;
  const last = stop !== undefined && stop >= 0 ? stop : Number.POSITIVE_INFINITY;
  // A stop of −m lets frame i pass once frame i + m is known to exist.
  const behind = stop !== undefined && stop < 0 ? -stop : 0;
  const held: { readonly index: number; readonly structure: Structure }[] = [];
  let index = 0;
  let selected = 0;
  let ended = false;
  for (; index < last; index++) {
    if (index >= start && (index - start) % step === 0) {
      const structure = await frames.read();
      ended = structure === undefined;
      if (structure === undefined) break;
      held.push({ index, structure });
    } else if (!(await frames.skip())) {
      ended = true;
      break;
    }
    for (let first = held[0]; first !== undefined && first.index + behind <= index; first = held[0]) {
      held.shift();
      selected++;
      yield first.structure;
    }
  }
  return { frames: index, ended, selected };
}

async function* selectFromEnd(frames: FrameReader, slice: FrameSlice): AsyncGenerator<Structure, FrameCount> {
  const { start, stop, step } = slice;
  const most = step > 0 ? -(start as number) : Number.POSITIVE_INFINITY;
  const lowest = step < 0 && stop !== undefined && stop >= 0 ? stop + 1 : 0;
  const highest = step < 0 && start !== undefined && start >= 0 ? start : Number.POSITIVE_INFINITY;
  const held = new Map<number, Structure>();
  let length = 0;
  let ended = true;
  for (; ; length++) {
    if (length >= lowest && length <= highest) {
      const structure = await frames.read();
      if (structure === undefined) break;
      held.set(length, structure);
      if (length - most >= 0) held.delete(length - most);
    } else if (length > highest && (stop ?? 0) >= 0) {
      ended = false;
      break;
    } else if (!(await frames.skip())) {
      break;
    }
  }
  const { first, count } = sliceIndices(slice, length);
  for (let i = 0; i < count; i++) {
    const structure = held.get(first + i * step);
    if (structure !== undefined) yield structure;
  }
  return { frames: length, ended, selected: count };
}
