import { SurprisalError } from '@surprisal/core';

/**
 * Adds further references to δH, in place: from what two parts of a reference set say of each environment, what both say.
 *
 *     δH = −ln( exp(−δH_a) + exp(−δH_b) )
 *
 * With it a reference set of any size can be taken part by part. Each joining rounds once, to about 1e-16 of |δH| + 1, and the
 * order of the parts is part of the result.
 *
 * @param dH       (m), nats, with respect to the parts so far; changed. Infinity where there were none
 * @param further  (m), nats, with respect to the next part
 * @throws {SurprisalError} DIMENSION_MISMATCH if the lengths differ
 *
 * @example
 * const dH = await differentialEntropy(test, firstHalf);
 * joinSurprisals(dH, await differentialEntropy(test, secondHalf)); // dH is now that of the whole reference set
 */
export function joinSurprisals(dH: Float64Array, further: Float64Array): void {
  if (dH.length !== further.length) {
    throw new SurprisalError('DIMENSION_MISMATCH', `${further.length} values do not join ${dH.length}`);
  }
  for (let i = 0; i < dH.length; i++) {
    const a = dH[i] as number;
    const b = further[i] as number;
    const less = Math.min(a, b);
    const more = Math.max(a, b);
    // 0 adds nothing, whatever the other is; two infinities would make a difference that is no number.
    dH[i] = more === Number.POSITIVE_INFINITY ? less : less - Math.log1p(Math.exp(less - more));
  }
}
