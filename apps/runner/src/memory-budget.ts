import { SurprisalError } from '@surprisal/core';
import { availableMemory } from '@surprisal/native';
import { formatBytes } from './format-number.ts';
import type { CommandOptions } from './option-values.ts';

/** What a process takes before it works: Node, the code, stacks of threads, buffers of files, and garbage of all that. */
const PROCESS_BYTES = 160 * 2 ** 20;

const MIB = 2 ** 20;

/** Something that takes memory. */
interface Claim {
  readonly bytes: number;
  /** What it is, as in `3 MiB for …`. */
  readonly what: string;
}

/** What large things memory goes to. */
export type ClaimName = 'process' | 'chunks' | 'reference' | 'queries' | 'frames' | 'matrix' | 'results';

/** Memory that a run may take, and what takes it: everything large is claimed before it is made. */
export class MemoryBudget {
  readonly bytes: number;
  /** What says so, as a phrase. */
  readonly source: string;
  readonly #claims = new Map<ClaimName, Claim>();

  /** @throws {SurprisalError} OUT_OF_MEMORY if not even the process has room */
  constructor(bytes: number, source: string) {
    this.bytes = bytes;
    this.source = source;
    this.claim('process', PROCESS_BYTES, 'the process itself');
  }

  /** Bytes that nothing has claimed. */
  get left(): number {
    let left = this.bytes;
    for (const { bytes } of this.#claims.values()) left -= bytes;
    return left;
  }

  /**
   * Sets bytes aside; a later claim of the same name takes the place of the earlier one.
   *
   * @param what  they are for
   * @param hint  what else could be done, where there is something
   * @throws {SurprisalError} OUT_OF_MEMORY if they are not left, with how much is needed
   */
  claim(name: ClaimName, bytes: number, what: string, hint?: string): void {
    this.#claims.set(name, { bytes, what });
    if (this.left >= 0) return;
    const needed = Math.ceil((this.bytes - this.left) / MIB);
    const parts = [...this.#claims.values()]
      .filter((claim) => claim.bytes >= MIB)
      .map((claim) => `${formatBytes(claim.bytes)} for ${claim.what}`);
    throw new SurprisalError(
      'OUT_OF_MEMORY',
      `${formatBytes(this.bytes)} of memory (${this.source}) are too little: ${formatBytes(needed * MIB)} are needed, ` +
        `${parts.join(', ')}; give --memory ${needed}M${hint === undefined ? '' : `, or ${hint}`}`,
      { details: { budget: this.bytes, needed: needed * MIB } },
    );
  }

  /** Gives back what was set aside under a name. */
  release(name: ClaimName): void {
    this.#claims.delete(name);
  }
}

/**
 * The budget of a run: what `--memory` says, else half of what this process can still take.
 *
 * @throws {SurprisalError} OUT_OF_MEMORY if it is too small for anything
 */
export function memoryBudget({ memory }: Pick<CommandOptions, 'memory'>): MemoryBudget {
  if (memory !== undefined) return new MemoryBudget(memory, '--memory');
  const { bytes, source } = availableMemory();
  return new MemoryBudget(Math.floor(bytes / 2), `half of what is left by ${source}`);
}
