import type { RandomSequence } from '@surprisal/core';

/**
 * Draws without replacement from 0 … total − 1, one after another (Fisher and Yates). Only the places that were swapped are
 * kept, so that a few draws from millions cost no more than a few.
 */
export class RandomDraw {
  readonly #random: RandomSequence;
  readonly #total: number;
  readonly #moved = new Map<number, number>();
  #drawn = 0;

  constructor(total: number, random: RandomSequence) {
    this.#total = total;
    this.#random = random;
  }

  /**
   * The next draws; every choice of those that are left is equally likely.
   *
   * @param count  at most as many as are left
   */
  next(count: number): Uint32Array {
    return Uint32Array.from({ length: count }, () => {
      const place = this.#drawn++;
      const other = place + this.#random.integer(place, this.#total - place);
      const taken = this.#moved.get(other) ?? other;
      this.#moved.set(other, this.#moved.get(place) ?? place);
      this.#moved.delete(place);
      return taken;
    });
  }
}
