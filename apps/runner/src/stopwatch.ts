/** The parts of the work that results tell apart. */
export type Part = 'read' | 'descriptors' | 'kernel';

/** Seconds of wall time of each part, and of everything since the start. */
export type Seconds = Readonly<Record<Part | 'total', number>>;

/** Adds up what each part of the work takes. */
export class Stopwatch {
  readonly #started: number = performance.now();
  readonly #milliseconds: Record<Part, number> = { read: 0, descriptors: 0, kernel: 0 };

  /** Runs a piece of a part. */
  async time<T>(part: Part, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await work();
    } finally {
      this.#milliseconds[part] += performance.now() - started;
    }
  }

  seconds(): Seconds {
    const { read, descriptors, kernel } = this.#milliseconds;
    const total = performance.now() - this.#started;
    return { read: round(read), descriptors: round(descriptors), kernel: round(kernel), total: round(total) };
  }
}

/** To a millisecond; more would be noise. */
function round(milliseconds: number): number {
  return Math.round(milliseconds) / 1000;
}
