import { expect, it } from 'vitest';
import type { Case, Subject } from '../src/benchmark-case.ts';
import { costOf, peakOf, rateOf, scalingOf, secondsOf, shareOf, timesRate, timesSlowest } from '../src/figures.ts';
import { measure } from '../src/measure.ts';
import { timesPeer } from '../src/published-peers.ts';

/** A case that says how long it took, round by round; the first is the one that does not count. */
function told(name: string, seconds: readonly number[], threads = 1): Case {
  let round = 0;
  const run = async () => ({ seconds: seconds[round++] as number, peakBytes: 100 * round });
  return { name, parameters: {}, threads, work: 12, unit: 'pieces', run };
}

it('makes figures of the cases of one round', async () => {
  const one = told('one', [9, 2, 4, 6]);
  const limit = told('limit', [9, 1, 1, 2]);
  const many = told('many', [9, 1, 3, 3], 2);
  const manyLimit = told('limit', [9, 0.5, 1, 1], 2);
  const less = { must: 5, aim: 3, better: 'less' } as const;
  const subject: Subject = {
    name: 'subject',
    cases: [one, limit, many, manyLimit],
    figures: [
      shareOf(one, limit, 1.5, 'share', { must: 0.3, aim: 0.5, better: 'more' }),
      timesRate(one, many, 'multiple'),
      costOf(one, many, 'cost', { must: 1, aim: 1, better: 'less' }),
      timesSlowest(one, [limit, many], 'slowest'),
      scalingOf(many, one, manyLimit, limit, 'scaling'),
      rateOf(one),
      secondsOf(one, less),
      peakOf(one),
      ...timesPeer(many, { name: 'peer', rate: 12 }, manyLimit),
      ...timesPeer(one, { name: 'peer', rate: 12 }, limit),
    ],
  };
  const { measurements, figures } = await measure(subject, { rounds: 3, isa: 'none' });
  expect(measurements.map(({ seconds }) => seconds)).toEqual([
    [2, 4, 6],
    [1, 1, 2],
    [1, 3, 3],
    [0.5, 1, 1],
  ]);
  expect(measurements[0]).toMatchObject({ rate: 3, peakBytes: 400 });
  const values = Object.fromEntries(figures.map((figure) => [figure.name, figure.values]));
  expect(values).toEqual({
    share: [0.75, 0.375, 0.5],
    multiple: [0.5, 0.75, 0.5],
    cost: [2, 4 / 3, 2],
    slowest: [2, 4 / 3, 2],
    scaling: [1, expect.closeTo(4 / 3), 1],
    rate: [6, 3, 2],
    time: [2, 4, 6],
    'peak memory': [200, 300, 400],
    'times peer': [expect.any(Number), expect.any(Number), expect.any(Number)],
  });
  expect(figures.map(({ verdict }) => verdict)).toEqual([
    'aim met',
    undefined,
    'missed',
    undefined,
    undefined,
    undefined,
    'must met',
    undefined,
    undefined,
  ]);
  // The peer does 12 pieces a second where the limit is 1.18e11 a second.
  expect(figures.at(-1)?.values[0]).toBeCloseTo(12 / (12 * (24 / 1.18e11)));
});

it('says which case failed', async () => {
  const failing: Case = { ...told('the one', [1]), run: () => Promise.reject(new Error('no')) };
  const subject: Subject = { name: 'subject', cases: [failing], figures: [] };
  await expect(measure(subject, { rounds: 1, isa: 'none' })).rejects.toThrow('the case "the one" failed');
});
