import { type Matrix, matrixRows } from '@surprisal/core';
import { logKernelSumMany, logSelfKernelSumMany } from '@surprisal/kernels';
import { type Case, type Figure, type Subject, whole } from '../benchmark-case.ts';
import { costOf, scalingOf, shareOf, timesRate } from '../figures.ts';
import { copperOf } from '../inputs/copper.ts';
import { environmentsOf } from '../inputs/environments.ts';
import { PEER_SUMS, timesPeer } from '../published-peers.ts';
import { BANDWIDTH, type Setting, threadCounts } from '../setting.ts';
import { TARGETS } from '../targets.ts';
import { exponentials, multiplyAdds } from './machine.ts';

/** In one pass they may cost 1.8 times as much as one. */
const FIVE_BANDWIDTHS = [0.0075, 0.015, 0.03, 0.06, 0.12];

/** Many and short, so that a case and its limit see the same machine. */
const ROUNDS = 9;

type Precision = 'f32' | 'f64';

/** Sums over one phase with nothing left out: what the tiles themselves do. */
export async function kernelSubject(setting: Setting): Promise<Subject> {
  const copper = await copperOf(setting, setting.scale === 'once' ? 4 : 21, 1);
  const cases: Case[] = [];
  const figures: Figure[] = [];
  for (const precision of ['f32', 'f64'] as const) {
    const all = await environmentsOf([copper.structure], precision);
    const input = { ...split(all), of: copper.parameters };
    const groups = threadCounts(setting.threads).map((threads) => sumsOf(setting, input, precision, threads));
    for (const { members, own } of groups) {
      cases.push(...Object.values(members));
      figures.push(...own);
    }
    const [one, many] = groups.map(({ members }) => members);
    if (one !== undefined && many !== undefined) {
      const target = precision === 'f32' ? TARGETS.threadsOfScaling : undefined;
      figures.push(
        scalingOf(many.cross, one.cross, many.limit, one.limit, 'scaling over that of multiply-adds', target),
      );
    }
  }
  return { name: 'kernels', cases, figures, rounds: ROUNDS };
}

/** One half against the other, of as many rows as tell a rate. */
function split(x: Matrix): { queries: Matrix; references: Matrix } {
  const rows = Math.min(16_384, Math.floor(x.rows / 2));
  return { references: matrixRows(x, 0, rows), queries: matrixRows(x, x.rows - rows, x.rows) };
}

interface Input {
  readonly queries: Matrix;
  readonly references: Matrix;
  readonly of: Readonly<Record<string, number | string>>;
}

/** Cases of one precision on so many threads, each beside its limit. */
function sumsOf(setting: Setting, { queries, references, of }: Input, precision: Precision, threads: number) {
  const shared = { threads, unit: 'pairs' };
  const about = { ...of, n: references.rows, d: references.columns };
  const cross: Case = {
    ...shared,
    name: `kernel sum ${precision}`,
    parameters: { ...about, queries: queries.rows, h: BANDWIDTH },
    work: queries.rows * references.rows,
    run: whole(() => logKernelSumMany(queries, references, { bandwidths: [BANDWIDTH], threads, skipBelow: 0 })),
  };
  const self: Case = {
    ...shared,
    name: `self sum ${precision}`,
    parameters: { ...about, h: BANDWIDTH },
    work: references.rows ** 2,
    run: whole(() => logSelfKernelSumMany(references, { bandwidths: [BANDWIDTH], threads, skipBelow: 0 })),
  };
  const five: Case = {
    ...shared,
    name: `kernel sum ${precision}, five bandwidths`,
    parameters: { ...about, queries: queries.rows, h: FIVE_BANDWIDTHS.join(',') },
    work: queries.rows * references.rows,
    run: whole(() => logKernelSumMany(queries, references, { bandwidths: FIVE_BANDWIDTHS, threads, skipBelow: 0 })),
  };
  const limit = multiplyAdds(setting, precision, threads);
  const exp = exponentials(setting, precision, threads);
  const single = precision === 'f32';
  const perCore = single && threads === 1;
  const own: Figure[] = [
    shareOf(
      cross,
      limit,
      references.columns,
      'of the multiply-add bound',
      perCore ? TARGETS.crossOfMultiplyAdds[setting.backend.isa] : undefined,
    ),
    withExponentials(cross, limit, exp, references.columns),
    timesRate(self, cross, 'pairs covered, times the cross rate', single ? TARGETS.selfOverCross : undefined),
    costOf(five, cross, 'times the cost of one', single ? TARGETS.fiveBandwidths : undefined),
    ...(single ? timesPeer(cross, PEER_SUMS, limit) : []),
  ];
  return { members: { limit, exp, cross, self, five }, own };
}

/** The share of a bound that counts one exponential for each pair too. */
function withExponentials(of: Case, multiplyAdds: Case, exponentials: Case, columns: number): Figure {
  return {
    name: 'of the bound with an exponential',
    kind: 'share',
    of,
    against: [multiplyAdds, exponentials],
    value: ({ rate }, [a, b]) => rate * (columns / (a?.rate as number) + 1 / (b?.rate as number)),
  };
}
