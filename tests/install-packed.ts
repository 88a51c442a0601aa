import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { packWorkspace } from '../scripts/pack-workspace.mjs';
import { root, runCommand } from '../scripts/run-command.mjs';

/** The tarballs of the workspace, by the name of the package. */
export type PackedWorkspace = Awaited<ReturnType<typeof packWorkspace>>;

/** A Node of the wanted major version from the npm registry, kept between runs; returns the path of its binary. */
export async function installNode(major: number): Promise<string> {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = join(root, 'node_modules', '.cache', `node-${major}`);
  const binary = join(folder, 'node_modules', name, 'bin', 'node');
  const known = await runCommand(binary, ['--version']);
  if (known.code === 0 && known.stdout.startsWith(`v${major}.`)) return binary;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  await npm(
    process.execPath,
    ['install', '--no-save', `${name}@${major === 20 ? '^20.19.0' : `^${major}.0.0`}`],
    folder,
  );
  const { code, stdout, stderr } = await runCommand(binary, ['--version']);
  if (code !== 0 || !stdout.startsWith(`v${major}.`))
    throw new Error(`${binary} is not Node ${major}: ${stdout}${stderr}`);
  return binary;
}

/**
 * Installs one packed package into an empty folder with plain npm; packages of this workspace come from their tarballs,
 * everything else from the registry.
 */
export async function installPacked(
  node: string,
  packed: PackedWorkspace,
  name: string,
  folder: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const tarballs = Object.fromEntries(
    [...packed].map(([packageName, { tarball }]) => [packageName, `file:${tarball}`]),
  );
  const manifest = { private: true, type: 'module', dependencies: { [name]: tarballs[name] }, overrides: tarballs };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  await npm(node, ['install', '--ignore-scripts'], folder);
}

/** Runs npm itself on the given Node. */
async function npm(node: string, args: string[], folder: string): Promise<void> {
  const flags = ['--no-audit', '--no-fund', '--no-update-notifier', '--prefer-offline', '--loglevel=error'];
  const { code, stdout, stderr } = await runCommand(node, [await npmCli(), ...args, ...flags], {
    cwd: folder,
    env: withoutNpmContext({ ...process.env, PATH: `${dirname(node)}:${process.env['PATH']}` }),
  });
  if (code !== 0) throw new Error(`npm ${args.join(' ')} failed in ${folder}:\n${stdout}${stderr}`);
}

async function npmCli(): Promise<string> {
  const { stdout } = await runCommand('sh', ['-c', 'command -v npm']);
  const cli = await realpath(stdout.trim());
  if (!(await readFile(cli, 'utf8')).startsWith('#!/usr/bin/env node'))
    throw new Error(`${cli} is not npm's own script`);
  return cli;
}

/** What `npm test` tells its children about this workspace would mislead an npm in another folder. */
function withoutNpmContext(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([key]) => !/^npm_(?:package|lifecycle|command|execpath|node_execpath)/.test(key) && key !== 'INIT_CWD',
    ),
  );
}
