import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildSurprisal, runSurprisal } from './surprisal-process.ts';

/** Prints the address of every module that is loaded from a file. */
const HOOKS = `import { writeSync } from 'node:fs';
export async function load(url, context, nextLoad) {
  if (url.startsWith('file:')) writeSync(2, 'loads ' + url + '\\n');
  return nextLoad(url, context);
}`;
const dataUrl = (text: string) => `data:text/javascript,${encodeURIComponent(text)}`;
const nodeFlags = [
  `--import=${dataUrl(`import { register } from 'node:module'; register(${JSON.stringify(dataUrl(HOOKS))});`)}`,
];

/** Modules that a command line loads, as paths from the folder of the checkout. */
async function modulesOf(args: readonly string[]): Promise<{ readonly modules: string[]; readonly stdout: string }> {
  const { code, stdout, stderr } = await runSurprisal(args, { nodeFlags });
  expect(code, stderr).toBe(0);
  const root = new URL('../../..', import.meta.url).href;
  const modules = [...stderr.matchAll(/^loads (.*)$/gm)].map(([, url = '']) => url.replace(root, ''));
  return { modules, stdout };
}

describe('the start of the command', () => {
  beforeAll(buildSurprisal);

  // Each module costs a millisecond or so, and scripts ask for the version before every run.
  it.each(['--version', '-V'])('%s loads no more than it prints', async (flag) => {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    const { modules, stdout } = await modulesOf([flag]);
    expect(stdout).toBe(`${version}\n`);
    expect(modules.toSorted()).toEqual([
      'apps/runner/bin/surprisal.js',
      'apps/runner/dist/main.js',
      'apps/runner/dist/package-version.js',
      'apps/runner/dist/streams.js',
    ]);
  });

  it('--help loads no command', async () => {
    const { modules, stdout } = await modulesOf(['--help']);
    expect(stdout).toMatch(/^Usage: surprisal/m);
    expect(modules).toContain('apps/runner/dist/program.js');
    expect(modules.filter((path) => path.includes('/dist/commands/'))).toEqual([]);
  });
});
