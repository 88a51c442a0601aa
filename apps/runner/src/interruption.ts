import { constants } from 'node:os';

/** Signals that end the work in good order: no half file stays, no result is printed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * The work has this long to end in good order. It may be unable to: a file call that the operating system holds up (a pipe
 * into which nobody writes, a network file system that is gone) cannot be called off.
 */
const GRACE_MS = 800;

/** What listens for the signals that end the work. */
export interface Interruption {
  /** Fires at the first of them; the second one ends the process at once. */
  readonly signal: AbortSignal;
  /** 128 + the number of the signal, once one came: 130 for Ctrl-C, 143 for SIGTERM. */
  exitCode(): number | undefined;
  /** What is to be done, without waiting for anything, before the process ends at once. */
  beforeEnd(tidyUp: () => void): void;
  /** Gives the signals their usual meaning back; a process that was interrupted still ends when its time is up. */
  dispose(): void;
}

/** Listens from now on. */
export function listenForInterruption(): Interruption {
  const controller = new AbortController();
  let exitCode: number | undefined;
  let tidyUp = () => {};
  const dispose = () => {
    for (const name of SIGNALS) process.off(name, receive);
  };
  const endWith = (name: NodeJS.Signals) => {
    tidyUp();
    dispose();
    // Not process.exit, which waits for file calls that are held up. Where the signal cannot end this process, as where it
    // is the first of a container, nothing else is left.
    process.kill(process.pid, name);
    process.exit(exitCode);
  };
  const receive = (name: NodeJS.Signals) => {
    if (exitCode !== undefined) return endWith(name);
    exitCode = 128 + constants.signals[name];
    setTimeout(endWith, GRACE_MS, name).unref();
    controller.abort(new Error(name));
  };
  for (const name of SIGNALS) process.on(name, receive);
  return {
    signal: controller.signal,
    exitCode: () => exitCode,
    beforeEnd: (action) => {
      tidyUp = action;
    },
    dispose,
  };
}
