import { type Matrix, matrixRows } from '@surprisal/core';
import { logSelfKernelSumMany } from '@surprisal/kernels';
import { type Case, type Figure, type Subject, type Target, whole } from '../benchmark-case.ts';
import { timesRate } from '../figures.ts';
import { copperOf } from '../inputs/copper.ts';
import { environmentsOf } from '../inputs/environments.ts';
import { moleculeSet, siliconSet, type TrainingSet } from '../inputs/training-sets.ts';
import { BANDWIDTH, type Setting } from '../setting.ts';
import { TARGETS } from '../targets.ts';

/** Frames of aspirin and of the training set of silicon. */
const FRAMES = { molecules: 1000, silicon: 214 };

/** What it gains to leave pairs out that cannot matter, where most are such, where half are, and where hardly any is. */
export async function pruningSubject(setting: Setting): Promise<Subject> {
  const isTrial = setting.scale === 'once';
  const copper = await copperOf(setting, isTrial ? 4 : 15, 1);
  const sets: [TrainingSet, Target][] = [
    [await moleculeSet(setting.outsideData, isTrial ? 4 : FRAMES.molecules), TARGETS.prunedMolecules],
    [await siliconSet(setting.outsideData, isTrial ? 4 : FRAMES.silicon), TARGETS.prunedSilicon],
    [{ name: 'one phase', structures: [copper.structure], source: `${copper.parameters['of']}` }, TARGETS.prunedCopper],
  ];
  const cases: Case[] = [];
  const figures: Figure[] = [];
  for (const [{ name, structures, source }, target] of sets) {
    const all = await environmentsOf(structures, 'f32');
    const x = matrixRows(all, 0, Math.min(all.rows, MOST_ROWS));
    const make = (skipBelow: number | undefined) => selfSum(x, `${name} (${source})`, skipBelow, setting.threads);
    const dense = make(0);
    const pruned = make(undefined);
    cases.push(dense, pruned);
    // Made training sets show that pruning works; what it gains is asked of real ones.
    const isAsked = source !== 'made';
    figures.push(timesRate(pruned, dense, 'times the rate of all pairs', isAsked ? target : undefined));
  }
  return { name: 'pruning', cases, figures, rounds: 9 };
}

/** Of a dump that stands in for the copper. */
const MOST_ROWS = 25_000;

function selfSum(x: Matrix, of: string, skipBelow: number | undefined, threads: number): Case {
  return {
    name: skipBelow === 0 ? 'self sum f32, all pairs' : 'self sum f32, pruned',
    parameters: { of, n: x.rows, d: x.columns, h: BANDWIDTH },
    threads,
    work: x.rows ** 2,
    unit: 'pairs',
    run: whole(() => logSelfKernelSumMany(x, { bandwidths: [BANDWIDTH], threads, skipBelow })),
  };
}
