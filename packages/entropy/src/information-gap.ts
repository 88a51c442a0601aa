import { type Matrix, SurprisalError } from '@surprisal/core';
import { type EntropyManyOptions, type EntropyResult, entropyMany } from './entropy.ts';

/** What a subset lacks of the information of the whole, at one bandwidth. */
export interface InformationGap {
  /** h, 1/Å */
  readonly bandwidth: number;
  /** H(full) − H(subset), nats. */
  readonly gap: number;
  /** H and D of the whole. */
  readonly full: EntropyResult;
  /** H and D of the subset. */
  readonly subset: EntropyResult;
}

/**
 * Information gap between a data set and a subset of it.
 *
 *     gap = H(full) − H(subset)
 *
 * The larger, the more the subset lacks. Below 0 where the subset is more varied than the whole, in which some
 * environments stand again and again. That the one is part of the other is not checked; any two sets by the same
 * descriptor have a gap.
 *
 * @param full    (n×d) row-major, 1/Å
 * @param subset  (m×d), made by the same descriptor
 * @returns one gap for each bandwidth, in their order, nats; the same bits for any number of threads and ranks
 * @throws {SurprisalError} DIMENSION_MISMATCH, EMPTY_INPUT, INVALID_BANDWIDTH, INVALID_ARGUMENT, BACKEND_UNAVAILABLE,
 *   OUT_OF_MEMORY, ABORTED
 * @see Schwalbe-Koda et al., Nat. Commun. 16, 4014 (2025)
 *
 * @example
 * const [{ gap }] = await informationGap(x, matrixRows(x, 0, 100), { bandwidths: [0.015] });
 */
export async function informationGap(
  full: Matrix,
  subset: Matrix,
  options: EntropyManyOptions,
): Promise<InformationGap[]> {
  if (full.columns !== subset.columns) {
    throw new SurprisalError(
      'DIMENSION_MISMATCH',
      `the whole has ${full.columns} columns and the subset ${subset.columns}; both must come from one descriptor`,
      { details: { full: full.columns, subset: subset.columns } },
    );
  }
  const ofSubset = await entropyMany(subset, options);
  const ofFull = await entropyMany(full, options);
  return options.bandwidths.map((bandwidth, b) => ({
    bandwidth,
    gap: ofFull[b]!.entropy - ofSubset[b]!.entropy,
    full: ofFull[b]!,
    subset: ofSubset[b]!,
  }));
}
