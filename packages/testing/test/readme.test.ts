import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import './readme-example.ts';

it('runs the example of the README', () => {
  const source = readFileSync(new URL('./readme-example.ts', import.meta.url), 'utf8');
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(source);
});
