import { SurprisalError } from '@surprisal/core';
import { QUESTS_DEFAULTS } from '@surprisal/descriptors';
import {
  DEFAULT_BANDWIDTH,
  DEFAULT_EPSILON,
  DEFAULT_FRACTIONS,
  DEFAULT_PROJECTIONS,
  DEFAULT_REPEATS,
  DEFAULT_SEED,
  DEFAULT_SKIP_BELOW,
} from '@surprisal/entropy';
import { LAMMPS_UNIT_STYLES, parseFrameSlice, READABLE_FORMATS, WRITABLE_FORMATS } from '@surprisal/io';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatReal } from './format-number.ts';
import { LEAST_FLOAT32_BANDWIDTH } from './least-float32-bandwidth.ts';
import {
  type BandwidthOption,
  bandwidthOption,
  type FrameOption,
  finiteNumber,
  fractions,
  memorySize,
  numberFromZero,
  positiveNumber,
  scanRange,
  skipBelow,
  speciesOfTypes,
  wholeNumber,
} from './option-values.ts';

/** How files are read, and what of them. */
export function addInputOptions(command: Command): Command {
  return command
    .optionsGroup('Input:')
    .addOption(
      new Option(
        '--frames <slice>',
        'frames of every structure file, start:stop:step with the meaning of Python: 0:100:5, ::10, -1',
      ).argParser(frameOption),
    )
    .addOption(
      new Option('--format <format>', 'of structure files; else told by content, then by name').choices(
        READABLE_FORMATS,
      ),
    )
    .addOption(
      new Option('--species <map>', 'symbols of the atom types of LAMMPS files: 1=Cu,2=Zr').argParser(speciesOfTypes),
    )
    .addOption(
      new Option('--units <style>', 'unit style of LAMMPS files that do not say it, else metal (Å)').choices(
        LAMMPS_UNIT_STYLES,
      ),
    )
    .option('--array <name>', 'array of .npz files; else "descriptors", or the only matrix there is')
    .addOption(
      new Option(
        '--max-compression-ratio <ratio>',
        'bytes that may come out of a compressed one, else 500: a limit against files made to do harm',
      ).argParser(positiveNumber),
    );
}

/** What an environment is. */
export function addDescriptorOptions(command: Command): Command {
  return command
    .optionsGroup('Descriptor:')
    .addOption(
      new Option(
        '--descriptor <name>',
        'quests, multicomponent, or the path of a module of your own, ./mine.mjs',
      ).default('quests'),
    )
    .option('--descriptor-options <json>', 'options of the descriptor itself, such as {"species":["Al","Ti"]}')
    .addOption(
      new Option('-k, --k <count>', 'neighbours of an environment')
        .default(QUESTS_DEFAULTS.k)
        .argParser(wholeNumber(2)),
    )
    .addOption(
      new Option('-c, --cutoff <length>', 'radius of an environment in Å')
        .default(QUESTS_DEFAULTS.cutoff)
        .argParser(positiveNumber),
    )
    .addOption(
      new Option(
        '--tie-tolerance <length>',
        'neighbours within this of the k-th, in Å, are tied with it; below 1e-9 rounding decides',
      )
        .default(QUESTS_DEFAULTS.tieTolerance, formatReal(QUESTS_DEFAULTS.tieTolerance))
        .argParser(numberFromZero),
    )
    .addOption(
      new Option(
        '--precision <kind>',
        'storage of environments and work on them; else f32, but f64 where a matrix is f64, the descriptor is a module, or ' +
          `a bandwidth is below ${formatReal(LEAST_FLOAT32_BANDWIDTH)}; choices`,
      ).choices(['f64', 'f32']),
    );
}

