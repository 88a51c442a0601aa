import { atomCount } from '@surprisal/core';
import type { Backend } from '@surprisal/native';
import { type NeighborList, type NeighborsBackend, NOBODY } from './neighbors-backend.ts';
import { runBatches } from './run-batches.ts';

/** The C++ implementation, on all threads. */
export function nativeNeighbors({ addon, threads }: Extract<Backend, { name: 'native' }>): NeighborsBackend {
  return {
    async neighborList(structure, { cutoff, vectors = false, signal, onProgress }) {
      let list: NeighborList | undefined;
      await runBatches(
        [structure],
        { cutoff, stage: 'neighbours', unit: 'atoms', signal, onProgress },
        (batch) => addon.neighborList(batch, cutoff, vectors, threads),
        (result) => {
          list = result;
        },
      );
      return list as NeighborList;
    },

    async nearestNeighbors(structures, { k, cutoff, signal, onProgress }) {
      const atoms = structures.reduce((sum, structure) => sum + atomCount(structure), 0);
      const counts = new Uint32Array(atoms);
      const gaps = new Float64Array(atoms);
      const indices = new Uint32Array(atoms * k);
      const distances = new Float64Array(atoms * k);
      await runBatches(
        structures,
        { cutoff, stage: 'neighbours', unit: 'atoms', signal, onProgress },
        (batch) => addon.nearestNeighbors(batch, k, cutoff, threads),
        (nearest, { firstAtom }) => {
          counts.set(nearest.counts, firstAtom);
          gaps.set(nearest.gaps, firstAtom);
          distances.set(nearest.distances, firstAtom * k);
          indices.set(
            nearest.indices.map((index) => (index === NOBODY ? NOBODY : index + firstAtom)),
            firstAtom * k,
          );
        },
      );
      return { counts, gaps, indices, distances };
    },
  };
}
