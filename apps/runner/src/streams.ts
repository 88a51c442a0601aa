import { styleText } from 'node:util';

/** What a line on standard error is. */
export type Tone = 'error' | 'warning' | 'note';

/** Where the command writes: results on standard output, everything else on standard error. */
export interface StandardStreams {
  readonly stderr: NodeJS.WriteStream;
  /**
   * Writes results; waits where the reader is slow.
   *
   * @throws {SurprisalError} FILE_UNWRITABLE if it cannot be written, unless the reader has gone away
   */
  print(text: string): Promise<void>;
  /** Writes a line about the work. */
  say(tone: Tone, message: string): void;
}

const COLORS = { error: 'red', warning: 'yellow' } as const;

/** The streams of this process. A reader that has gone away (`| head`) is no error: what is left is not written. */
export function standardStreams(): StandardStreams {
  const { stdout, stderr } = process;
  // What goes wrong with results is reported where they are written; with messages, there is nobody left to tell.
  for (const stream of [stdout, stderr]) {
    if (stream.listenerCount('error') === 0) stream.on('error', () => {});
  }
  const colors = wantsColors(stderr);
  const label = (tone: Tone) => {
    if (tone === 'note') return '';
    // Node would ask whether standard output takes colours, not this stream.
    return `${colors ? styleText(COLORS[tone], `${tone}:`, { validateStream: false }) : `${tone}:`} `;
  };
  return {
    stderr,
    print: (text) =>
      new Promise((resolve, reject) => {
        stdout.write(text, (error) => {
          if (error == null || isClosedPipe(error)) resolve();
          else unwritable(error).then(reject, reject);
        });
      }),
    say: (tone, message) => {
      stderr.write(`surprisal: ${label(tone)}${message}\n`);
    },
  };
}

/** Colours are for terminals, and not for who says otherwise (https://no-color.org). */
function wantsColors(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
}

async function unwritable(cause: Error): Promise<Error> {
  // Loaded here alone: what only prints its version needs nothing of it.
  const { SurprisalError } = await import('@surprisal/core');
  return new SurprisalError('FILE_UNWRITABLE', `cannot write to standard output: ${cause.message}`, { cause });
}

function isClosedPipe(error: Error): boolean {
  return 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED');
}
