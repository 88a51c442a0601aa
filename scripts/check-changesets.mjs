/** Every changeset can be read, names packages that exist, and the fixed group names every package that is published. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import getReleasePlan from '@changesets/get-release-plan';
import { root, runCommand } from './run-command.mjs';

const { stdout } = await runCommand('pnpm', ['--recursive', 'list', '--depth=-1', '--json']);
/** @type {{ name: string, private: boolean }[]} */
const workspace = JSON.parse(stdout);
const published = workspace.filter((entry) => !entry.private).map(({ name }) => name);
const config = JSON.parse(await readFile(join(root, '.changeset', 'config.json'), 'utf8'));

for (const name of published) {
  if (config.fixed.flat().includes(name)) continue;
  console.error(`${name} is not in the fixed group of .changeset/config.json`);
  process.exitCode = 1;
}
const { changesets } = await getReleasePlan(root);
for (const { id, summary, releases } of changesets) {
  if (summary.trim() !== '' && releases.length > 0) continue;
  console.error(`.changeset/${id}.md says nothing to a user, or names no package`);
  process.exitCode = 1;
}
