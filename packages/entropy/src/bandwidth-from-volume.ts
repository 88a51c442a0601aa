import { SurprisalError } from '@surprisal/core';

/** Which of the two fits of bandwidth to volume per atom. */
export type BandwidthRule = 'gaussian' | 'cutoff';

/**
 * A bandwidth for a condensed phase, from its volume per atom V in Å³.
 *
 *     gaussian:  h = 0.0897141 exp(−½ (V/10.896)²) + 0.0119417
 *     cutoff:    h = 0.086164 w(ln²V; 11.61172) + 0.016,   w(r; r_c) = (1 − (r/r_c)²)² for r < r_c, else 0
 *
 * The fits say nothing about molecules, or slabs with vacuum, whose volume is not that of the matter.
 *
 * @param volume  V > 0, Å³ per atom
 * @returns h, 1/Å
 * @throws {SurprisalError} INVALID_ARGUMENT if V is not above 0 and finite
 * @see the volume rules of the package QUESTS (2026.02.22)
 *
 * @example
 * bandwidthFromVolume(11.8).toFixed(4); // copper: '0.0618'
 */
export function bandwidthFromVolume(volume: number, rule: BandwidthRule = 'gaussian'): number {
  if (!(volume > 0 && volume < Number.POSITIVE_INFINITY)) {
    throw new SurprisalError('INVALID_ARGUMENT', `the volume per atom is ${volume} Å³; it must be above 0 and finite`);
  }
  if (rule === 'gaussian') return 0.0897141 * Math.exp(-0.5 * (volume / 10.896) ** 2) + 0.0119417;
  const r = Math.log(volume) ** 2 / 11.61172;
  return 0.086164 * (r < 1 ? (1 - r * r) ** 2 : 0) + 0.016;
}
