import type { Matrix, Precision } from '@surprisal/core';
import { type NeighborhoodParameters, type SensitivityResult, sensitivity } from '@surprisal/entropy';
import type { InputPath } from '@surprisal/io/node';
import { alignColumns } from './align-columns.ts';
import { chooseDescriptor } from './choose-descriptor.ts';
import { precisionOf } from './choose-precision.ts';
import { formatNats, formatReal } from './format-number.ts';
import { isBuiltInDescriptor } from './load-descriptor.ts';
import { type Environments, readEnvironments } from './read-environments.ts';
import type { Run } from './run.ts';

/**
 * How much H moves with k, cutoff and bandwidth, one at a time. Of matrices, and of a descriptor that takes no k and cutoff, the
 * bandwidth alone is varied.
 *
 * @param files  read and described anew for each k and cutoff
 */
export async function sensitivityOf(
  run: Run,
  files: readonly InputPath[],
  { matrix, frames }: Environments,
  bandwidth: number,
): Promise<SensitivityResult> {
  const { options, context } = run;
  const varies = isBuiltInDescriptor(options.descriptor) && !frames.includes(null);
  const describe = (parameters: NeighborhoodParameters): Promise<Matrix> =>
    parameters.k === options.k && parameters.cutoff === options.cutoff
      ? Promise.resolve(matrix)
      : describeAnew(run, files, precisionOf(matrix), parameters);
  const result = await sensitivity(describe, {
    ...context,
    k: options.k,
    cutoff: options.cutoff,
    bandwidth,
    ...(varies ? {} : { factors: { k: [], cutoff: [] } }),
  });
  if (result.movesUnder.length > 0) run.warn(result.sentence);
  return result;
}

async function describeAnew(
  run: Run,
  files: readonly InputPath[],
  precision: Precision,
  parameters: NeighborhoodParameters,
): Promise<Matrix> {
  // Labels were looked at when the files were read first.
  const again: Run = { ...run, options: { ...run.options, ...parameters, groupBy: undefined } };
  const descriptor = await chooseDescriptor(again, files);
  return (await readEnvironments(files, again, { descriptor, precision })).matrix;
}

/** What a person reads about it. */
export function sensitivityLines({ rows, sentence }: SensitivityResult): string {
  const table = alignColumns(
    [
      ['varied', 'k', 'cutoff (Å)', 'h (1/Å)', 'entropy H (nats)', 'change', 'diversity D (nats)'],
      ...rows.map(({ parameter, factor, k, cutoff, bandwidth, entropy, change, diversity }) => [
        parameter === null ? 'nothing' : `${parameter} × ${formatReal(factor)}`,
        String(k),
        formatReal(cutoff, 4),
        formatReal(bandwidth, 4),
        ...[entropy, change, diversity].map(formatNats),
      ]),
    ],
    [1, 2, 3, 4, 5, 6],
  );
  return `${table}${sentence}\n`;
}
