import { atomCount, type Context, cooperate, fromNativeError, type Structure, throwIfAborted } from '@surprisal/core';
import { type NativeJob, runJob, type StructureBatch } from '@surprisal/native';
import { neighborSearch } from './neighbor-search.ts';
import { type PackedStructures, structureBatches } from './structure-batches.ts';

/** What {@link runBatches} takes beside structures and work. */
export interface RunBatchesOptions extends Pick<Context, 'signal' | 'onProgress'> {
  /** Å */
  readonly cutoff: number;
  /** What is being done, for progress. */
  readonly stage: string;
  /** What progress calls an atom. */
  readonly unit: string;
}

/**
 * Native work over all atoms of a list of structures, a bounded number of them at a time: packs, waits, reports progress
 * in atoms, and gives errors the same words as the reference.
 *
 * @param start  begins the work on one batch
 * @param take   receives its result
 * @throws {SurprisalError} INVALID_CELL, INVALID_POSITIONS, COINCIDENT_ATOMS, OUT_OF_MEMORY, ABORTED
 */
export async function runBatches<T>(
  structures: readonly Structure[],
  { cutoff, stage, unit, signal, onProgress }: RunBatchesOptions,
  start: (batch: StructureBatch, packed: PackedStructures) => NativeJob<T>,
  take: (result: T, packed: PackedStructures) => void,
): Promise<void> {
  throwIfAborted(signal);
  const total = structures.reduce((sum, structure) => sum + atomCount(structure), 0);
  for (const packed of structureBatches(structures)) {
    const report =
      onProgress &&
      ((done: number, of: number) =>
        onProgress({
          stage,
          done: packed.firstAtom + Math.round((done / Math.max(1, of)) * packed.atoms),
          total,
          unit,
        }));
    try {
      take(await runJob(() => start(packed.batch, packed), { signal, onProgress: report }), packed);
    } catch (error) {
      throw await namedError(error, packed, cutoff, { signal });
    }
  }
}

/** What {@link runParts} takes beside structure and work. */
export interface RunPartsOptions extends Pick<Context, 'signal'> {
  /** Å */
  readonly cutoff: number;
  /** Atoms of a part, at the most. */
  readonly rows: number;
}

/**
 * Native work over all atoms of one structure, some at a time; errors have the same words as those of the reference.
 *
 * @param open   takes the structure, once
 * @param start  begins the work on a part of it
 * @throws {SurprisalError} as {@link runBatches}
 */
export async function* runParts<Frame extends { close(): void }, T>(
  structure: Structure,
  { cutoff, rows, signal }: RunPartsOptions,
  open: (batch: StructureBatch) => Frame,
  start: (frame: Frame, first: number, end: number) => NativeJob<T>,
): AsyncGenerator<T, void> {
  throwIfAborted(signal);
  for (const packed of structureBatches([structure])) {
    let frame: Frame | undefined;
    try {
      const opened = open(packed.batch);
      frame = opened;
      for (let first = 0; first < packed.atoms; first += rows) {
        yield await runJob(() => start(opened, first, Math.min(packed.atoms, first + rows)), { signal });
      }
    } catch (error) {
      throw await namedError(error, packed, cutoff, { signal });
    } finally {
      frame?.close();
    }
  }
}

/** An error of native work as one of ours, with the names that atoms and structures have in the whole list. */
async function namedError(
  error: unknown,
  packed: PackedStructures,
  cutoff: number,
  context: Pick<Context, 'signal'>,
): Promise<unknown> {
  const known = fromNativeError(error);
  if (!(known instanceof Error && 'code' in known && NAMES_ATOMS.has(known.code))) return known;
  return findAgain(known.code, packed, cutoff, context).then(
    () => known,
    (found: unknown) => found,
  );
}

/** Errors that name atoms or structures. */
const NAMES_ATOMS: ReadonlySet<unknown> = new Set(['COINCIDENT_ATOMS', 'INVALID_CELL', 'INVALID_POSITIONS']);

/**
 * Looks again for what native code refused, to name atoms and structure by their place in the whole list; native code
 * knows only their place in the batch.
 *
 * @throws {SurprisalError} COINCIDENT_ATOMS, INVALID_CELL, INVALID_POSITIONS
 */
async function findAgain(
  code: unknown,
  { structures, firstStructure }: PackedStructures,
  cutoff: number,
  context: Pick<Context, 'signal'>,
): Promise<void> {
  const breathe = cooperate('looking for what is wrong', undefined, 'atoms', context);
  for (const [i, structure] of structures.entries()) {
    // The search itself refuses cells and positions; only coincidences take a look around every atom.
    const search = neighborSearch(structure, cutoff, firstStructure + i + 1);
    if (code !== 'COINCIDENT_ATOMS') continue;
    for (let atom = 0; atom < atomCount(structure); atom++) {
      search.neighborhood(atom);
      await breathe(atom);
    }
  }
}
