import { describe, expect, it } from 'vitest';
import { compareReports } from '../src/compare-reports.ts';
import { rankTest } from '../src/rank-test.ts';
import type { Report } from '../src/report.ts';

/** p by going through every way to pick which numbers are the first sample's. */
function enumerated(a: readonly number[], b: readonly number[]): number {
  const statistic = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, one) => sum + y.filter((other) => one < other).length, 0);
  const all = [...a, ...b];
  const extreme = (u: number) => Math.min(u, a.length * b.length - u);
  const observed = extreme(statistic(a, b));
  let below = 0;
  let total = 0;
  for (let bits = 0; bits < 2 ** all.length; bits++) {
    const first = all.filter((_, i) => (bits >> i) % 2 === 1);
    if (first.length !== a.length) continue;
    const second = all.filter((_, i) => (bits >> i) % 2 === 0);
    total++;
    if (extreme(statistic(first, second)) <= observed) below++;
  }
  return below / total;
}

describe('the rank test', () => {
  it.each([
    [
      [1, 2, 3, 4, 5],
      [6, 7, 8, 9, 10],
    ],
    [
      [1, 2, 3, 4, 9],
      [5, 6, 7, 8, 10],
    ],
    [
      [3, 1, 8],
      [2, 4, 5, 6, 7, 9],
    ],
    [[5], [1, 2, 3]],
    [
      [4, 1, 2],
      [3, 6, 5, 7],
    ],
  ])('of %j and %j is what enumeration gives', (a, b) => {
    expect(rankTest(a, b)).toBeCloseTo(Math.min(1, enumerated(a, b)), 12);
  });

  it('of five rounds that all lie beyond the others is 2 of 252', () => {
    expect(rankTest([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])).toBeCloseTo(2 / 252, 12);
  });
});

/** A report of one case with these seconds, and of its share of a limit. */
function report(seconds: readonly number[], cpu = 'one', isa = 'avx2'): Report {
  const about = { subject: 'kernels', isa, threads: 1, parameters: { n: 10 } };
  return {
    schema: 1,
    made: '2026-01-01T00:00:00.000Z',
    scale: 'quick',
    machine: { cpu, cores: 2, memory: 1, system: '' },
    software: { surprisal: '1', node: '', compiler: '' },
    backend: { name: 'native', isa, isas: [isa], threads: 1 },
    measurements: [{ ...about, name: 'sum', unit: 'pairs', work: 100, seconds, rate: 1 }],
    figures: [
      {
        ...about,
        of: 'sum',
        name: 'share',
        kind: 'share',
        unit: 'pairs',
        values: seconds.map((s) => 1 / s),
        median: 1,
      },
      { ...about, of: 'sum', name: 'time', kind: 'seconds', unit: 'pairs', values: seconds, median: 1 },
    ],
  };
}

describe('comparing reports', () => {
  const before = report([1, 1.1, 1.05, 1.02, 1.3]);

  it.each([
    ['better', [0.8, 0.81, 0.9, 0.85, 0.95]],
    ['worse', [1.4, 1.41, 1.5, 1.45, 2]],
    ['within the noise', [1.04, 0.99, 1.2, 1.15, 1.06]],
    ['within the noise', [0.985, 0.99, 0.995, 1.01, 1.045]],
    ['too few rounds', [0.1, 0.1, 0.1]],
  ])('calls it %s where rounds took %j s', (verdict, seconds) => {
    const { changes, unmatched } = compareReports(before, report(seconds));
    expect(changes.map((change) => change.verdict)).toEqual([verdict]);
    expect(unmatched).toBe(0);
  });

  it('gives the ratio of the medians and that of single rounds', () => {
    const [change] = compareReports(report([1, 2, 4]), report([1, 1, 2])).changes;
    expect(change).toMatchObject({ ratio: 2, spread: [0.5, 4] });
  });

  it('refuses different machines, or compares their ratios alone', () => {
    const other = report([2, 2, 2, 2, 2], 'another');
    expect(() => compareReports(before, other)).toThrow('the CPU was one and is another');
    expect(() => compareReports(before, report([1], 'one', 'avx512'))).toThrow('the instruction set was avx2');
    const { changes } = compareReports(before, other, true);
    expect(changes.map(({ name, verdict }) => [name, verdict])).toEqual([['sum: share', 'worse']]);
  });
});
