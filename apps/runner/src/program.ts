import { READABLE_FORMATS } from '@surprisal/io';
import { Argument, Command, CommanderError, type Option } from 'commander';
import { COMPLETED_SHELLS, type CompletedShell, candidates, completionScript } from './completion.ts';
import {
  addBackendOptions,
  addBandwidthOption,
  addBandwidthRuleOptions,
  addConvertOptions,
  addDescriptorOptions,
  addGroupOption,
  addInputOptions,
  addLeakageOptions,
  addLearningCurveOptions,
  addMemoryOption,
  addNeighborOptions,
  addOutputOptions,
  addReferenceOptions,
  addSensitivityOption,
  addSkipBelowOption,
  addSubsetOption,
  addToleranceOption,
} from './option-groups.ts';
import type { CommandOptions } from './option-values.ts';
import { packageVersion } from './package-version.ts';
import type { CommandName } from './result-document.ts';

/** Does what the command line says. */
export type CommandRunner = (command: CommandName, files: readonly string[], options: CommandOptions) => Promise<void>;

/** The last sentence of every complaint about the command line. */
const SEE_HELP = 'See surprisal --help.';

/** A command: how it is called, what it takes, and how it is explained. */
interface CommandSpec {
  readonly summary: string;
  /** Its positional arguments, with what they are; default: files, one or more. */
  readonly arguments?: readonly (readonly [syntax: string, description: string])[];
  /** What `-o` writes; undefined where the command has no such option. */
  readonly output?: string;
  /** Its options, in the order of the help. */
  readonly options: readonly ((command: Command) => void)[];
  /** Command lines without the name of the program, and what each is good for. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
}

const DOCUMENT = 'write the JSON document to this .json file too';
const TABLE = 'write the result to this file too: .json the document, .csv or .npz a table';
const ANALYSIS = [addInputOptions, addDescriptorOptions, addBandwidthOption];

const COMMANDS: Readonly<Record<CommandName, CommandSpec>> = {
  info: {
    summary: 'what the files hold, and whether anything about it is odd',
    output: DOCUMENT,
    options: ANALYSIS,
    examples: [
      ['info traj.dump.gz', 'frames, cell, neighbours, ties, a bandwidth to begin with'],
      ['info runs/*/OUTCAR.xyz --json', 'the same of many files, for a program'],
    ],
  },
  descriptors: {
    summary: 'descriptors of all environments, as a matrix',
    output: 'the matrix, .npy or .npz (required)',
    options: ANALYSIS,
    examples: [
      ['descriptors train.xyz -o train.npz', 'one row of 63 numbers for each atom'],
      ['descriptors alloy.xyz --descriptor multicomponent -o alloy.npy', 'species told apart'],
      ['descriptors train.xyz --descriptor ./mine.mjs -o mine.npz', 'by a descriptor of your own'],
    ],
  },
  entropy: {
    summary: 'entropy H, its maximum ln n, and diversity D',
    output: TABLE,
    options: [...ANALYSIS, addToleranceOption, addGroupOption],
    examples: [
      ['entropy train.xyz', 'at the default bandwidth'],
      ['entropy train.xyz -b 0.01,0.015,0.03', 'at three bandwidths, in one pass'],
      ['entropy million.dump --tolerance 0.01', 'H ± 0.01 nats, from some thousand of a million environments'],
      [
        'entropy train.xyz -b auto --group-by config_type',
        'each kind of configuration by itself, and maps between them',
      ],
    ],
  },
  dh: {
    summary: 'surprisal δH of every environment with respect to a reference set',
    output:
      'δH of every environment: .npy, .json, .csv, or .xyz (.xyz.gz) with a column dH; a column for each bandwidth',
    options: [addReferenceOptions, ...ANALYSIS, addGroupOption, addMemoryOption],
    examples: [
      ['dh md.dump -r train.xyz -o md-dH.xyz', 'each atom with its δH, for OVITO'],
      ['dh md.dump@-100: -r train.npz -o dH.csv', 'the last hundred frames against descriptors made before'],
      ['dh huge.dump.gz -r train.npy -o dH.npy --memory 2G', 'any number of frames, within 2 GiB'],
    ],
  },
  overlap: {
    summary: 'share of environments that a reference set knows',
    output: TABLE,
    options: [addReferenceOptions, ...ANALYSIS, addGroupOption, addMemoryOption],
    examples: [
      ['overlap test.xyz -r train.xyz --eps 1', 'within 1 nat, as in the published maps'],
      ['overlap test.xyz -r train.xyz --group-by config_type', 'each kind of test against each kind of training'],
    ],
  },
  metrics: {
    summary: 'H, D, δH of each environment and H of each frame, in one pass',
    output: '.json, .csv, .npz, .npy (δH), or .xyz (.xyz.gz) with a column dH and H of each frame',
    options: [...ANALYSIS, addToleranceOption, addGroupOption, addSensitivityOption],
    examples: [
      ['metrics traj.xyz -o metrics.csv', 'δH of each environment and H of its frame, a row each'],
      ['metrics million.dump --tolerance 0.01', 'H and D of a sample, with intervals; no δH of each environment'],
      ['metrics train.xyz --sensitivity', 'and how much H moves with k, cutoff and bandwidth'],
    ],
  },
  'learning-curve': {
    summary: 'H of growing parts of a data set, and where it is going',
    output: TABLE,
    options: [addLearningCurveOptions, ...ANALYSIS, addGroupOption],
    examples: [
      ['learning-curve train.xyz -n 5 --seed 1', 'five draws of frames at each share'],
      ['learning-curve traj.xyz --order file -f 0.25,0.5,1', 'the first quarter and half of a trajectory'],
    ],
  },
  gap: {
    summary: 'information gap H(full) − H(subset)',
    output: TABLE,
    options: [addSubsetOption, ...ANALYSIS, addGroupOption],
    examples: [['gap full.xyz --subset selected.xyz', 'what was lost by the selection']],
  },
  compare: {
    summary: 'overlap and divergence maps of many data sets, both directions',
    arguments: [['<set...>', 'data sets: a file, a folder or a pattern in quotes each']],
    output: TABLE,
    options: [...ANALYSIS, addToleranceOption, addGroupOption],
    examples: [
      ['compare cold.xyz warm.xyz melt.xyz -o maps.csv', 'every set against every other'],
      ["compare 'run1/*.xyz' 'run2/*.xyz'", 'two sets of many files'],
      ['compare train.xyz --group-by config_type', 'the groups of one file'],
      ['compare cold.dump warm.dump --tolerance 0.01', 'H and overlaps of large sets, with intervals; no divergences'],
    ],
  },
  leakage: {
    summary: 'environments and frames that stand in both of two sets, and duplicates within one',
    arguments: [
      ['<train>', 'the training set: a file, a folder or a pattern'],
      ['<test>', 'the test set'],
    ],
    output: 'write the result to this file too: .json the document, .csv the pairs',
    options: [addLeakageOptions, ...ANALYSIS, addGroupOption],
    examples: [['leakage train.xyz test.xyz', 'what a test set must not share with its training set']],
  },
  bandwidth: {
    summary: 'a bandwidth for the data, by a rule that holds for it',
    arguments: [['[file...]', 'structures or matrices; none with --volume']],
    output: 'write the result to this file too: .json the document, .csv or .npz the table of --scan',
    options: [addBandwidthRuleOptions, addInputOptions, addDescriptorOptions, addSkipBelowOption, addGroupOption],
    examples: [
      ['bandwidth train.xyz', 'by the volume per atom where that holds, else by nearest environments'],
      ['bandwidth --volume 11.8 --rule cutoff', 'by a number'],
      ['bandwidth train.xyz --scan -o scan.csv', 'H and D over 25 bandwidths'],
    ],
  },
  neighbors: {
    summary: 'how many neighbours k should see; an environment as a small structure',
    arguments: [['[file...]', 'structures; none with --density and --mass']],
    output: 'with --atom: the environment, .xyz or another format of structures; else .json',
    options: [addNeighborOptions, addInputOptions, addDescriptorOptions],
    examples: [
      ['neighbors --density 8.96 --mass 63.546', 'copper, by numbers'],
      ['neighbors melt.dump -c 6', 'as counted'],
      ['neighbors md.dump@-1 --atom 42 -o env.xyz', 'the surroundings of atom 42 in the last frame'],
    ],
  },
  convert: {
    summary: 'structures, or a matrix, in another format; labels and columns kept where the format can hold them',
    arguments: [
      ['<in>', 'a file, a folder or a pattern'],
      ['<out>', 'the file to write; its name says in which format'],
    ],
    options: [addConvertOptions],
    examples: [
      ['convert XDATCAR traj.xyz.gz', 'to compressed extended XYZ'],
      ['convert traj.xyz@-1 POSCAR', 'the last frame for VASP'],
      ['convert POSCAR box.lmp', 'for LAMMPS'],
    ],
  },
  doctor: {
    summary: 'what runs here: versions, backend and why, processor, threads, memory',
    arguments: [],
    output: DOCUMENT,
    options: [],
    examples: [['doctor', 'before the first job on a new machine']],
  },
};

