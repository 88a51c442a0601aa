import { type Communicator, createMatrix, type Matrix } from '@surprisal/core';
import type { RandomStream } from '@surprisal/testing';

/** Normal numbers of this spread in every column. */
export function randomMatrix(random: RandomStream, rows: number, columns: number, spread: number): Matrix {
  const data = Float64Array.from({ length: rows * columns }, () => spread * random.gaussian());
  return createMatrix(rows, columns, data);
}

/** Environments of one number each: for each frame, how many stand at 0, at 1, at 2 …: kinds far apart. */
export function inGroups(...frames: readonly (readonly number[])[]): Matrix {
  const kinds = frames.flatMap((counts) => counts.flatMap((count, kind) => new Array<number>(count).fill(kind)));
  return createMatrix(kinds.length, 1, Float64Array.from(kinds));
}

/** `size` communicators in one process: each collective waits for all of them. */
export function ranks(size: number): Communicator[] {
  let parts: Float64Array[] = [];
  let waiting: ((whole: Float64Array) => void)[] = [];
  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    allGather: (values: Float64Array) =>
      new Promise<Float64Array>((resolve) => {
        parts[rank] = values;
        waiting.push(resolve);
        if (waiting.length < size) return;
        const whole = Float64Array.from(parts.flatMap((part) => [...part]));
        const everyone = waiting;
        [parts, waiting] = [[], []];
        for (const answer of everyone) answer(whole);
      }),
  }));
}