/** When two environments are alike. */
export function addBandwidthOption(command: Command): Command {
  command
    .optionsGroup('Kernel:')
    .addOption(
      new Option(
        '-b, --bandwidth <list>',
        'width of the kernel in 1/Å; several with commas between them; auto takes it from the data, auto:RULE by that rule',
      )
        .default({ values: [DEFAULT_BANDWIDTH] } satisfies BandwidthOption, String(DEFAULT_BANDWIDTH))
        .argParser(bandwidthOption),
    );
  return addSkipBelowOption(command);
}

/** How far environments may lie to be left out of kernel sums. */
export function addSkipBelowOption(command: Command): Command {
  return command
    .optionsGroup('Kernel:')
    .addOption(
      new Option(
        '--skip-below <nats>',
        'leave out environments so far that all of them together raise no δH by more than this; 0 leaves out nothing',
      )
        .default(DEFAULT_SKIP_BELOW, formatReal(DEFAULT_SKIP_BELOW))
        .argParser(skipBelow),
    );
}

/** When an environment is new, and what it is new to. */
export function addReferenceOptions(command: Command): Command {
  command
    .optionsGroup('Reference:')
    .requiredOption('-r, --reference <file...>', 'files of the reference set: structures or matrices');
  return addEpsilonOption(command);
}

/** When an environment is new. */
function addEpsilonOption(command: Command, meaning = 'an environment is new where its δH is above this'): Command {
  if (hasOption(command, '--eps')) return command;
  return command.addOption(
    new Option('--eps <nats>', meaning).default(DEFAULT_EPSILON, formatReal(DEFAULT_EPSILON)).argParser(finiteNumber),
  );
}

/** One result for each group beside that for all, and maps between the groups. */
export function addGroupOption(command: Command): Command {
  command
    .optionsGroup('Groups:')
    .option(
      '--group-by <label>',
      'species, file, or a label of frames or atoms such as config_type: a result for each group, and maps between them',
    );
  addEpsilonOption(command);
  addSeedOption(command);
  return command.addOption(
    new Option('--projections <count>', 'random directions of the sliced Wasserstein distance')
      .default(DEFAULT_PROJECTIONS)
      .argParser(wholeNumber(1)),
  );
}

/** How exact H has to be. */
export function addToleranceOption(command: Command): Command {
  command
    .optionsGroup('Estimate:')
    .addOption(
      new Option(
        '--tolerance <nats>',
        'estimate H from a sample of the environments against all, until its 95 % interval is H ± this; else H exactly',
      ).argParser(positiveNumber),
    );
  return addSeedOption(command);
}

/** Where random numbers come from. */
function addSeedOption(command: Command): Command {
  if (hasOption(command, '--seed')) return command;
  return command.addOption(
    new Option('--seed <number>', 'seed of what is random').default(DEFAULT_SEED).argParser(wholeNumber(0)),
  );
}

/** How much the result depends on what was chosen. */
export function addSensitivityOption(command: Command): Command {
  return command
    .optionsGroup('Sensitivity:')
    .option('--sensitivity', 'also H with k, cutoff and bandwidth varied one at a time', false);
}

/** What was left of the data set. */
export function addSubsetOption(command: Command): Command {
  return command
    .optionsGroup('Subset:')
    .requiredOption('--subset <file...>', 'files of the subset: structures or matrices');
}

/** When two environments are the same. */
export function addLeakageOptions(command: Command): Command {
  addEpsilonOption(
    command.optionsGroup('Leakage:'),
    'a test environment is near one of train where −ln K of the two is at most this; in maps of groups, where δH is',
  );
  return command.addOption(
    new Option('--limit <count>', 'pairs that are listed, at the most').default(1000).argParser(wholeNumber(0)),
  );
}

/** How a conversion reads and writes. */
export function addConvertOptions(command: Command): Command {
  addInputOptions(command);
  return command
    .optionsGroup('Output:')
    .addOption(new Option('--to <format>', 'format of the output; else by its name').choices(WRITABLE_FORMATS));
}