/**
 * The command line: which commands there are, what each takes, and how it is explained.
 *
 * @param run  called with the command that was given
 * @param print  takes help, version, and what shells ask
 */
export function createProgram(run: CommandRunner, print: (text: string) => void): Command {
  const program = createAnalyses(run, print);
  program
    .command('completion')
    .summary('print a script that completes commands, options and files in your shell')
    .description('print a script that completes commands, options and files in your shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(COMPLETED_SHELLS))
    .addHelpText(
      'after',
      '\nExamples:\n  surprisal completion bash >> ~/.bashrc\n      from the next shell on\n' +
        '  source <(surprisal completion zsh)\n      in this shell\n' +
        '  surprisal completion fish > ~/.config/fish/completions/surprisal.fish\n      from now on',
    )
    .action((shell: CompletedShell) => print(completionScript(shell)));
  // What those scripts call.
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action((words: string[]) => {
      for (const { value, meaning } of candidates(program, words))
        print(`${[value, meaning].filter(Boolean).join('\t')}\n`);
    });
  return program;
}

function createAnalyses(run: CommandRunner, print: (text: string) => void): Command {
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
      `\nFILE is ${inWords(READABLE_FORMATS)} (each also as .gz), or a matrix of\n` +
        'descriptors, .npy or .npz; a folder or a pattern in quotes stands for all that it holds; FILE@0:100:5 takes\n' +
        'some of its frames.\n' +
        'Exit codes: 0 done; 1 content of a file, or something went wrong; 2 command line, path, existing target.',
    );
  for (const [name, spec] of Object.entries(COMMANDS) as [CommandName, CommandSpec][])
    addCommand(program, name, spec, run);
  return program;
}

