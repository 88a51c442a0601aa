import { SurprisalError } from '@surprisal/core';

/** Which frames of a file are wanted: `start:stop:step` with the meaning that Python gives it. */
export interface FrameSlice {
  readonly start: number | undefined;
  /** Exclusive. */
  readonly stop: number | undefined;
  /** Not 0. */
  readonly step: number;
}

const INTEGER = /^[+-]?\d+$/;

/**
 * A slice from its Python notation; a single number means that one frame.
 *
 * @throws {SurprisalError} INVALID_ARGUMENT if it is not `start:stop:step` of integers, or the step is 0
 *
 * @example
 * parseFrameSlice('0:100:5'); // { start: 0, stop: 100, step: 5 }
 * parseFrameSlice('-1'); // { start: -1, stop: undefined, step: 1 }: the last frame
 */
export function parseFrameSlice(text: string): FrameSlice {
  const refuse = (why: string) =>
    new SurprisalError(
      'INVALID_ARGUMENT',
      `frames ${JSON.stringify(text)}: ${why}; write start:stop:step, as 0:100:5, : or -1`,
      {
        details: { frames: text },
      },
    );
  const parts = text.split(':').map((part) => part.trim());
  if (parts.length > 3) throw refuse('too many colons');
  const numbers = parts.map((part) => {
    if (part === '' && parts.length > 1) return undefined;
    const value = Number(part);
    if (!INTEGER.test(part) || !Number.isSafeInteger(value))
      throw refuse(`${JSON.stringify(part)} is not a whole number`);
    return value + 0;
  });
  const [start, stop, step = 1] = numbers;
  if (parts.length === 1) return { start, stop: start === -1 ? undefined : (start as number) + 1, step: 1 };
  if (step === 0) throw refuse('the step is 0');
  return { start, stop, step };
}

/**
 * The positions that a slice selects out of `length` frames, in the order in which it selects them.
 *
 * @example
 * sliceIndices({ start: -2, stop: undefined, step: 1 }, 5); // { first: 3, count: 2 }
 */
export function sliceIndices(slice: FrameSlice, length: number): { first: number; count: number } {
  const { step } = slice;
  const [lowest, highest] = step > 0 ? [0, length] : [-1, length - 1];
  const place = (index: number | undefined, otherwise: number) =>
    index === undefined ? otherwise : Math.min(highest, Math.max(lowest, index < 0 ? index + length : index));
  const first = place(slice.start, step > 0 ? lowest : highest);
  const stop = place(slice.stop, step > 0 ? highest : lowest);
  return { first, count: Math.max(0, Math.ceil((stop - first) / step)) };
}
