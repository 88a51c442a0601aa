import { SurprisalError } from '@surprisal/core';
import pc from 'picocolors';

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

/** The streams of this process. A reader that has gone away (`| head`) is no error: what is left is not written. */
export function standardStreams(): StandardStreams {
  const { stdout, stderr } = process;
  // What goes wrong with results is reported where they are written; with messages, there is nobody left to tell.
  for (const stream of [stdout, stderr]) {
    if (stream.listenerCount('error') === 0) stream.on('error', () => {});
  }
  const errorColors = pc.createColors(wantsColors(stderr));
  const paint = { error: errorColors.red, warning: errorColors.yellow, note: errorColors.dim };
  return {
    stderr,
    print: (text) =>
      new Promise((resolve, reject) => {
        stdout.write(text, (error) => {
          if (error == null || isClosedPipe(error)) resolve();
          else reject(unwritable(error));
        });
      }),
    say: (tone, message) => {
      stderr.write(`surprisal: ${tone === 'note' ? '' : `${paint[tone](`${tone}:`)} `}${message}\n`);
    },
  };
}

/** Colours are for terminals, and not for who says otherwise (https://no-color.org). */
function wantsColors(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
}

function unwritable(cause: Error): SurprisalError {
  return new SurprisalError('FILE_UNWRITABLE', `cannot write to standard output: ${cause.message}`, { cause });
}

function isClosedPipe(error: Error): boolean {
  return 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED');
}
