import { SurprisalError } from '@surprisal/core';

/**
 * @throws {SurprisalError} INVALID_ARGUMENT if the cutoff is not a finite length above 0
 */
export function checkCutoff(cutoff: number): void {
  if (!(Number.isFinite(cutoff) && cutoff > 0)) {
    throw new SurprisalError('INVALID_ARGUMENT', `cutoff is ${cutoff}; it must be a length above 0 (Å)`, {
      details: { cutoff },
    });
  }
}

/** Rows of the result have this many places; more neighbours than that are a question for a full list. */
const LARGEST_K = 4096;

/**
 * @throws {SurprisalError} INVALID_ARGUMENT if k is not a whole number from 1 to 4096
 */
export function checkNeighborCount(k: number): void {
  if (!Number.isInteger(k) || k < 1 || k > LARGEST_K) {
    throw new SurprisalError('INVALID_ARGUMENT', `k is ${k}; it must be a whole number from 1 to ${LARGEST_K}`, {
      details: { k },
    });
  }
}
