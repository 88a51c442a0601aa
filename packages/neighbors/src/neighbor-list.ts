import type { Structure } from '@surprisal/core';
import { backendFor } from './backend-for.ts';
import { checkCutoff } from './check-arguments.ts';
import type { NeighborList, NeighborListOptions } from './neighbors-backend.ts';

/**
 * All neighbours of all atoms within a cutoff, nearest first.
 *
 *     r_ij = | r_j + shift · cell − r_i | < cutoff
 *
 * For any cell (triclinic, skewed, left-handed, shorter than the cutoff, none) and any mix of periodic axes; positions may
 * lie outside of the cell. An atom is its own neighbour through its periodic images only. Linear in the number of atoms.
 *
 * @param options.cutoff   Å
 * @param options.vectors  whether vectors are wanted too
 * @throws {SurprisalError} INVALID_ARGUMENT if the cutoff is not a positive length; INVALID_CELL if periodic vectors are
 *   missing or linearly dependent; COINCIDENT_ATOMS; BACKEND_UNAVAILABLE; ABORTED
 *
 * @example
 * const { offsets, indices, distances } = await neighborList(structure, { cutoff: 5 });
 * const neighborsOfFirst = indices.subarray(offsets[0], offsets[1]);
 */
export async function neighborList(structure: Structure, options: NeighborListOptions): Promise<NeighborList> {
  checkCutoff(options.cutoff);
  return backendFor(options).neighborList(structure, options);
}
