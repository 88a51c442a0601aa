import { matrixFileKind } from '@surprisal/io/node';
import type { CommandOptions } from './option-values.ts';
import type { CommandName } from './result-document.ts';
import type { Run } from './run.ts';

type OptionName = keyof CommandOptions;

/** Options that say how structures are read and described. */
const OF_STRUCTURES: readonly OptionName[] = ['frames', 'format', 'species', 'units', 'k', 'cutoff', 'tieTolerance'];

/** Options on which nothing depends that a command says. */
const UNUSED: Readonly<Partial<Record<CommandName, readonly OptionName[]>>> = {
  info: ['bandwidth', 'precision'],
  descriptors: ['bandwidth'],
};

/**
 * Warns of each option that stands on the command line and yet changes nothing.
 *
 * @param paths  every input, those of the reference set too
 * @throws {SurprisalError} FILE_NOT_FOUND, FILE_UNREADABLE
 */
export async function warnOfIdleOptions(run: Run, command: CommandName, paths: readonly string[]): Promise<void> {
  const kinds = await Promise.all(paths.map(matrixFileKind));
  const warnOf = (names: readonly OptionName[], reason: string) => {
    for (const name of names) {
      const flag = run.options.given.get(name);
      if (flag !== undefined) run.warn(`${flag} has no effect: ${reason}`);
    }
  };
  if (!kinds.includes(undefined)) warnOf(OF_STRUCTURES, 'every input is a matrix, which was made before');
  if (!kinds.includes('npz')) warnOf(['array'], 'no input is a .npz archive');
  warnOf(UNUSED[command] ?? [], `nothing that surprisal ${command} says depends on it`);
}
