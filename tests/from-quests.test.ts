import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, runCommand } from '../scripts/run-command.mjs';

const page = readFileSync(join(root, 'docs', 'from-quests.md'), 'utf8');
const helpOf = async (...words: string[]) =>
  (await runCommand(join(root, 'node_modules/.bin/surprisal'), [...words, '--help'])).stdout;

describe('the page for those who know QUESTS', () => {
  const functions = [...page.matchAll(/`(\w+)` of\s`(@surprisal\/[\w/]+)`/g)].map(
    ([, name, from]) => [name, from] as const,
  );

  it.each(functions)('names what there is: %s of %s', async (name, from) => {
    expect(await import(from as string)).toHaveProperty(name as string);
  });

  const commands = [...page.matchAll(/`surprisal ([a-z][a-z-]*)( [^`]*)?`/g)].map(
    ([, command, rest = '']) => [command as string, rest.split(' ').filter((word) => /^--?[a-z]/.test(word))] as const,
  );

  it.each(commands)('names commands and options that there are: %s %j', async (command, options) => {
    const help = await helpOf(command);
    expect(help).toContain(`Usage: surprisal ${command}`);
    for (const option of options) expect(help).toMatch(new RegExp(`(?:^|[ ,])${option}[ ,]`, 'm'));
  });

  it('names something', () => {
    expect(functions.length).toBeGreaterThan(9);
    expect(new Set(commands.map(([command]) => command)).size).toBeGreaterThan(12);
  });
});
