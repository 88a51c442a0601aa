import type { Matrix, Structure } from '@surprisal/core';
import { quests } from '@surprisal/descriptors';
import { CUTOFF, K } from '../setting.ts';

/** The QUESTS descriptors of structures, stored in float32 or float64. */
export async function environmentsOf(structures: readonly Structure[], precision: 'f32' | 'f64'): Promise<Matrix> {
  return await quests({ k: K, cutoff: CUTOFF }).compute(structures, { precision });
}
