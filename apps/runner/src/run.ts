import { type Context, fromNativeError, oneLine, type Progress, SurprisalError } from '@surprisal/core';
import type { KernelSumAccuracy } from '@surprisal/entropy';
import { type Backend, onFallback, selectBackend } from '@surprisal/native';
import { formatQuantity } from './format-number.ts';
import type { CommandOptions } from './option-values.ts';
import { packageVersion } from './package-version.ts';
import { createProgressReporter, type ProgressReporter } from './progress-reporter.ts';
import { type BackendSummary, type CommandName, type DocumentHead, SCHEMA_VERSION } from './result-document.ts';
import { Stopwatch } from './stopwatch.ts';
import type { StandardStreams } from './streams.ts';
import { UsageError } from './usage-error.ts';

/** One command at work: its options, what it says on the way, and what the packages below need to know. */
export interface Run {
  readonly options: CommandOptions;
  readonly streams: StandardStreams;
  readonly stopwatch: Stopwatch;
  readonly backend: Backend;
  readonly signal: AbortSignal;
  /** For every analysis. */
  readonly context: Context & Pick<KernelSumAccuracy, 'skipBelow'>;
  readonly warnings: readonly string[];
  /** Says on standard error that something is odd, and keeps it for the result. */
  warn(message: string): void;
  /**
   * As {@link warn}, of something that is odd about an option or a file. It is said once all files were read, so that
   * a refusal is one sentence; with `--verbose`, at once.
   */
  warnOfInput(message: string): void;
  /** Says what was odd about options and files: all were read. */
  inputsWereRead(): void;
  /** Keeps for the result that something is odd. */
  note(message: string): void;
  /** Says something about the result that is not odd. */
  tell(message: string): void;
  /** Says something about the work to who asked for more. */
  explain(message: string): void;
  report(progress: Progress): void;
  /** Ends the showing of progress. */
  finish(): void;
}

/**
 * @throws {SurprisalError} BACKEND_UNAVAILABLE
 * @throws {UsageError} if that many threads cannot be
 */
export async function startRun(options: CommandOptions, streams: StandardStreams, signal: AbortSignal): Promise<Run> {
  const stopwatch = new Stopwatch();
  const progress: ProgressReporter = await createProgressReporter({
    stream: streams.stderr,
    silent: options.quiet || !options.progress,
  });
  const warnings: string[] = [];
  const say = (message: string) => {
    if (options.quiet) return;
    progress.clear();
    streams.say('warning', oneLine(message));
  };
  /** Keeps a message; false where it is there already, as of a file that is both test and reference and is read twice. */
  const keep = (message: string) => {
    if (warnings.includes(message)) return false;
    warnings.push(message);
    return true;
  };
  const unsaid: string[] = [];
  const inputsWereRead = () => {
    for (const message of unsaid.splice(0)) say(message);
  };
  const warn = (message: string) => {
    if (!keep(message)) return;
    inputsWereRead();
    say(message);
  };
  onFallback(warn);
  const backend = chooseBackend(options);
  const report = (state: Progress) => progress.report(state);
  const tell = (message: string) => {
    if (options.quiet) return;
    progress.clear();
    streams.say('note', message);
  };
  const explain = (message: string) => {
    if (options.verbose) tell(message);
  };
  explain(`backend ${backend.name}, instruction set ${backend.isa}, ${formatQuantity(backend.threads, 'thread')}`);
  return {
    options,
    streams,
    stopwatch,
    backend,
    signal,
    context: {
      backend: options.backend,
      threads: options.threads,
      skipBelow: options.skipBelow,
      signal,
      onProgress: report,
    },
    warnings,
    warn,
    warnOfInput: (message) => {
      if (!keep(message)) return;
      unsaid.push(message);
      if (options.verbose) inputsWereRead();
    },
    inputsWereRead,
    note: (message) => void keep(message),
    tell,
    explain,
    report,
    finish: () => progress.clear(),
  };
}

/** A run as a stage of a pipeline sees it: ended by its signal, and silent about progress, for others work at the same time. */
export function runWithin(run: Run, signal: AbortSignal): Run {
  return { ...run, signal, context: { ...run.context, signal, onProgress: undefined } };
}

/** The backend of a run, for its result. */
export function backendSummary({ name, isa, threads }: Backend): BackendSummary {
  return { name, isa, threads };
}

/** What the document of a command begins with. */
export function documentHead<Name extends CommandName>(command: Name): DocumentHead<Name> {
  return { schemaVersion: SCHEMA_VERSION, command, version: packageVersion };
}

function chooseBackend({ backend, threads }: CommandOptions): Backend {
  try {
    return selectBackend({ backend, threads });
  } catch (error) {
    const known = fromNativeError(error);
    if (known instanceof SurprisalError && known.code === 'INVALID_ARGUMENT') throw new UsageError(known.message);
    throw known;
  }
}
