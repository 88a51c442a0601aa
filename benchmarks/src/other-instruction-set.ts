import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Report, readReport } from './report.ts';
import type { Setting } from './setting.ts';

/**
 * The kernel sums with another instruction set. It is chosen when the addon is loaded, so a process of its own measures
 * them, against its own multiply-adds.
 */
export async function measureWithIsa(
  isa: string,
  { scale, threads, folder }: Setting,
  rounds: number | undefined,
): Promise<Report> {
  const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
  const json = join(folder, `${isa}.json`);
  const args = [main, `--${scale}`, '--only', '^kernels$', '--threads', `${threads}`];
  if (rounds !== undefined) args.push('--rounds', `${rounds}`);
  const child = spawn(process.execPath, [...args, '--json', json], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, SURPRISAL_ISA: isa },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  if (code !== 0) throw new Error(`the run with SURPRISAL_ISA=${isa} ended with code ${code}: ${said.trim()}`);
  return readReport(json);
}
