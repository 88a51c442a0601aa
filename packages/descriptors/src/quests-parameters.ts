import { SurprisalError } from '@surprisal/core';
import { checkCutoff, checkNeighborCount } from '@surprisal/neighbors';

/** Which parts of the descriptor are wanted: distances to the atom, distances between neighbours, or both in this order. */
export type QuestsParts = 'x1' | 'x2' | 'x1x2';

/** What can be chosen about the QUESTS descriptor. */
export interface QuestsOptions {
  /** Neighbours, from 1 to 4096. */
  readonly k?: number | undefined;
  /** r_c, Å */
  readonly cutoff?: number | undefined;
  /** τ, Å: neighbours within this of the k-th are tied with it. */
  readonly tieTolerance?: number | undefined;
  readonly parts?: QuestsParts | undefined;
}

/**
 * k, r_c as in QUESTS (Schwalbe-Koda et al., Nat. Commun. 16, 4014 (2025)); τ far above the rounding of float64 and far below
 * what moves a value.
 */
export const QUESTS_DEFAULTS: Required<{ [Name in keyof QuestsOptions]: NonNullable<QuestsOptions[Name]> }> = {
  k: 32,
  cutoff: 5,
  tieTolerance: 1e-6,
  parts: 'x1x2',
};

/** Options that were checked, and what follows from them. */
export interface QuestsParameters {
  readonly k: number;
  readonly cutoff: number;
  readonly tieTolerance: number;
  readonly parts: QuestsParts;
  readonly x1: boolean;
  readonly x2: boolean;
  /** Length of the vector. */
  readonly columns: number;
}

/**
 * @throws {SurprisalError} INVALID_ARGUMENT
 */
export function questsParameters(options: QuestsOptions): QuestsParameters {
  const k = options.k ?? QUESTS_DEFAULTS.k;
  const cutoff = options.cutoff ?? QUESTS_DEFAULTS.cutoff;
  const tieTolerance = options.tieTolerance ?? QUESTS_DEFAULTS.tieTolerance;
  const parts = options.parts ?? QUESTS_DEFAULTS.parts;
  const x1 = parts !== 'x2';
  const x2 = parts !== 'x1';
  const columns = (x1 ? k : 0) + (x2 ? k - 1 : 0);
  checkNeighborCount(k);
  checkCutoff(cutoff);
  refuseUnless(
    Number.isFinite(tieTolerance) && tieTolerance >= 0,
    `tieTolerance is ${tieTolerance}; it must be a length from 0 on (Å)`,
  );
  refuseUnless(['x1', 'x2', 'x1x2'].includes(parts), `parts is "${parts}"; it must be x1, x2 or x1x2`);
  refuseUnless(columns > 0, 'k is 1, of which X2 has no numbers; take k from 2 on, or X1');
  return { k, cutoff, tieTolerance, parts, x1, x2, columns };
}

function refuseUnless(holds: boolean, problem: string): void {
  if (!holds) throw new SurprisalError('INVALID_ARGUMENT', problem);
}
