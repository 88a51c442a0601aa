/**
 * Makes a checkout ready to use from a bare Node and npm: installs, builds, and says what it does.
 *
 * May be run as often as one likes: the installation is left out while the files that decide it are unchanged, and the
 * builds know by themselves what is up to date.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stampFile = join(root, 'node_modules', '.surprisal-installed');
const { packageManager, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const started = performance.now();

if (!isSupportedNode(process.versions.node)) {
  fail(
    `Node ${engines.node} is needed; this is Node ${process.versions.node}.`,
    'Install a newer Node, then run this again.',
  );
}

const stamp = installationStamp();
if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) {
  say('1/2 packages are installed');
} else {
  say(`1/2 installing packages with ${packageManager} …`);
  run(
    'npx',
    ['--yes', packageManager, 'install', '--frozen-lockfile', '--config.confirmModulesPurge=false'],
    'The installation failed.',
    'It needs the npm registry that npm is set to use (`npm config get registry`); pnpm says above what is missing.',
  );
  writeFileSync(stampFile, stamp);
}

say('2/2 building …');
run(
  process.execPath,
  [join(root, 'node_modules', 'turbo', 'bin', 'turbo'), 'run', 'build', '--ui=stream', '--output-logs=new-only'],
  'The build failed.',
  'The compiler says above why.',
);

const addon = join(root, 'packages', 'native', 'prebuilds', `${process.platform}-${process.arch}`, 'surprisal.node');
if (!existsSync(addon)) {
  say(
    'warning: the native backend was not built (the build says above why). Everything works without it, on one core and ' +
      'tens to hundreds of times slower. To mend it, install g++ and make, then run this command again.',
  );
}
say(`ready after ${((performance.now() - started) / 1000).toFixed(0)} s`);

/** A digest of all that decides what `node_modules` holds. */
function installationStamp() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} ${packageManager}\n`);
  const files = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'];
  for (const folder of ['packages', 'apps']) {
    for (const name of readdirSync(join(root, folder)).sort()) files.push(join(folder, name, 'package.json'));
  }
  files.push(join('benchmarks', 'package.json'));
  for (const file of files) {
    const path = join(root, file);
    if (existsSync(path)) hash.update(`${file}\n`).update(readFileSync(path));
  }
  return hash.digest('hex');
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} problem
 * @param {string} remedy
 */
function run(command, args, problem, remedy) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32' && command === 'npx',
    env: {
      ...process.env,
      // turbo calls pnpm by name, and a bare machine has none.
      PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`,
      TURBO_TELEMETRY_DISABLED: '1',
      DO_NOT_TRACK: '1',
    },
  });
  if (error !== undefined) fail(`${problem} ${command} could not be started: ${error.message}`, remedy);
  if (status !== 0) fail(problem, remedy);
}

/** @param {string} version */
function isSupportedNode(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
}

/** @param {string} message */
function say(message) {
  console.error(`surprisal: ${message}`);
}

/**
 * @param {string} problem
 * @param {string} remedy
 */
function fail(problem, remedy) {
  say(`error: ${problem}\n  ${remedy}`);
  process.exit(1);
}
