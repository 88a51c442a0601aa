import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root, runCommand } from '../scripts/run-command.mjs';

/** How long it took, and on what, differs from machine to machine. */
const withoutLastLine = (text: string) => text.trimEnd().split('\n').slice(0, -1);

it('the copper example prints what the README says, on either backend', async () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, printed] = /The first ends with\n\n```text\n(.*?)```/s.exec(readme) ?? [];
  if (printed === undefined) throw new Error('the README does not say what the example prints');
  const script = join(root, 'examples', 'copper', 'run.mjs');

  const native = await runCommand(process.execPath, [script]);
  expect(native).toMatchObject({ code: 0, stderr: '' });
  expect(withoutLastLine(native.stdout)).toEqual(withoutLastLine(printed));
  expect(native.stdout).toContain('by the native backend');

  const reference = await runCommand(process.execPath, [script], { env: { ...process.env, SURPRISAL_NATIVE: 'off' } });
  expect(reference.code).toBe(0);
  const [warning, , ...rest] = withoutLastLine(reference.stdout);
  expect(warning).toMatch(/^warning: surprisal runs without its native backend/);
  expect(rest).toEqual(withoutLastLine(printed));
}, 180_000);
