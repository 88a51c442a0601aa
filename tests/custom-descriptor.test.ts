import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, runCommand, toolEnvironment } from '../scripts/run-command.mjs';

const folder = join(root, 'examples', 'custom-descriptor');
const text = (name: string) => readFileSync(join(folder, name), 'utf8');
const readme = text('README.md');
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, block]) => block as string);

const { NODE_OPTIONS: _options, ...environment } = toolEnvironment as NodeJS.ProcessEnv;

describe('the tutorial for a descriptor of your own', () => {
  it('shows each file whole and in order', () => {
    const files = ['radial-density.mjs', 'radial-density.test.mjs', 'run.mjs'];
    expect(blocks('js').join('\n')).toBe(files.map(text).join('\n'));
  });

  it.each(blocks('sh').flatMap((block) => block.trim().split('\n')))('runs %s', async (line) => {
    const { code, stdout, stderr } = await runCommand('sh', ['-c', line], {
      cwd: folder,
      env: { ...environment, NO_COLOR: '1' },
    });
    expect({ code, stderr }, stderr).toMatchObject({ code: 0 });
    if (line.startsWith('node ')) expect(stdout).toBe(blocks('text')[0]);
  });

  it('needs nothing but the packages that its README names', () => {
    const imported = [...text('radial-density.mjs').matchAll(/^import .* from '(.*)';$/gm)].map(([, name]) => name);
    expect(imported).toEqual(['@surprisal/core', '@surprisal/neighbors']);
  });
});
