import { type InputPath, matrixFileKind } from '@surprisal/io/node';
import { isBuiltInDescriptor } from './load-descriptor.ts';
import type { CommandOptions } from './option-values.ts';
import type { CommandName } from './result-document.ts';
import type { Run } from './run.ts';

type OptionName = keyof CommandOptions;

/** Options that say how structures are read. */
const OF_FILES: readonly OptionName[] = ['frames', 'format', 'species', 'units'];
/** Options of the descriptors that come along, which one of another author does not take. */
const OF_BUILT_IN: readonly OptionName[] = ['k', 'cutoff', 'tieTolerance'];
/** Options that say how structures are read, described and written. */
const OF_STRUCTURES: readonly OptionName[] = [...OF_FILES, ...OF_BUILT_IN, 'descriptor', 'descriptorOptions', 'to'];

/** Options of which nothing comes, and why. */
interface IdleOptions {
  readonly commands: readonly CommandName[];
  readonly names: readonly OptionName[];
  /** When; default: always. */
  readonly when?: (options: CommandOptions) => boolean;
  readonly reason: (command: CommandName) => string;
}

const nothingDepends = (command: CommandName) => `nothing that surprisal ${command} says depends on it`;
const noGroups = ({ groupBy }: CommandOptions) => groupBy === undefined;
const needsGroups = () => 'it belongs to --group-by';
/** Whether the bandwidth may come from a sample of the environments. */
const drawsSample = ({ bandwidth }: CommandOptions) =>
  bandwidth !== undefined && 'rule' in bandwidth && (bandwidth.rule === 'auto' || bandwidth.rule === 'neighbors');

const IDLE: readonly IdleOptions[] = [
  { commands: ['info'], names: ['bandwidth', 'skipBelow', 'precision'], reason: nothingDepends },
  { commands: ['descriptors'], names: ['bandwidth', 'skipBelow'], reason: nothingDepends },
  {
    commands: ['neighbors'],
    names: ['descriptor', 'descriptorOptions', 'tieTolerance', 'precision'],
    reason: nothingDepends,
  },
  // What they say of groups is overlaps alone.
  { commands: ['dh', 'overlap', 'gap', 'leakage'], names: ['projections'], reason: nothingDepends },
  {
    commands: ['dh', 'overlap', 'gap', 'leakage'],
    names: ['seed'],
    when: (options) => !drawsSample(options),
    reason: () => 'nothing is random here',
  },
  {
    commands: ['entropy', 'metrics', 'learning-curve', 'gap', 'bandwidth'],
    names: ['eps'],
    when: noGroups,
    reason: needsGroups,
  },
  {
    commands: ['entropy', 'metrics', 'learning-curve', 'bandwidth'],
    names: ['projections'],
    when: noGroups,
    reason: needsGroups,
  },
  {
    commands: ['entropy', 'metrics'],
    names: ['seed'],
    when: (options) => noGroups(options) && !drawsSample(options) && options.tolerance === undefined,
    reason: () => 'nothing is random here',
  },
  {
    commands: ['learning-curve'],
    names: ['repeats'],
    when: ({ order }) => order === 'file',
    reason: () => 'with --order file there is one first part of each size',
  },
  {
    commands: ['bandwidth'],
    names: [...OF_STRUCTURES, 'precision', 'groupBy', 'seed'],
    when: ({ volume }) => volume !== undefined,
    reason: () => 'the volume alone counts',
  },
  {
    commands: ['neighbors'],
    names: [...OF_FILES, 'k'],
    when: ({ density }) => density !== undefined,
    reason: () => 'density, mass and cutoff alone count',
  },
  { commands: ['bandwidth'], names: ['scanRange'], when: ({ scan }) => !scan, reason: () => 'it belongs to --scan' },
  {
    commands: ['bandwidth'],
    names: ['skipBelow'],
    when: ({ scan, groupBy }) => !scan && groupBy === undefined,
    reason: () => 'it belongs to --scan and --group-by',
  },
];

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
  for (const { commands, names, when, reason } of IDLE) {
    if (commands.includes(command) && (when?.(run.options) ?? true)) warnOf(names, reason(command));
  }
}
