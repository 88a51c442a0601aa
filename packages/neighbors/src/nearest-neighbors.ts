import type { Structure } from '@surprisal/core';
import { backendFor } from './backend-for.ts';
import { checkCutoff, checkNeighborCount } from './check-arguments.ts';
import type { NearestNeighbors, NearestNeighborsOptions } from './neighbors-backend.ts';

/**
 * The k nearest neighbours of every atom within a cutoff, nearest first; periodic images count one by one.
 *
 * Which of several neighbours at the same distance come first is settled by atom, then by image, so it depends on the
 * numbering; `gaps` tells where that matters for the k-th.
 *
 * @param structures  atoms of all of them, one after the other, are the rows of the result
 * @param options.k       1 to 4096
 * @param options.cutoff  Å
 * @throws {SurprisalError} INVALID_ARGUMENT if k or the cutoff makes no sense; INVALID_CELL if periodic vectors are missing
 *   or linearly dependent; COINCIDENT_ATOMS; BACKEND_UNAVAILABLE; ABORTED
 *
 * @example
 * const { gaps } = await nearestNeighbors([structure], { k: 32, cutoff: 5 });
 * const ties = gaps.filter((gap) => gap <= 1e-6).length;
 */
export async function nearestNeighbors(
  structures: readonly Structure[],
  options: NearestNeighborsOptions,
): Promise<NearestNeighbors> {
  checkCutoff(options.cutoff);
  checkNeighborCount(options.k);
  return backendFor(options).nearestNeighbors(structures, options);
}
