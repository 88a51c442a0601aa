import {
  type Descriptor,
  type DescriptorContext,
  type DescriptorPart,
  fromNativeError,
  type Matrix,
  type Structure,
  SurprisalError,
} from '@surprisal/core';
import { selectBackend } from '@surprisal/native';
import { descriptorMatrix } from './descriptor-matrix.ts';
import { nativeQuests, nativeQuestsParts } from './native.ts';
import { type QuestsOptions, type QuestsParameters, questsParameters } from './quests-parameters.ts';
import { referenceQuests, referenceQuestsParts } from './reference.ts';

/**
 * The QUESTS descriptor of an environment: how its k nearest neighbours lie around the atom (X1) and to one another (X2).
 *
 *     w(r) = (1 − (r/r_c)²)²  for r < r_c, else 0
 *     X1_j = w(r_ij) / r_ij                                             j = 1 … k, nearest first
 *     X2_m = (1/k) Σ_j  m-th largest of { √(w_ij w_il) / r_jl : l ≠ j }   m = 1 … k − 1
 *
 * over the k nearest neighbours, periodic images counted one by one; zeros where there are fewer. Where several lie within
 * τ of the k-th, so that no rule of order could choose among them without breaking the symmetry, X2 is its mean over every
 * way to choose as many of those as are missing. Distances and that choice are in float64 whatever is stored; what follows is in
 * the precision of the result, of which float32 is within 2e-7 for atoms of usual distances. Species are not looked at.
 *
 * @param options.k             neighbours, 1 to 4096; default 32
 * @param options.cutoff        r_c in Å; default 5
 * @param options.tieTolerance  τ in Å; default 1e-6; 0 leaves ties to rounding, and results with them
 * @param options.parts         `x1` (k numbers), `x2` (k − 1) or both, the default (2k − 1)
 * @returns a descriptor; its values are in 1/Å. `compute` throws INVALID_CELL, COINCIDENT_ATOMS, BACKEND_UNAVAILABLE,
 *   OUT_OF_MEMORY, ABORTED; it computes all rows, so spread structures over ranks before
 * @throws {SurprisalError} INVALID_ARGUMENT if an option makes no sense
 * @see Schwalbe-Koda et al., Nat. Commun. 16, 4014 (2025), Methods; the rule for ties is ours
 *
 * @example
 * const x = await quests().compute([structure]); // (atoms×63), 1/Å
 */
export function quests(options: QuestsOptions = {}): Descriptor {
  const parameters = questsParameters(options);
  const { k, cutoff, tieTolerance, parts, columns } = parameters;
  return {
    name: 'quests',
    columns,
    cutoff,
    parameters: { k, cutoff, tieTolerance, parts },
    compute: (structures, context = {}) => compute(structures, parameters, context),
    computeParts: (structure, rows, context = {}) => computeParts(structure, parameters, rows, context),
  };
}

async function compute(
  structures: readonly Structure[],
  parameters: QuestsParameters,
  context: DescriptorContext,
): Promise<Matrix> {
  const matrix = descriptorMatrix(structures, parameters.columns, context.precision);
  try {
    const backend = selectBackend(context);
    if (backend.name === 'reference') await referenceQuests(structures, parameters, matrix, context);
    else await nativeQuests(structures, parameters, matrix, backend, context);
  } catch (error) {
    throw fromNativeError(error);
  }
  return matrix;
}

async function* computeParts(
  structure: Structure,
  parameters: QuestsParameters,
  rows: number,
  context: DescriptorContext,
): AsyncGenerator<DescriptorPart, void> {
  if (!(Number.isInteger(rows) && rows >= 1)) {
    throw new SurprisalError('INVALID_ARGUMENT', `rows is ${rows}; a part has a whole number of rows, from 1 on`);
  }
  const { precision } = context;
  try {
    const backend = selectBackend(context);
    yield* backend.name === 'reference'
      ? referenceQuestsParts(structure, parameters, rows, precision, context)
      : nativeQuestsParts(structure, parameters, rows, precision, backend, context);
  } catch (error) {
    throw fromNativeError(error);
  }
}
