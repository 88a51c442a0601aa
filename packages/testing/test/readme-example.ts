import { createMatrix, type Descriptor } from '@surprisal/core';
import { bruteForceNeighbors, testDescriptor } from '@surprisal/testing';

/** A smooth count of neighbours. */
const coordination: Descriptor = {
  name: 'coordination',
  columns: 1,
  cutoff: 4,
  parameters: {},
  async compute(structures, { precision, signal } = {}) {
    if (signal?.aborted) throw Object.assign(new Error('interrupted'), { code: 'ABORTED' });
    const counts = structures.flatMap((structure) => {
      const row = new Array<number>(structure.positions.length / 3).fill(0);
      for (const { atom, distance } of bruteForceNeighbors(structure, 4)) row[atom]! += (1 - (distance / 4) ** 2) ** 2;
      return row;
    });
    return createMatrix(counts.length, 1, (precision === 'f32' ? Float32Array : Float64Array).from(counts));
  },
};

testDescriptor(coordination, { runs: 4 });
