import type { Progress } from '@surprisal/core';
import { formatBytes, formatCount, formatSeconds } from './format-number.ts';

/** Where progress is shown. */
export interface ProgressReporter {
  report(progress: Progress): void;
  /** Takes what may stand on the last line away, so that something else can be written. */
  clear(): void;
}

/** What {@link createProgressReporter} takes. */
export interface ProgressReporterOptions {
  readonly stream: NodeJS.WriteStream;
  /** Whether nothing is to be shown. */
  readonly silent: boolean;
}

/** A line of plain text comes no sooner than this after the one before. */
const LEAST_MS = 2_000;
/** A line comes when this much time has passed, however little was done. */
const MOST_MS = 60_000;
/** A line comes when the work has advanced by this share, but for rounding. */
const STEP = 0.05 - 1e-9;

/** A bar in a terminal; plain lines, every few percent or once a minute, anywhere else. */
export async function createProgressReporter({ stream, silent }: ProgressReporterOptions): Promise<ProgressReporter> {
  if (silent) return { report: () => {}, clear: () => {} };
  if (stream.isTTY) return createBar(stream);
  return createPlainLines((line) => stream.write(line));
}

/** Progress as lines of text; work that takes less than two seconds stays silent. */
export function createPlainLines(
  write: (line: string) => void,
  now: () => number = () => performance.now(),
): ProgressReporter {
  let stage: string | undefined;
  let began = 0;
  let told = 0;
  let toldShare = 0;
  return {
    report: (progress) => {
      const time = now();
      if (progress.stage !== stage) {
        stage = progress.stage;
        began = time;
        told = time;
        toldShare = 0;
      }
      const share = shareOf(progress);
      const advanced = share !== undefined && share - toldShare >= STEP && time - told >= LEAST_MS;
      if (!advanced && time - told < MOST_MS) return;
      told = time;
      toldShare = share ?? 0;
      write(`surprisal: ${describe(progress, time - began)}\n`);
    },
    clear: () => {},
  };
}

async function createBar(stream: NodeJS.WriteStream): Promise<ProgressReporter> {
  const { default: cliProgress } = await import('cli-progress');
  let stage: string | undefined;
  let began = 0;
  let bar: InstanceType<typeof cliProgress.SingleBar> | undefined;
  const clear = () => {
    bar?.stop();
    bar = undefined;
    stage = undefined;
  };
  const start = (progress: Progress) => {
    clear();
    stage = progress.stage;
    began = performance.now();
    bar = new cliProgress.SingleBar({
      stream,
      fps: 5,
      hideCursor: true,
      clearOnComplete: true,
      // Signals are listened for in one place, which is not the bar.
      gracefulExit: false,
      format: (_options, _params, payload: { progress: Progress }) => {
        const text = describe(payload.progress, performance.now() - began);
        const share = shareOf(payload.progress);
        return share === undefined ? text : `${drawBar(share)} ${text}`;
      },
    });
    bar.start(progress.total ?? 0, progress.done, { progress });
  };
  return {
    report: (progress) => {
      if (progress.stage === stage) bar?.update(progress.done, { progress });
      else start(progress);
    },
    clear,
  };
}

const BAR_CELLS = 24;

function drawBar(share: number): string {
  const full = Math.round(Math.min(1, share) * BAR_CELLS);
  return '█'.repeat(full) + '░'.repeat(BAR_CELLS - full);
}

function shareOf({ done, total }: Progress): number | undefined {
  return total === undefined || total === 0 ? undefined : done / total;
}

function describe(progress: Progress, elapsed: number): string {
  const { stage, done, total, unit } = progress;
  const share = shareOf(progress);
  const format = unit === 'bytes' ? formatBytes : formatCount;
  const noun = unit === 'bytes' ? '' : ` ${unit}`;
  const amount = total === undefined ? format(done) : `${format(done)} of ${format(total)}`;
  const percent = share === undefined ? '' : ` ${Math.floor(100 * share)} %`;
  const left =
    share !== undefined && share > 0 && share < 1 && elapsed > LEAST_MS
      ? `, about ${formatSeconds((elapsed * (1 - share)) / share / 1000)} left`
      : '';
  return `${stage}${percent} (${amount}${noun}), ${formatSeconds(elapsed / 1000)}${left}`;
}
