/** The parts of the work that results tell apart. */
export type Part = 'read' | 'descriptors' | 'kernel';

/**
 * Seconds of wall time of each part while it was busy, and of everything since the start. Parts that work at the same time
 * can come to more than the whole.
 */
export interface Seconds extends Readonly<Record<Part | 'total', number>> {
  /** Where results are written while they come. */
  readonly write?: number;
}

/** Adds up what each part of the work takes. */
export class Stopwatch {
  readonly #started: number = performance.now();
  readonly #milliseconds: Record<Part, number> = { read: 0, descriptors: 0, kernel: 0 };
  #writing: number | undefined;

  /** Runs a piece of a part. */
  async time<T>(part: Part, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await work();
    } finally {
      this.#milliseconds[part] += performance.now() - started;
    }
  }

  /** Adds to what writing takes beside the other parts. */
  addWriting(milliseconds: number): void {
    this.#writing = (this.#writing ?? 0) + milliseconds;
  }

  seconds(): Seconds {
    const { read, descriptors, kernel } = this.#milliseconds;
    const total = performance.now() - this.#started;
    const parts = { read: round(read), descriptors: round(descriptors), kernel: round(kernel) };
    const write = this.#writing === undefined ? {} : { write: round(this.#writing) };
    return { ...parts, ...write, total: round(total) };
  }
}

/** To a millisecond; more would be noise. */
function round(milliseconds: number): number {
  return Math.round(milliseconds) / 1000;
}
