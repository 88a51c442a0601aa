import { inspect } from 'node:util';
import { oneLine } from '@surprisal/core';
import { EXIT, exitCodeOf } from './exit-code.ts';
import { type Interruption, listenForInterruption } from './interruption.ts';
import { launchedRanks } from './launched-ranks.ts';
import type { CommandOptions } from './option-values.ts';
import type { CommandName } from './result-document.ts';
import type { Run } from './run.ts';
import type { StandardStreams } from './streams.ts';
import { UsageError } from './usage-error.ts';

/**
 * Does what the command line says.
 *
 * @param argv  what stands behind the name of the command
 * @returns the exit code
 */
export async function runCommandLine(argv: readonly string[], streams: StandardStreams): Promise<number> {
  const interruption = listenForInterruption();
  const { commandLineProblem, createProgram, isDone } = await import('./program.ts');
  try {
    let explanation = '';
    const program = createProgram(
      (command, files, options) => runCommand(command, files, options, streams, interruption),
      (text) => {
        explanation += text;
      },
    );
    await program.parseAsync(argv, { from: 'user' }).catch(async (error) => {
      if (!isDone(error)) throw error;
    });
    if (explanation !== '') await streams.print(explanation);
    return interruption.exitCode() ?? EXIT.ok;
  } catch (error) {
    const interrupted = interruption.exitCode();
    if (interrupted !== undefined) {
      streams.say('error', 'interrupted');
      return interrupted;
    }
    const problem = commandLineProblem(error);
    if (problem !== undefined) {
      streams.say('error', oneLine(problem));
      return EXIT.usage;
    }
    streams.say('error', argv.includes('--verbose') ? inspect(error) : sentence(error));
    return exitCodeOf(error);
  } finally {
    interruption.dispose();
  }
}

async function runCommand(
  command: CommandName,
  files: readonly string[],
  options: CommandOptions,
  streams: StandardStreams,
  interruption: Interruption,
): Promise<void> {
  const ranks = launchedRanks(process.env);
  if (ranks !== undefined) {
    throw new UsageError(
      `it was launched as ${ranks.size} processes (${ranks.variable}=${ranks.size}), which cannot share one analysis; ` +
        'run one process, it uses all cores of its node',
    );
  }
  const [{ startRun }, { removeUnfinishedFiles }] = await Promise.all([
    import('./run.ts'),
    import('@surprisal/io/node'),
  ]);
  const run = await startRun(options, streams, interruption.signal);
  interruption.beforeEnd(() => {
    run.finish();
    removeUnfinishedFiles();
  });
  try {
    await (await COMMANDS[command]())(run, files);
  } finally {
    run.finish();
  }
}

type CommandAction = (run: Run, files: readonly string[]) => Promise<void>;

/** Each command is loaded when it is wanted. */
const COMMANDS: Readonly<Record<CommandName, () => Promise<CommandAction>>> = {
  info: async () => (await import('./commands/info.ts')).info,
  descriptors: async () => (await import('./commands/descriptors.ts')).descriptors,
  entropy: async () => (await import('./commands/entropy.ts')).entropy,
  dh: async () => (await import('./commands/dh.ts')).dh,
  overlap: async () => (await import('./commands/overlap.ts')).overlap,
  metrics: async () => (await import('./commands/metrics.ts')).metrics,
  'learning-curve': async () => (await import('./commands/learning-curve.ts')).learningCurve,
  gap: async () => (await import('./commands/gap.ts')).gap,
  compare: async () => (await import('./commands/compare.ts')).compare,
  leakage: async () => (await import('./commands/leakage.ts')).leakage,
  bandwidth: async () => (await import('./commands/bandwidth.ts')).bandwidth,
  neighbors: async () => (await import('./commands/neighbors.ts')).neighbors,
  convert: async () => (await import('./commands/convert.ts')).convert,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
};

/** One sentence for a person. */
function sentence(error: unknown): string {
  if (error instanceof RangeError && /allocation|array (buffer )?length/i.test(error.message)) {
    return `there is not enough memory (${error.message}); take fewer frames (--frames), and --precision f32 where it is f64`;
  }
  return oneLine(error instanceof Error && error.message !== '' ? error.message : String(error));
}
