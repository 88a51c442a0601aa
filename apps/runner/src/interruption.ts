import { constants } from 'node:os';

/** Signals that end the work in good order: no half file stays, no result is printed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What listens for the signals that end the work. */
export interface Interruption {
  /** Fires at the first of them; the second one ends the process at once. */
  readonly signal: AbortSignal;
  /** 128 + the number of the signal, once one came: 130 for Ctrl-C, 143 for SIGTERM. */
  exitCode(): number | undefined;
  /** Gives the signals their usual meaning back. */
  dispose(): void;
}

/** Listens from now on. */
export function listenForInterruption(): Interruption {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const receive = (name: NodeJS.Signals) => {
    if (exitCode !== undefined) process.exit(exitCode);
    exitCode = 128 + constants.signals[name];
    controller.abort(new Error(name));
  };
  for (const name of SIGNALS) process.on(name, receive);
  return {
    signal: controller.signal,
    exitCode: () => exitCode,
    dispose: () => {
      for (const name of SIGNALS) process.off(name, receive);
    },
  };
}
