import { type InputPath, matrixFileKind } from '@surprisal/io/node';
import { isBuiltInDescriptor } from './load-descriptor.ts';
import type { CommandOptions } from './option-values.ts';
import type { CommandName } from './result-document.ts';
import type { Run } from './run.ts';

type OptionName = keyof CommandOptions;

/** Options that say how structures are read and described. */
const OF_STRUCTURES: readonly OptionName[] = [
  'frames',
  'format',
  'species',
  'units',
  'k',
  'cutoff',
  'tieTolerance',
  'descriptor',
  'descriptorOptions',
];
/** Options of the descriptors that come along, which one of another author does not take. */
const OF_BUILT_IN: readonly OptionName[] = ['k', 'cutoff', 'tieTolerance'];

/** Options on which nothing depends that a command says. */
const UNUSED: Readonly<Partial<Record<CommandName, readonly OptionName[]>>> = {
  info: ['bandwidth', 'precision'],
  descriptors: ['bandwidth'],
};

/**
 * Warns of each option that stands on the command line and yet changes nothing.
 *
 * @param files  every input, those of the reference set too
 * @throws {SurprisalError} FILE_NOT_FOUND, FILE_UNREADABLE
 */
export async function warnOfIdleOptions(run: Run, command: CommandName, files: readonly InputPath[]): Promise<void> {
  const kinds = await Promise.all(files.map(({ path }) => matrixFileKind(path)));
  const warnOf = (names: readonly OptionName[], reason: string) => {
    for (const name of names) {
      const flag = run.options.given.get(name);
      if (flag !== undefined) run.warnOfInput(`${flag} has no effect: ${reason}`);
    }
  };
  if (kinds.length > 0 && !kinds.includes(undefined)) {
    warnOf(OF_STRUCTURES, 'every input is a matrix, which was made before');
  } else if (!isBuiltInDescriptor(run.options.descriptor ?? 'quests')) {
    warnOf(OF_BUILT_IN, `the descriptor ${run.options.descriptor} has --descriptor-options of its own`);
  }
  if (!kinds.includes('npz')) warnOf(['array'], 'no input is a .npz archive');
  const { scan, order, groupBy } = run.options;
  if (command === 'bandwidth' && !scan) warnOf(['scanRange'], 'nothing is scanned without --scan');
  if (command === 'learning-curve' && order === 'file') {
    warnOf(
      groupBy === undefined ? ['repeats', 'seed'] : ['repeats'],
      'the first units of the files are the same each time',
    );
  }
  warnOf(UNUSED[command] ?? [], `nothing that surprisal ${command} says depends on it`);
}
