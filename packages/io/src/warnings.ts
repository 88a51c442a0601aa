import { oneLine } from '@surprisal/core';

/** Says each thing that is odd about a file once. */
export class Warnings {
  readonly #file: string;
  readonly #onWarning: ((message: string) => void) | undefined;
  readonly #said = new Set<string>();

  constructor(file: string, onWarning: ((message: string) => void) | undefined) {
    this.#file = file;
    this.#onWarning = onWarning;
  }

  /** Whether nothing was said about a subject yet; from now on something was. */
  isNew(subject: string): boolean {
    const isNew = !this.#said.has(subject);
    this.#said.add(subject);
    return isNew;
  }

  /** @param subject  what the warning is about; a second warning of the same subject is not said */
  warn(subject: string, message: string): void {
    if (!this.isNew(subject)) return;
    this.#onWarning?.(oneLine(`${this.#file}: ${message}`));
  }
}
