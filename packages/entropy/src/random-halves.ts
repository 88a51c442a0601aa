import { type Context, cooperate, randomSequence } from '@surprisal/core';

/** Two parts of a set of rows that have no row in common. */
export interface RandomHalves {
  /** ⌊n/2⌋ row numbers. */
  readonly first: Uint32Array;
  /** The others. */
  readonly second: Uint32Array;
}

/**
 * The rows 0 … rows − 1 in two random halves, without replacement (Fisher and Yates).
 *
 * @param seed  decides, together with the number of rows, which rows go where
 */
export async function randomHalves(rows: number, seed: number, context: Context): Promise<RandomHalves> {
  const random = randomSequence(seed);
  const order = Uint32Array.from({ length: rows }, (_, row) => row);
  const breathe = cooperate('random halves', rows, 'environments', context);
  for (let place = rows - 1; place > 0; place--) {
    await breathe(rows - place);
    const other = random.integer(place, place + 1);
    [order[place], order[other]] = [order[other] as number, order[place] as number];
  }
  const half = Math.floor(rows / 2);
  return { first: order.slice(0, half), second: order.slice(half) };
}
