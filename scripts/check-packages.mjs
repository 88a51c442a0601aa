/**
 * Packs every package and looks at the tarballs: publint (is it what package managers and runtimes expect?),
 * are-the-types-wrong (does TypeScript find the types?), whether every built file has a source that explains it, and
 * whether it imports nothing that an installation would lack.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packWorkspace } from './pack-workspace.mjs';
import { runCommand } from './run-command.mjs';

const folder = await mkdtemp(join(tmpdir(), 'surprisal-packages-'));
let failed = false;
try {
  const packed = await packWorkspace(folder);
  for (const [name, { tarball, files }] of packed) {
    const isCommand = files.some((file) => file.startsWith('bin/'));
    const results = await Promise.all([
      runCommand('publint', ['run', tarball, '--strict']),
      // A command has no entry point for imports, so there are no types to look at.
      isCommand ? { code: 0, stdout: '', stderr: '' } : runCommand('attw', [tarball, '--profile', 'esm-only']),
    ]);
    for (const { code, stdout, stderr } of results) {
      if (code === 0) continue;
      failed = true;
      console.error(`${name}:\n${stdout}${stderr}`);
    }
    const unpacked = join(folder, 'unpacked', name);
    await mkdir(unpacked, { recursive: true });
    const { code, stderr } = await runCommand('tar', ['-xzf', tarball, '-C', unpacked]);
    if (code !== 0) throw new Error(`${tarball} cannot be unpacked:\n${stderr}`);
    const problems = [...contentProblems(files), ...(await importProblems(join(unpacked, 'package'), files))];
    for (const problem of problems) {
      failed = true;
      console.error(`${name}: ${problem}`);
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
if (failed) process.exitCode = 1;

/** @param {string[]} files */
function contentProblems(files) {
  const problems = [];
  const sources = new Set(files.filter((file) => file.startsWith('src/')));
  const built = files.filter((file) => file.startsWith('dist/'));
  if (built.length === 0) problems.push('the tarball holds nothing built');
  for (const file of built) {
    const source = file.replace(/^dist\//, 'src/').replace(/\.(?:js|d\.ts)(?:\.map)?$/, '.ts');
    if (!sources.has(source)) problems.push(`${file} comes from no source file; delete it and build again`);
  }
  if (!files.includes('README.md')) problems.push('there is no README.md');
  for (const file of files) {
    if (/(?:^|\/)test\//.test(file)) problems.push(`${file} belongs to the tests, not to the package`);
  }
  return problems;
}

/**
 * What a built file imports is Node's, the package's own, or one of its dependencies.
 *
 * @param {string} folder  the unpacked package
 * @param {string[]} files
 */
async function importProblems(folder, files) {
  const {
    name,
    dependencies = {},
    optionalDependencies = {},
    peerDependencies = {},
  } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const known = new Set([name, ...[dependencies, optionalDependencies, peerDependencies].flatMap(Object.keys)]);
  const problems = [];
  for (const file of files.filter((each) => /^dist\/.*\.(?:js|d\.ts)$/.test(each))) {
    const code = await readFile(join(folder, file), 'utf8');
    for (const [, whole, part] of code.matchAll(
      /\b(?:from|import)\s*['"]([^'"\s]+)['"]|\bimport\(\s*['"`]([^'"`\s]+)/g,
    )) {
      const specifier = whole ?? part ?? '';
      const from = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '';
      if (/^(?:\.|node:)/.test(specifier) || known.has(from)) continue;
      problems.push(`${file} imports ${specifier}, which is no dependency`);
    }
  }
  return problems;
}
