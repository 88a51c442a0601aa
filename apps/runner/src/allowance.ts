import { throwIfAborted } from '@surprisal/core';

/** Bytes that may be held at once. Where nothing is held, anything may be: the largest frame has to go through too. */
export class Allowance {
  /** Bytes; what waits for room sees a change when something is given back. */
  limit: number;
  #held = 0;
  #sleepers: (() => void)[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Whether so many bytes more may be held now. */
  fits(bytes: number): boolean {
    return this.#held === 0 || this.#held + bytes <= this.limit;
  }

  take(bytes: number): void {
    this.#held += bytes;
  }

  free(bytes: number): void {
    this.#held -= bytes;
    for (const wake of this.#sleepers.splice(0)) wake();
  }

  /**
   * Waits until so many bytes more may be held.
   *
   * @throws {SurprisalError} ABORTED
   */
  async room(bytes: number, signal: AbortSignal): Promise<void> {
    while (!this.fits(bytes)) {
      throwIfAborted(signal);
      await new Promise<void>((resolve) => {
        const wake = () => {
          signal.removeEventListener('abort', wake);
          resolve();
        };
        signal.addEventListener('abort', wake, { once: true });
        this.#sleepers.push(wake);
      });
    }
  }
}
