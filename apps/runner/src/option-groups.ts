import { SurprisalError } from '@surprisal/core';
import { QUESTS_DEFAULTS } from '@surprisal/descriptors';
import { DEFAULT_BANDWIDTH, DEFAULT_EPSILON } from '@surprisal/entropy';
import { LAMMPS_UNIT_STYLES, parseFrameSlice, READABLE_FORMATS } from '@surprisal/io';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatReal } from './format-number.ts';
import {
  type FrameOption,
  finiteNumber,
  numberFromZero,
  positiveNumber,
  positiveNumbers,
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
    .option('--array <name>', 'array of .npz files; else "descriptors", or the only matrix there is');
}

/** What an environment is. */
export function addDescriptorOptions(command: Command): Command {
  return command
    .optionsGroup('Descriptor:')
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
      new Option('--precision <kind>', 'storage of descriptors and of what is computed from them')
        .choices(['f64', 'f32'])
        .default('f64'),
    );
}

/** When two environments are alike. */
export function addBandwidthOption(command: Command): Command {
  return command
    .optionsGroup('Kernel:')
    .addOption(
      new Option('-b, --bandwidth <list>', 'width of the kernel in 1/Å; several with commas between them')
        .default([DEFAULT_BANDWIDTH], String(DEFAULT_BANDWIDTH))
        .argParser(positiveNumbers),
    );
}

/** When an environment is new, and what it is new to. */
export function addReferenceOptions(command: Command): Command {
  return command
    .optionsGroup('Reference:')
    .requiredOption('-r, --reference <file...>', 'files of the reference set: structures or matrices')
    .addOption(
      new Option('--eps <nats>', 'an environment is new where its δH is above this')
        .default(DEFAULT_EPSILON, formatReal(DEFAULT_EPSILON))
        .argParser(finiteNumber),
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

/** Where results go, and what else is said. */
export function addOutputOptions(command: Command, output: string): Command {
  return command
    .optionsGroup('Output:')
    .option('-o, --output <file>', output)
    .option('--overwrite', 'replace the output file if it exists', false)
    .option('--json', 'print one JSON document on standard output', false)
    .option('--quiet', 'nothing but results and errors', false)
    .option('--no-progress', 'no progress on standard error')
    .option('--verbose', 'more about the work, and stack traces of errors', false);
}

function frameOption(text: string): FrameOption {
  try {
    return { text, slice: parseFrameSlice(text) };
  } catch (error) {
    if (error instanceof SurprisalError) throw new InvalidArgumentError(`${error.message}.`);
    throw error;
  }
}
