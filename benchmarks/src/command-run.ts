import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Outcome } from './benchmark-case.ts';

/** The command as it is installed. */
export const SURPRISAL: string = join(
  dirname(createRequire(import.meta.url).resolve('surprisal/package.json')),
  'bin',
  'surprisal.js',
);

/** Says at its end how much memory the process held at most, on a file of its own; not in the process's worker threads. */
const REPORT_PEAK = `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from 'node:fs';
  import { isMainThread } from 'node:worker_threads';
  if (isMainThread) process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS)));`)}`;

/**
 * Without certificates that this machine may add to those of Node: it parses them all at every start, which takes longer
 * than everything else of it, and what is measured here opens no connection.
 */
const { NODE_EXTRA_CA_CERTS: _, ...ENVIRONMENT } = process.env;

/**
 * Runs Node on some arguments, from start to exit.
 *
 * @param watched  whether its peak memory is wanted, which costs it some milliseconds
 * @throws {Error} with what it wrote on standard error, if it fails
 */
export async function runNode(args: readonly string[], watched = true): Promise<Outcome> {
  const started = performance.now();
  const child = spawn(process.execPath, [...(watched ? ['--import', REPORT_PEAK] : []), ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: ENVIRONMENT,
  });
  let said = '';
  let kilobytes = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  (child.stdio[3] as NodeJS.ReadableStream).setEncoding('utf8').on('data', (text: string) => {
    kilobytes += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  const seconds = (performance.now() - started) / 1000;
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with code ${code}: ${said.trim()}`);
  return watched ? { seconds, peakBytes: Number(kilobytes) * 1024 } : { seconds };
}
