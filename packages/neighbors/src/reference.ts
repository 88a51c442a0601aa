import { atomCount, cooperate, type Structure } from '@surprisal/core';
import { neighborSearch } from './neighbor-search.ts';
import {
  type NearestNeighbors,
  type NearestNeighborsOptions,
  type NeighborList,
  type NeighborListOptions,
  type NeighborsBackend,
  NOBODY,
} from './neighbors-backend.ts';

/** The TypeScript implementation: one atom after the other. */
export const referenceNeighbors: NeighborsBackend = { neighborList, nearestNeighbors };

async function neighborList(structure: Structure, options: NeighborListOptions): Promise<NeighborList> {
  const atoms = atomCount(structure);
  const breathe = cooperate('neighbours', atoms, 'atoms', options);
  const search = neighborSearch(structure, options.cutoff);
  const offsets = new Float64Array(atoms + 1);
  const indices = growing(Uint32Array);
  const shifts = growing(Int32Array);
  const distances = growing(Float64Array);
  const vectors = growing(Float64Array);
  for (let atom = 0; atom < atoms; atom++) {
    const around = search.neighborhood(atom);
    offsets[atom + 1] = (offsets[atom] as number) + around.count;
    indices.append(around.atoms);
    shifts.append(around.shifts);
    distances.append(around.distances);
    if (options.vectors) vectors.append(around.vectors);
    await breathe(atom);
  }
  return {
    offsets,
    indices: indices.finish(),
    shifts: shifts.finish(),
    distances: distances.finish(),
    vectors: vectors.finish(),
  };
}

async function nearestNeighbors(
  structures: readonly Structure[],
  options: NearestNeighborsOptions,
): Promise<NearestNeighbors> {
  const { k, cutoff } = options;
  const atoms = structures.reduce((sum, structure) => sum + atomCount(structure), 0);
  const breathe = cooperate('neighbours', atoms, 'atoms', options);
  const counts = new Uint32Array(atoms);
  const gaps = new Float64Array(atoms).fill(Number.POSITIVE_INFINITY);
  const indices = new Uint32Array(atoms * k).fill(NOBODY);
  const distances = new Float64Array(atoms * k).fill(Number.POSITIVE_INFINITY);
  let firstAtom = 0;
  for (const [i, structure] of structures.entries()) {
    const search = neighborSearch(structure, cutoff, i + 1);
    for (let atom = 0; atom < atomCount(structure); atom++) {
      const row = firstAtom + atom;
      const around = search.neighborhood(atom);
      counts[row] = around.count;
      if (around.count > k) gaps[row] = (around.distances[k] as number) - (around.distances[k - 1] as number);
      indices.set(
        around.atoms.subarray(0, k).map((neighbor) => firstAtom + neighbor),
        row * k,
      );
      distances.set(around.distances.subarray(0, k), row * k);
      await breathe(row);
    }
    firstAtom += atomCount(structure);
  }
  return { counts, gaps, indices, distances };
}

interface Growing<T> {
  append(values: ArrayLike<number>): void;
  finish(): T;
}

/** An array whose length is known only in the end; it doubles its room when it is full. */
function growing<T extends Uint32Array | Int32Array | Float64Array>(kind: new (length: number) => T): Growing<T> {
  let room = new kind(1024);
  let length = 0;
  return {
    append(values) {
      if (length + values.length > room.length) {
        const larger = new kind(2 * room.length + values.length);
        larger.set(room);
        room = larger;
      }
      room.set(values, length);
      length += values.length;
    },
    finish: () => room.slice(0, length) as T,
  };
}
