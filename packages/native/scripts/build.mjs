#!/usr/bin/env node
// Compiles the native backend for this platform: prebuilds/<platform>/surprisal.node. Needs a C++17 compiler and make,
// nothing from the network. With --optional a failure is a warning: everything works without the binary, more slowly.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('..', import.meta.url));
const binary = `${folder}prebuilds/${process.platform}-${process.arch}/surprisal.node`;
const optional = process.argv.includes('--optional');

/** @param {string} command a program, or one with arguments as in CXX="ccache g++" */
function runs(command) {
  const [program = '', ...args] = command.split(/\s+/).filter(Boolean);
  return spawnSync(program, [...args, '--version'], { stdio: 'ignore' }).status === 0;
}

/** @returns {string | undefined} why it cannot be done */
function build() {
  const wanted = process.env.CXX;
  if (wanted && !runs(wanted)) return `CXX is "${wanted}", which does not run`;
  const compiler = [wanted, 'g++', 'clang++', 'c++'].find((name) => name && runs(name));
  if (compiler === undefined) return 'there is no C++ compiler (g++, clang++ or the one that CXX names)';
  if (!runs('make')) return 'there is no make';
  const args = ['--silent', `-j${availableParallelism()}`, 'addon', `CXX=${compiler}`, `NODE=${process.execPath}`];
  const made = spawnSync('make', args, { cwd: folder, encoding: 'utf8' });
  if (made.status === 0 && existsSync(binary)) return undefined;
  const words = `${made.stdout}${made.stderr}${made.error ?? ''}`.trim().split('\n').slice(-20).join('\n');
  return `${compiler} failed:\n${words || `${binary} did not come into being`}`;
}

const problem = build();
if (problem === undefined) {
  console.log(`native backend: ${binary}`);
} else {
  console.error(`surprisal: the native backend was not built: ${problem}`);
  if (optional) {
    const what = existsSync(binary)
      ? 'an earlier binary stays in use'
      : 'one core of JavaScript does the work, tens to hundreds of times slower';
    console.error(`surprisal goes on without it: results are the same, but ${what}.`);
    console.error(
      'To mend it: install a C++17 compiler and make (Debian: apt-get install g++ make), then build again.',
    );
  } else {
    process.exitCode = 1;
  }
}
