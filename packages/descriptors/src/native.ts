import {
  type Context,
  type DescriptorPart,
  type Matrix,
  matrixRows,
  type Precision,
  type Structure,
} from '@surprisal/core';
import type { Backend } from '@surprisal/native';
import { runBatches, runParts } from '@surprisal/neighbors';
import { matrixOf } from './descriptor-matrix.ts';
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

/** The C++ implementation for one structure, some of its atoms at a time, in the order in which the search sorted them. */
export async function* nativeQuestsParts(
  structure: Structure,
  { k, cutoff, tieTolerance, x1, x2, columns }: QuestsParameters,
  rows: number,
  precision: Precision | undefined,
  { addon, threads }: Extract<Backend, { name: 'native' }>,
  { signal }: Pick<Context, 'signal'>,
): AsyncGenerator<DescriptorPart, void> {
  const parts = (x1 ? 1 : 0) + (x2 ? 2 : 0);
  let matrix: Matrix | undefined;
  const found = runParts(
    structure,
    { cutoff, rows, signal },
    (batch) => addon.questsFrame(batch, k, cutoff, tieTolerance, parts),
    (frame, first, end) => {
      matrix = matrixOf(end - first, columns, precision);
      return frame.describe(first, end, matrix.data, threads);
    },
  );
  for await (const atoms of found) yield { atoms, matrix: matrix as Matrix };
}