function addCommand(program: Command, name: CommandName, spec: CommandSpec, run: CommandRunner): void {
  const command = program
    .command(name)
    .summary(spec.summary)
    .description(spec.summary)
    .configureHelp({ optionDescription: describeOption })
    .addHelpText('after', examplesText(spec));
  const positional = spec.arguments ?? [['<file...>', 'structures or matrices']];
  for (const [syntax, description] of positional) command.argument(syntax, description);
  for (const addOptions of spec.options) addOptions(command);
  if (name !== 'convert') addBackendOptions(command);
  addOutputOptions(command, spec.output);
  command.action(() => {
    const files = command.processedArgs.flat().filter((file) => file !== undefined) as string[];
    const options = optionsOf(command);
    // The target of a conversion stands among the files.
    return name === 'convert'
      ? run(name, files.slice(0, -1), { ...options, output: files.at(-1) })
      : run(name, files, options);
  });
}

function examplesText({ examples }: CommandSpec): string {
  const lines = examples.map(([line, meaning]) => `  surprisal ${line}\n      ${meaning}`);
  return `\nExamples:\n${lines.join('\n')}`;
}

function inWords(formats: readonly string[]): string {
  return formats.join(', ');
}

/** Whether commander ended the command only to print help or the version. */
export function isDone(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === 0;
}

/** The complaint of commander as one sentence; undefined for other errors. */
export function commandLineProblem(error: unknown): string | undefined {
  if (!(error instanceof CommanderError)) return undefined;
  // Called without a command, commander prints the help as its complaint.
  if (error.code === 'commander.help') return `a command is missing, or there is none of this name. ${SEE_HELP}`;
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
