import { type Communicator, serialCommunicator } from './communicator.ts';
import { SurprisalError } from './surprisal-error.ts';

/**
 * Which of the two implementations runs: `native` (C++, all cores) or fails; `reference` (TypeScript, one core);
 * `auto`, the default, is native and falls back to the reference with one warning.
 */
export type BackendPreference = 'auto' | 'native' | 'reference';

/** How far a long call is. */
export interface Progress {
  /** What is being done, for example `kernel sums`. */
  readonly stage: string;
  readonly done: number;
  /** Undefined where the end is not known, as while a file streams in. */
  readonly total: number | undefined;
  /** What `done` and `total` count, for example `environments`. */
  readonly unit: string;
}

/** What every analysis takes beside its data. */
export interface Context {
  /** Default: {@link serialCommunicator}. */
  readonly communicator?: Communicator | undefined;
  /** Default `auto`. */
  readonly backend?: BackendPreference | undefined;
  /** Threads of the native backend; default: every core that this process may use. Does not change the result. */
  readonly threads?: number | undefined;
  /** Ends the call with an ABORTED error. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** The communicator of a context. */
export function communicatorOf(context: Context): Communicator {
  return context.communicator ?? serialCommunicator;
}

/**
 * @throws {SurprisalError} ABORTED if the signal has fired
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new SurprisalError('ABORTED', 'interrupted', { cause: signal.reason });
}

const TURN_MS = 40;

/**
 * Keeps a long loop polite: call it between pieces of work, and a few dozen times a second it reports progress, lets the
 * event loop run, and ends the loop where the signal has fired.
 *
 * @returns the function to call with the work done so far
 *
 * @example
 * const breathe = cooperate('kernel sums', 1000, 'rows', { signal: AbortSignal.timeout(60_000) });
 * for (let row = 0; row < 1000; row++) await breathe(row);
 */
export function cooperate(
  stage: string,
  total: number | undefined,
  unit: string,
  { signal, onProgress }: Pick<Context, 'signal' | 'onProgress'>,
): (done: number) => Promise<void> | undefined {
  throwIfAborted(signal);
  let turnEnds = performance.now() + TURN_MS;
  return (done) => {
    if (performance.now() < turnEnds) return undefined;
    onProgress?.({ stage, done, total, unit });
    return nextTurn().then(() => {
      throwIfAborted(signal);
      turnEnds = performance.now() + TURN_MS;
    });
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
