import { randomSequence } from '@surprisal/core';

/**
 * Some of 0 … total − 1, every choice equally likely: those with the smallest of random keys.
 *
 * @param stream  choices of different streams of one seed are independent; of one stream, a smaller one is part of a
 *   larger
 * @returns (count), ascending
 */
export function randomSubset(count: number, total: number, seed: number, stream: number): Uint32Array {
  const random = randomSequence(randomSequence(seed).integer(stream, 2 ** 52));
  const keys = Float64Array.from({ length: total }, (_, i) => random.uniform(i));
  const limit = keys.toSorted()[count - 1]!;
  const chosen = new Uint32Array(count);
  // Two equal keys at the limit are next to impossible; the earlier one goes first.
  let [at, ties] = [0, count - keys.reduce((below, key) => below + (key < limit ? 1 : 0), 0)];
  for (let i = 0; i < total; i++) {
    if (keys[i]! < limit || (keys[i] === limit && ties-- > 0)) chosen[at++] = i;
  }
  return chosen;
}
