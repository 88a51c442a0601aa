import { Command, CommanderError, type Option } from 'commander';
import {
  addBackendOptions,
  addBandwidthOption,
  addDescriptorOptions,
  addInputOptions,
  addOutputOptions,
  addReferenceOptions,
} from './option-groups.ts';
import type { CommandOptions } from './option-values.ts';
import { packageVersion } from './package-version.ts';
import type { CommandName } from './result-document.ts';

/** Does what the command line says. */
export type CommandRunner = (command: CommandName, files: readonly string[], options: CommandOptions) => Promise<void>;

/** The last sentence of every complaint about the command line. */
const SEE_HELP = 'See surprisal --help.';

/**
 * The command line: which commands there are, what each takes, and how it is explained.
 *
 * @param run  called with the command that was given
 * @param print  takes help and version
 */
export function createProgram(run: CommandRunner, print: (text: string) => void): Command {
  const program = new Command('surprisal')
    .description(
      'Measure information in atomistic data: how much a data set holds (entropy, diversity),\n' +
        'and how new an environment is to it (δH, its surprisal).',
    )
    .version(packageVersion, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .showSuggestionAfterError()
    .configureOutput({ outputError: () => {}, writeOut: print })
    .exitOverride()
    .addHelpText(
      'after',
      '\nFILE is extended or plain XYZ, a LAMMPS text dump (each also as .gz), or a matrix of descriptors, .npy or .npz.\n' +
        'Exit codes: 0 done; 1 content of a file, or something went wrong; 2 command line, path, existing target.',
    );

  const add = (
    name: CommandName,
    summary: string,
    output: string,
    addOwnOptions: (command: Command) => void = () => {},
  ) => {
    const command = program
      .command(name)
      .summary(summary)
      .description(summary)
      .configureHelp({ optionDescription: describeOption })
      .argument('<file...>', 'structures or matrices')
      .action((files: string[]) => run(name, files, optionsOf(command)));
    addOwnOptions(command);
    addInputOptions(command);
    addDescriptorOptions(command);
    addBandwidthOption(command);
    addBackendOptions(command);
    addOutputOptions(command, output);
  };

  const document = 'write the JSON document to this .json file too';
  add('info', 'what the files hold, and whether anything about it is odd', document);
  add('descriptors', 'descriptors of all environments, as a matrix', 'the matrix, .npy or .npz (required)');
  add('entropy', 'entropy H, its maximum ln n, and diversity D', document);
  add(
    'dh',
    'surprisal δH of every environment with respect to a reference set',
    'δH of every environment: .npy, .json, .csv, or .xyz (.xyz.gz) with a column dH; a column for each bandwidth',
    addReferenceOptions,
  );
  add('overlap', 'share of environments that a reference set knows', document, addReferenceOptions);

  const doctor = program
    .command('doctor')
    .summary('what runs here: versions, backend and why, processor, threads, memory')
    .description('what runs here: versions, backend and why, processor, threads, memory')
    .configureHelp({ optionDescription: describeOption })
    .action(() => run('doctor', [], optionsOf(doctor)));
  addBackendOptions(doctor);
  addOutputOptions(doctor, document);
  return program;
}

/** Whether commander ended the command only to print help or the version. */
export function isDone(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === 0;
}

/** The complaint of commander as one sentence; undefined for other errors. */
export function commandLineProblem(error: unknown): string | undefined {
  if (!(error instanceof CommanderError)) return undefined;
  // Called without a command, commander prints the help as its complaint.
  if (error.code === 'commander.help') return `a command is missing. ${SEE_HELP}`;
  const message = error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
  return `${message}${/[.?)]$/.test(message) ? '' : '.'} ${SEE_HELP}`;
}

function optionsOf(command: Command): CommandOptions {
  const given = command.options
    .map((option) => [option.attributeName(), option.long ?? option.flags] as const)
    .filter(([name]) => command.getOptionValueSource(name) === 'cli');
  return { ...command.opts<Omit<CommandOptions, 'given'>>(), given: new Map(given) };
}

function describeOption(option: Option): string {
  const choices = option.argChoices === undefined ? '' : `: ${option.argChoices.join(', ')}`;
  const shown = option.defaultValueDescription ?? option.defaultValue;
  const value = shown === undefined || typeof shown === 'boolean' ? '' : ` (default ${shown})`;
  return `${option.description}${choices}${value}`;
}
