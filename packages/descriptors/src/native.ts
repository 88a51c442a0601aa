import { type Context, type Matrix, matrixRows, type Structure } from '@surprisal/core';
import type { Backend } from '@surprisal/native';
import { runBatches } from '@surprisal/neighbors';
import type { QuestsParameters } from './quests-parameters.ts';

/** The C++ implementation, on all threads; it writes into the matrix in place. */
export async function nativeQuests(
  structures: readonly Structure[],
  { k, cutoff, tieTolerance, x1, x2 }: QuestsParameters,
  matrix: Matrix,
  { addon, threads }: Extract<Backend, { name: 'native' }>,
  { signal, onProgress }: Pick<Context, 'signal' | 'onProgress'>,
): Promise<void> {
  const parts = (x1 ? 1 : 0) + (x2 ? 2 : 0);
  await runBatches(
    structures,
    { cutoff, stage: 'descriptors', unit: 'environments', signal, onProgress },
    (batch, { firstAtom, atoms }) => {
      const out = matrixRows(matrix, firstAtom, firstAtom + atoms).data;
      return addon.questsDescriptors(batch, k, cutoff, tieTolerance, parts, out, threads);
    },
    () => {},
  );
}
