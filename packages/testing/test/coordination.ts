import { atomCount, createMatrix, type Descriptor, type Matrix, type Structure, throwIfAborted } from '@surprisal/core';
import { bruteForceNeighbors, type NeighborPair } from '@surprisal/testing';

const CUTOFF = 4;

/** What goes into a row, given the neighbours of an atom. */
export type RowOf = (neighbors: readonly NeighborPair[], atom: number, structure: Structure) => number[];

/** A smooth count of neighbours and a mean of their distances: a descriptor, and a good one. */
export const coordination: RowOf = (neighbors) => {
  const weights = neighbors.map(({ distance }) => (1 - (distance / CUTOFF) ** 2) ** 2);
  const count = weights.reduce((sum, weight) => sum + weight, 0);
  return [count, weights.reduce((sum, weight, n) => sum + weight / neighbors[n]!.distance, 0)];
};

/** A descriptor of two columns from a rule for its rows. */
export function descriptorOf(rowOf: RowOf, find: typeof bruteForceNeighbors = bruteForceNeighbors): Descriptor {
  return {
    name: 'coordination',
    columns: 2,
    cutoff: CUTOFF,
    parameters: {},
    async compute(structures, context = {}): Promise<Matrix> {
      throwIfAborted(context.signal);
      const rows = structures.flatMap((structure) => {
        const pairs = find(structure, CUTOFF);
        return Array.from({ length: atomCount(structure) }, (_, atom) =>
          rowOf(
            pairs.filter((pair) => pair.atom === atom),
            atom,
            structure,
          ),
        );
      });
      const kind = context.precision === 'f32' ? Float32Array : Float64Array;
      return createMatrix(rows.length, 2, kind.from(rows.flat()));
    },
  };
}
