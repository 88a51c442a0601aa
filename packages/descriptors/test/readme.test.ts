import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { columns, nearest, shape, species } from './readme-example.ts';

it('runs the example of the README', () => {
  const source = readFileSync(new URL('./readme-example.ts', import.meta.url), 'utf8');
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(source.replaceAll('export const', 'const'));
  expect([shape, nearest?.toFixed(3), species, columns]).toEqual(['3×63', '0.969', ['H', 'O'], 189]);
});
