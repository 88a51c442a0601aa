import { atomCount, type Structure, sharedBuffer } from '@surprisal/core';
import type { StructureBatch } from '@surprisal/native';

/** Consecutive structures, packed for native code. */
export interface PackedStructures {
  readonly batch: StructureBatch;
  readonly structures: readonly Structure[];
  /** Place of the first structure in the whole list. */
  readonly firstStructure: number;
  /** Place of the first atom among all atoms. */
  readonly firstAtom: number;
  readonly atoms: number;
}

/** Enough atoms to keep all threads busy, few enough that copies of them are small (tens of megabytes with their grid). */
const ATOMS_PER_BATCH = 131_072;

/**
 * Packs a list of structures in runs of about 130,000 atoms; a larger structure makes a run of its own, its positions
 * borrowed, not copied.
 */
export function* structureBatches(structures: readonly Structure[]): Generator<PackedStructures> {
  let firstAtom = 0;
  for (let first = 0; first < structures.length; ) {
    let end = first;
    let atoms = 0;
    while (end < structures.length) {
      const more = atomCount(structures[end] as Structure);
      if (end > first && atoms + more > ATOMS_PER_BATCH) break;
      atoms += more;
      end++;
    }
    const run = structures.slice(first, end);
    yield { batch: pack(run, atoms), structures: run, firstStructure: first, firstAtom, atoms };
    firstAtom += atoms;
    first = end;
  }
}

function pack(structures: readonly Structure[], atoms: number): StructureBatch {
  const offsets = new Uint32Array(structures.length + 1);
  const cells = new Float64Array(9 * structures.length);
  const pbc = new Uint8Array(3 * structures.length);
  const [only] = structures;
  const alone = structures.length === 1 && only !== undefined;
  const positions = alone ? only.positions : new Float64Array(sharedBuffer(24 * atoms));
  structures.forEach((structure, frame) => {
    const start = offsets[frame] as number;
    offsets[frame + 1] = start + atomCount(structure);
    if (!alone) positions.set(structure.positions, 3 * start);
    if (structure.cell !== null) cells.set(structure.cell, 9 * frame);
    pbc.set(structure.pbc.map(Number), 3 * frame);
  });
  return { positions, offsets, cells, pbc };
}
