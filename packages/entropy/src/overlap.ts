import { SurprisalError } from '@surprisal/core';
import { DEFAULT_EPSILON } from './defaults.ts';

/**
 * Share of environments that the reference set holds already.
 *
 *     overlap = #{ i : δH_i ≤ ε } / m
 *
 * @param dH       (m), nats, from {@link differentialEntropy}
 * @param epsilon  ε, nats; the published maps use 1
 * @returns 0 … 1; overlap + novelty = 1
 * @throws {SurprisalError} EMPTY_INPUT if m = 0; INVALID_ARGUMENT if ε is not a number
 *
 * @example
 * overlap(Float64Array.of(-3, 0, 2)); // 0.6666666666666666
 */
export function overlap(dH: Float64Array, epsilon: number = DEFAULT_EPSILON): number {
  return (dH.length - countAbove(dH, epsilon)) / dH.length;
}

/**
 * Share of environments that are new to the reference set.
 *
 *     novelty = #{ i : δH_i > ε } / m
 *
 * @param dH       (m), nats, from {@link differentialEntropy}
 * @param epsilon  ε, nats
 * @returns 0 … 1; overlap + novelty = 1
 * @throws {SurprisalError} EMPTY_INPUT if m = 0; INVALID_ARGUMENT if ε is not a number
 */
export function novelty(dH: Float64Array, epsilon: number = DEFAULT_EPSILON): number {
  return countAbove(dH, epsilon) / dH.length;
}

function countAbove(dH: Float64Array, epsilon: number): number {
  if (dH.length === 0) throw new SurprisalError('EMPTY_INPUT', 'there is no environment; a share needs at least one');
  if (Number.isNaN(epsilon)) throw new SurprisalError('INVALID_ARGUMENT', 'epsilon is not a number');
  let count = 0;
  for (const value of dH) if (value > epsilon) count++;
  return count;
}
