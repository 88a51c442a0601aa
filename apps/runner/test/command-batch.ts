import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { finished, type ProcessResult } from './surprisal-process.ts';

const script = fileURLToPath(new URL('fixtures/command-batch.mjs', import.meta.url));

/** How each of many commands ended, and what the process that ran them took. */
export interface BatchResult {
  readonly results: readonly ProcessResult[];
  /** Most memory that was resident, bytes. */
  readonly maxRss: number;
}

/**
 * Runs the command with one command line after the other in one process: hundreds of them in the time that it takes to start a
 * few. Whatever ends that process before its time fails the whole batch.
 */
export async function runBatch(lines: readonly (readonly string[])[], cwd: string): Promise<BatchResult> {
  const child = spawn(process.execPath, [script], { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(JSON.stringify(lines));
  const { code, stdout, stderr } = await finished(child);
  if (code !== 0) throw new Error(`the batch ended with code ${code}: ${stderr}`);
  return JSON.parse(stdout) as BatchResult;
}
