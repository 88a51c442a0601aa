import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root, runCommand } from '../scripts/run-command.mjs';

const { NODE_OPTIONS: _options, ...environment } = process.env;

/** All packages but the one whose example is a suite of vitest, which its own tests run. */
const names = readdirSync(join(root, 'packages')).filter(
  (name) => !existsSync(join(root, 'packages', name, 'test', 'readme.test.ts')),
);

it.each(names)('the README of %s prints what it says', async (name) => {
  const folder = join(root, 'packages', name);
  const readme = readFileSync(join(folder, 'README.md'), 'utf8');
  const [, program, printed] = /```js\n(.*?)```\nprints\n```text\n(.*?)```/s.exec(readme) ?? [];
  if (program === undefined) throw new Error('there is no program followed by what it prints');
  const { stdout, stderr } = await runCommand(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: folder,
    env: { ...environment, NO_COLOR: '1' },
  });
  expect({ stdout, stderr }).toEqual({ stdout: printed, stderr: '' });
});
