import { SurprisalError } from '@surprisal/core';
import { availableMemory } from '@surprisal/native';
import { formatBytes } from './format-number.ts';
import type { CommandOptions } from './option-values.ts';

/** What a process takes before it works: Node, the code, stacks of threads, buffers of files, and garbage of all that. */
const PROCESS_BYTES = 160 * 2 ** 20;

const MIB = 2 ** 20;

/** What a budget would hold for a claim if it were larger; bytes. */
export interface Room {
  /** Beside the process. */
  readonly all: number;
  /** Of these, what claims made before leave. */
  readonly left: number;
  /** What the earlier claim of the same name took; 0 where there was none. */
  readonly before: number;
}

/** What a claim may say beside its size. */
export interface ClaimNotes {
  /** What else could be done where memory is too little. */
  readonly hint?: string | undefined;
  /** Where it is a share of the memory: how many bytes it would have of more. */
  readonly grows?: ((room: Room) => number) | undefined;
}

/** Something that takes memory. */
interface Claim extends ClaimNotes {
  readonly bytes: number;
  /** What it is, as in `3 MiB for …`. */
  readonly what: string;
}

/** Whose files a stream reads. */
export type Side = 'test' | 'reference';

/** What large things memory goes to. */
export type ClaimName = 'process' | 'chunks' | 'reference' | 'queries' | 'results' | `${Side} ${'frames' | 'matrix'}`;

/** Memory that a run may take, and what takes it: everything large is claimed before it is made. */
export class MemoryBudget {
  readonly bytes: number;
  /** What says so, as a phrase. */
  readonly source: string;
  readonly #claims = new Map<ClaimName, Claim>();
  /** All that was claimed and given back (undefined), in order. */
  readonly #history: { readonly name: ClaimName; readonly claim: Claim | undefined }[] = [];

  /** @throws {SurprisalError} OUT_OF_MEMORY if not even the process has room */
  constructor(bytes: number, source: string) {
    this.bytes = bytes;
    this.source = source;
    this.claim('process', PROCESS_BYTES, 'the process itself');
  }

  /** Bytes that nothing has claimed. */
  get left(): number {
    return this.bytes - sumOf(this.#claims.values());
  }

  /**
   * Sets bytes aside; a later claim of the same name takes the place of the earlier one.
   *
   * @param what  they are for
   * @throws {SurprisalError} OUT_OF_MEMORY if they are not left, with how much is needed for all that was claimed so far
   */
  claim(name: ClaimName, bytes: number, what: string, notes: ClaimNotes = {}): void {
    const claim = { bytes, what, ...notes };
    this.#claims.set(name, claim);
    if (this.#history.at(-1)?.name === name) this.#history.pop();
    this.#history.push({ name, claim });
    if (this.left >= 0) return;
    const { hint } = notes;
    const { bytes: enough, claims } = this.#enough();
    const needed = Math.ceil(enough / MIB);
    // The small ones are left out, but for the one for which there is no room.
    const parts = claims
      .filter((other) => other.bytes >= MIB || other.what === what)
      .map((other) => `${formatBytes(other.bytes)} for ${other.what}`);
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
    this.#history.push({ name, claim: undefined });
  }

  /** The least budget, about, that has room for all that was claimed, and the claims in it: some are shares of it. */
  #enough(): { readonly bytes: number; readonly claims: readonly Claim[] } {
    for (let all = sumOf(this.#claims.values()) - PROCESS_BYTES; ; ) {
      const claims = new Map<ClaimName, Claim>();
      let least = Number.POSITIVE_INFINITY;
      for (const { name, claim } of this.#history) {
        const before = claims.get(name)?.bytes ?? 0;
        claims.delete(name);
        if (claim === undefined) continue;
        const left = PROCESS_BYTES + all - sumOf(claims.values());
        const bytes = Math.max(claim.bytes, claim.grows?.({ all, left, before }) ?? 0);
        claims.set(name, { ...claim, bytes });
        least = Math.min(least, left - bytes);
      }
      if (least >= 0) return { bytes: PROCESS_BYTES + all, claims: [...claims.values()] };
      all += Math.max(MIB / 4, -least);
    }
  }
}

function sumOf(claims: Iterable<Claim>): number {
  let sum = 0;
  for (const { bytes } of claims) sum += bytes;
  return sum;
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
