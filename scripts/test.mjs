/**
 * All checks, then all tests; the last line counts both.
 *
 *     node scripts/test.mjs [--long] [--no-skips]
 *
 * --long      also the tests that take long
 * --no-skips  a skipped test counts as a failed one
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runChecks } from './run-checks.mjs';
import { root, toolEnvironment } from './run-command.mjs';

const { values: flags } = parseArgs({
  options: { long: { type: 'boolean', default: false }, 'no-skips': { type: 'boolean', default: false } },
});
const reportFile = join(root, 'node_modules', '.vitest-report.json');

const checks = await runChecks();
const failedChecks = checks.filter(({ code }) => code !== 0).length;

console.log('');
rmSync(reportFile, { force: true });
const { status } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportFile}`,
    // Of two cores Vitest would use one.
    ...(availableParallelism() === 2 ? ['--maxWorkers=2'] : []),
  ],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...toolEnvironment, ...(flags.long ? { SURPRISAL_LONG: '1' } : {}) },
  },
);

const tests = countTests();
// Vitest fails without a failed test where a file cannot be loaded or something throws outside of a test.
if (status !== 0 && tests.failed === 0) tests.failed = 1;
if (tests.passed === 0) {
  console.log('No test ran, which counts as a failure.');
  tests.failed = Math.max(1, tests.failed);
}
if (tests.skipped > 0) {
  console.log(`skipped tests: ${tests.skipped}`);
  for (const name of tests.skippedNames) console.log(`  - ${name}`);
  if (!process.env['SURPRISAL_DATA']) {
    console.log(
      'SURPRISAL_DATA is not set: tests against outside data were skipped. Set it to the folder of that data.',
    );
  }
}
const skippedAsFailed = flags['no-skips'] ? tests.skipped : 0;
if (skippedAsFailed > 0) console.log('With --no-skips each of them counts as failed.');

const passed = checks.length - failedChecks + tests.passed;
const failed = failedChecks + tests.failed + skippedAsFailed;
const skipped = tests.skipped - skippedAsFailed;
console.log(`checks: ${checks.length - failedChecks} of ${checks.length} passed; tests: ${tests.passed} passed`);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 ? 1 : 0;

/** @returns {{ passed: number, failed: number, skipped: number, skippedNames: string[] }} */
function countTests() {
  if (!existsSync(reportFile)) return { passed: 0, failed: 1, skipped: 0, skippedNames: [] };
  /** @type {{ numFailedTestSuites: number, testResults: { name: string, status: string, assertionResults: { fullName: string, status: string }[] }[] }} */
  const report = JSON.parse(readFileSync(reportFile, 'utf8'));
  const counts = { passed: 0, failed: 0, skipped: 0, skippedNames: /** @type {string[]} */ ([]) };
  for (const file of report.testResults) {
    for (const { fullName, status } of file.assertionResults) {
      if (status === 'passed') counts.passed++;
      else if (status === 'failed') counts.failed++;
      else {
        counts.skipped++;
        counts.skippedNames.push(`${file.name.slice(root.length)}: ${fullName}`);
      }
    }
    if (file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed')) counts.failed++;
  }
  return counts;
}
