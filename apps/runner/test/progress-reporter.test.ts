import { expect, it } from 'vitest';
import { createPlainLines, createProgressReporter } from '../src/progress-reporter.ts';

const SECOND = 1000;

function plainLines() {
  const lines: string[] = [];
  let time = 0;
  const reporter = createPlainLines(
    (line) => lines.push(line),
    () => time,
  );
  return {
    lines,
    at: (seconds: number, done: number, total: number | undefined, stage = 'kernel sums') => {
      time = seconds * SECOND;
      reporter.report({ stage, done, total, unit: 'environments' });
    },
  };
}

it('writes a line every few percent, not faster than a person reads', () => {
  const { lines, at } = plainLines();
  for (let done = 0; done <= 1000; done++) at(done / 10, done, 1000);
  expect(lines).toHaveLength(20);
  expect(lines[0]).toBe('surprisal: kernel sums 5 % (50 of 1,000 environments), 5.0 s, about 1 min 35 s left\n');
});

it('says nothing about short work', () => {
  const { lines, at } = plainLines();
  for (let done = 0; done <= 100; done++) at(done / 100, done, 100);
  expect(lines).toEqual([]);
});

it('writes a line once a minute where percent are slow or not known', () => {
  const { lines, at } = plainLines();
  for (let second = 0; second <= 185; second++) at(second, second, 1e6);
  expect(lines).toHaveLength(3);
  for (let second = 200; second <= 325; second++) at(second, second, undefined, 'descriptors');
  expect(lines.slice(3)).toEqual([
    'surprisal: descriptors (260 environments), 1 min 0 s\n',
    'surprisal: descriptors (320 environments), 2 min 0 s\n',
  ]);
});

it('is silent where that is asked for', async () => {
  const reporter = await createProgressReporter({ stream: process.stderr, silent: true });
  expect(reporter.report({ stage: 'x', done: 1, total: 2, unit: 'atoms' })).toBeUndefined();
});
