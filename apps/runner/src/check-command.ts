import { createMatrix } from '@surprisal/core';
import { entropyMany } from '@surprisal/entropy';
import { checkInputs, checkOutput } from './check-paths.ts';
import { warnOfIdleOptions } from './idle-options.ts';
import { descriptorOf } from './read-environments.ts';
import type { CommandName } from './result-document.ts';
import type { Run } from './run.ts';

/**
 * What can be known before any work: whether the options can be, the inputs are there, and the output can be written.
 *
 * @param inputs  every file that will be read
 * @param endings  file endings that the command can write
 * @returns the ending of the output; undefined where nothing is to be written
 * @throws {UsageError} if not
 * @throws {SurprisalError} INVALID_BANDWIDTH
 */
export async function checkCommand<Ending extends string>(
  run: Run,
  command: CommandName,
  inputs: readonly string[],
  endings: readonly Ending[],
): Promise<Ending | undefined> {
  const { options } = run;
  descriptorOf(options);
  // One environment is enough to learn whether a bandwidth can be.
  const one = createMatrix(1, 1, new Float64Array(1));
  await entropyMany(one, { backend: 'reference', bandwidths: options.bandwidth });
  await checkInputs(inputs);
  const ending = await checkOutput(options, endings);
  await warnOfIdleOptions(run, command, inputs);
  return ending;
}
