import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { root, runCommand } from './run-command.mjs';

/**
 * @typedef {{ name: string, command: string, args: string[] }} Check
 * @typedef {Check & { code: number, output: string }} CheckResult
 */

/**
 * What must hold beside the tests. The first group writes the build that the others look at.
 *
 * @type {Check[][]}
 */
const GROUPS = [
  [{ name: 'types of the packages', command: 'tsc', args: ['-b'] }],
  [
    script('published packages (publint, are-the-types-wrong, contents)', 'check-packages.mjs'),
    { name: 'types of tests and scripts', command: 'tsc', args: ['-p', 'tsconfig.test.json'] },
    {
      name: 'direction of imports, cycles, no node: where browsers go',
      command: 'depcruise',
      args: [...rooms(), '--config', '.dependency-cruiser.mjs', '--output-type', 'err-long'],
    },
    {
      name: 'unused files, exports and dependencies (knip)',
      command: 'knip',
      args: ['--treat-config-hints-as-errors'],
    },
    { name: 'lint and format (biome)', command: 'biome', args: ['ci', '--error-on-warnings', '--colors=off', '.'] },
    { name: 'manifests agree (sherif)', command: 'sherif', args: ['--fail-on-warnings'] },
    script('licences of dependencies', 'check-licences.mjs'),
    script('changesets', 'check-changesets.mjs'),
  ],
];

/**
 * Runs every check, those of a group side by side, and says as each ends whether it passed, and if not, why.
 *
 * @returns {Promise<CheckResult[]>}
 */
export async function runChecks() {
  /** @type {CheckResult[]} */
  const results = [];
  for (const group of GROUPS) {
    const waiting = [...group];
    const worker = async () => {
      for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
        const started = performance.now();
        const { code, stdout, stderr } = await runCommand(check.command, check.args);
        const output = `${stdout}${stderr}`.trim();
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        console.log(`${code === 0 ? '✓' : '✗'} ${check.name} (${seconds} s)`);
        if (code !== 0) console.log(output.replaceAll(/^/gm, '    '));
        results.push({ ...check, code, output });
      }
    };
    await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, worker));
  }
  const failed = results.filter(({ code }) => code !== 0);
  console.log(`\nchecks: ${results.length - failed.length} of ${results.length} passed`);
  for (const { name, command, args } of failed) {
    console.log(`  ✗ ${name}: ${[command.replace(process.execPath, 'node'), ...args].join(' ').replaceAll(root, '')}`);
  }
  return results;
}

/** Where code lives. */
function rooms() {
  return ['packages', 'apps', 'benchmarks', 'examples', 'scripts', 'tests'].filter((room) =>
    existsSync(join(root, room)),
  );
}

/**
 * @param {string} name
 * @param {string} file
 * @returns {Check}
 */
function script(name, file) {
  return { name, command: process.execPath, args: [join(root, 'scripts', file)] };
}
