import { createMatrix, type Descriptor, type Precision, SurprisalError } from '@surprisal/core';
import { entropyMany } from '@surprisal/entropy';
import { expandInputs, type InputPath } from '@surprisal/io/node';
import { checkInputs, checkTarget, endingOf } from './check-paths.ts';
import { chooseDescriptor } from './choose-descriptor.ts';
import { choosePrecision } from './choose-precision.ts';
import { warnOfIdleOptions } from './idle-options.ts';
import type { CommandName } from './result-document.ts';
import type { Run } from './run.ts';
import { UsageError } from './usage-error.ts';

/** A command whose options, inputs and target were looked at. */
export interface Prepared<Name extends CommandName, Ending extends string> {
  readonly command: Name;
  /** The files behind each list of paths: globs, folders and slices in paths are resolved. */
  readonly sets: readonly (readonly InputPath[])[];
  readonly descriptor: Descriptor;
  /** In which environments are stored and worked on. */
  readonly precision: Precision;
  /** The ending of the output; undefined where nothing is to be written. */
  readonly ending: Ending | undefined;
}

/**
 * What can be known before any work: whether the options can be, the inputs are there, and the output can be written.
 *
 * @param lists  the files on the command line, those of the reference set, …: every file that will be read
 * @param endings  file endings that the command can write; `any` where the name of the output says more than its ending
 * @throws {UsageError} if not
 * @throws {SurprisalError} INVALID_BANDWIDTH; what reading throws, where species have to be looked up in the files
 */
export async function prepareCommand<Name extends CommandName, Ending extends string>(
  run: Run,
  command: Name,
  lists: readonly (readonly string[])[],
  endings: readonly Ending[] | 'any',
): Promise<Prepared<Name, Ending>> {
  const { bandwidth } = run.options;
  if (bandwidth !== undefined && 'values' in bandwidth) {
    // One environment is enough to learn whether a bandwidth can be.
    const one = createMatrix(1, 1, new Float64Array(1));
    await entropyMany(one, { backend: 'reference', bandwidths: bandwidth.values });
  }
  const sets = await Promise.all(
    lists.map((paths) => expandInputs(paths, { onWarning: run.warnOfInput, signal: run.signal })),
  ).catch((error) => {
    // The path itself is at fault: frames behind its @ that cannot be, a pattern that is none.
    throw error instanceof SurprisalError && error.code === 'INVALID_ARGUMENT' ? new UsageError(error.message) : error;
  });
  const files = sets.flat();
  const paths = files.map(({ path }) => path);
  await checkInputs(paths);
  const ending = endings === 'any' ? undefined : endingOf(run.options.output, endings);
  await checkTarget(run.options, paths);
  await warnOfIdleOptions(run, command, files);
  const precision = await choosePrecision(run, command, files);
  return { command, sets, descriptor: await chooseDescriptor(run, files), precision, ending };
}
