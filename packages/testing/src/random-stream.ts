import { type RandomSequence, randomSequence } from '@surprisal/core';

/**
 * Random numbers one after the other, for tests that draw many things of many kinds. It is a {@link RandomSequence} as
 * well, whose indexed numbers are independent of those drawn in turn.
 */
export interface RandomStream extends RandomSequence {
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** Standard normal. */
  gaussian(): number;
  /** Uniform whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** One element of a list that is not empty. */
  pick<T>(list: readonly T[]): T;
}

/** So that the numbers drawn in turn are not those of the indexed sequence of the same seed. */
const TURN_SALT = 0x5eed;

/**
 * @example
 * const random = randomStream(7);
 * const angle = random.between(0, Math.PI);
 */
export function randomStream(seed: number): RandomStream {
  const turns = randomSequence(seed * 65_536 + TURN_SALT);
  let index = 0;
  const whole = (low: number, high: number) => low + turns.integer(index++, high - low + 1);
  return {
    ...randomSequence(seed),
    between: (low, high) => low + (high - low) * turns.uniform(index++),
    gaussian: () => turns.normal(index++),
    whole,
    chance: (probability) => turns.uniform(index++) < probability,
    pick: <T>(list: readonly T[]) => list[whole(0, list.length - 1)] as T,
  };
}
