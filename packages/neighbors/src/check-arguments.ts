import { SurprisalError } from '@surprisal/core';

/** Å: beyond this nothing is a neighbourhood, and squares of distances lose their digits. */
const LARGEST_CUTOFF = 1e6;

/**
 * Refuses a radius that no search takes.
 *
 * @param cutoff  Å
 * @throws {SurprisalError} INVALID_ARGUMENT if the cutoff is not a length above 0, at most 10⁶ Å
 */
export function checkCutoff(cutoff: number): void {
  if (!(cutoff > 0 && cutoff <= LARGEST_CUTOFF)) {
    throw new SurprisalError('INVALID_ARGUMENT', `cutoff is ${cutoff}; it must be a length above 0 and at most 10⁶ Å`, {
      details: { cutoff },
    });
  }
}

/** Rows of the result have this many places; more neighbours than that are a question for a full list. */
const LARGEST_K = 4096;

/**
 * Refuses a number of nearest neighbours that no search takes.
 *
 * @throws {SurprisalError} INVALID_ARGUMENT if k is not a whole number from 1 to 4096
 */
export function checkNeighborCount(k: number): void {
  if (!Number.isInteger(k) || k < 1 || k > LARGEST_K) {
    throw new SurprisalError('INVALID_ARGUMENT', `k is ${k}; it must be a whole number from 1 to ${LARGEST_K}`, {
      details: { k },
    });
  }
}
