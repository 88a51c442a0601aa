import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The command, as it is installed. */
export const surprisalPath: string = fileURLToPath(new URL('../bin/surprisal.js', import.meta.url));

/** How a process ended, and what it printed. */
export interface ProcessResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessOptions {
  readonly cwd?: string;
  /** Beside what this process has. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Flags of Node itself. */
  readonly nodeFlags?: readonly string[];
}

/** What a launcher of the machine on which the tests run must not pass on. */
const {
  NO_COLOR: _noColor,
  OMPI_COMM_WORLD_SIZE: _ompi,
  PMI_SIZE: _pmi,
  SLURM_STEP_NUM_TASKS: _slurm,
  ...inherited
} = process.env;

/** Builds the command, so that what the tests run is what the sources say. */
export async function buildSurprisal(): Promise<void> {
  const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
  const { code, stdout } = await finished(spawn(process.execPath, [compiler, '-b', 'apps/runner'], { cwd: root }));
  if (code !== 0) throw new Error(`the command cannot be built:\n${stdout}`);
}

/** Starts the command; its standard input is empty and nothing is a terminal. */
export function startSurprisal(args: readonly string[], options: ProcessOptions = {}): ChildProcess {
  return spawn(process.execPath, [...(options.nodeFlags ?? []), surprisalPath, ...args], {
    cwd: options.cwd,
    env: { ...inherited, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs the command to its end. */
export function runSurprisal(args: readonly string[], options: ProcessOptions = {}): Promise<ProcessResult> {
  return finished(startSurprisal(args, options));
}

/** Runs any command to its end. */
export function runProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<ProcessResult> {
  return finished(
    spawn(command, args, {
      cwd: options.cwd,
      env: { ...inherited, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
}

/** The exit code that a shell sees: 128 + n of a process that signal n ended. */
export function shellCode(code: number | null, signal: NodeJS.Signals | null): number | null {
  return signal === null ? code : 128 + constants.signals[signal];
}

/** Waits for the end of a process. */
export function finished(child: ChildProcess): Promise<ProcessResult> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: shellCode(code, signal), stdout, stderr }));
  });
}
