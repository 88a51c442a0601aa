/** Smallest, mean and largest of some numbers. */
export interface SpreadSummary {
  readonly min: number;
  readonly mean: number;
  readonly max: number;
}

/** Gathers numbers, and keeps their spread. */
export class Spread {
  count = 0;
  sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  add(value: number): void {
    this.count++;
    this.sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  /** Null where nothing was added. */
  summary(): SpreadSummary | null {
    return this.count === 0 ? null : { min: this.#min, mean: this.sum / this.count, max: this.#max };
  }
}