/** How a learning curve is drawn. */
export function addLearningCurveOptions(command: Command): Command {
  command
    .optionsGroup('Curve:')
    .addOption(
      new Option('-f, --fractions <list>', 'shares of the units, above 0 and up to 1')
        .default(DEFAULT_FRACTIONS, '0.1,0.2,…,1')
        .argParser(fractions),
    )
    .addOption(
      new Option('-n, --repeats <count>', 'draws at each share, without replacement')
        .default(DEFAULT_REPEATS)
        .argParser(wholeNumber(1)),
    )
    .addOption(new Option('--unit <unit>', 'what is drawn').choices(['frames', 'environments']).default('frames'))
    .addOption(
      new Option('--order <order>', 'random draws, or the first units of the files')
        .choices(['random', 'file'])
        .default('random'),
    );
  return addSeedOption(command);
}

/** How a bandwidth is found. */
export function addBandwidthRuleOptions(command: Command): Command {
  command
    .optionsGroup('Bandwidth:')
    .addOption(new Option('--volume <volume>', 'volume per atom in Å³, instead of files').argParser(positiveNumber))
    .addOption(
      new Option('--rule <rule>', 'by volume per atom (gaussian, cutoff), or by nearest environments').choices([
        'gaussian',
        'cutoff',
        'neighbors',
      ]),
    )
    .option('--scan', 'H and D over many bandwidths', false)
    .addOption(
      new Option('--scan-range <from,to,count>', 'bandwidths of the scan in 1/Å, evenly spaced in their logarithm')
        .default([0.003, 0.3, 25], '0.003,0.3,25')
        .argParser(scanRange),
    );
  return addSeedOption(command);
}

/** How many neighbours there are, and around whom. */
export function addNeighborOptions(command: Command): Command {
  return command
    .optionsGroup('Neighbours:')
    .addOption(new Option('--density <density>', 'mass density in g/cm³, instead of files').argParser(positiveNumber))
    .addOption(new Option('--mass <mass>', 'mean mass of an atom in u, with --density').argParser(positiveNumber))
    .addOption(
      new Option(
        '--atom <index>',
        'cut out the environment of this atom, counted from 0, of the first frame',
      ).argParser(wholeNumber(0)),
    );
}

/** What does the work. */
export function addBackendOptions(command: Command): Command {
  return command
    .optionsGroup('Work:')
    .addOption(
      new Option('-j, --threads <count>', 'threads; else every core that this process may use').argParser(
        wholeNumber(1),
      ),
    )
    .addOption(
      new Option('--backend <backend>', 'native (C++) or reference (TypeScript); auto is native where it can be')
        .choices(['auto', 'native', 'reference'])
        .default('auto'),
    );
}

/** How much memory may be taken. */
export function addMemoryOption(command: Command): Command {
  return command
    .optionsGroup('Work:')
    .addOption(
      new Option('--memory <size>', 'memory to keep within, as 512M or 2G; else half of what is free').argParser(
        memorySize,
      ),
    );
}

/** Where results go, and what else is said. */
export function addOutputOptions(command: Command, output: string | undefined): Command {
  command.optionsGroup('Output:');
  if (output !== undefined) command.option('-o, --output <file>', output);
  return command
    .option('--overwrite', 'replace the output file if it exists', false)
    .option('--json', 'print one JSON document on standard output', false)
    .option('--quiet', 'nothing but results and errors', false)
    .option('--no-progress', 'no progress on standard error')
    .option('--verbose', 'more about the work, and stack traces of errors', false);
}

/** Whether an earlier group of options brought it already. */
function hasOption(command: Command, flag: string): boolean {
  return command.options.some(({ long }) => long === flag);
}

function frameOption(text: string): FrameOption {
  try {
    return { text, slice: parseFrameSlice(text) };
  } catch (error) {
    if (error instanceof SurprisalError) throw new InvalidArgumentError(`${error.message}.`);
    throw error;
  }
}
