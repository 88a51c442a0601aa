import { communicatorOf, type Matrix, ownedRows, randomSequence, selectRows, sumOverRows } from '@surprisal/core';
import { logKernelSumMany } from '@surprisal/kernels';
import {
  type CompareSetsOptions,
  checkedOptions,
  compareSets,
  halvesOf,
  type SetComparison,
  type SetMaps,
  withoutKernelSums,
} from './compare-sets.ts';
import { countInterval } from './count-interval.ts';
import { RandomDraw } from './random-draw.ts';

/** Environments of a set that are asked: the 95 % interval of a share is then no wider than ±1.6 %. */
const OVERLAP_QUERIES = 4096;

/**
 * {@link compareSets} for sets that are too large for it: overlaps from a random sample of each set against all of the others,
 * each with its exact interval.
 *
 * Of each set 4096 environments are drawn without replacement (all, where there are no more), and the share of them that the
 * other set knows is given with the interval of Clopper and Pearson for a finite population. The interval is about these
 * sets, not about what they were drawn from. Of a set that knows itself (ε ≥ 0) the overlap is 1. What needs no kernel sums,
 * shared environments and sliced Wasserstein distances, is exact. Cross entropies, divergences with their floors, and
 * counts of isolated environments are null: in means of −ln p over another set a few far environments, of which a sample
 * holds none, may make most. Where all sets together have no more than 4096 environments each in the mean, everything is
 * computed, by {@link compareSets}.
 *
 * @param sets  (n_i×d) row-major, 1/Å, all made by the same descriptor, none empty
 * @returns the same bits for any number of threads and ranks, whole on every rank
 * @throws {SurprisalError} as {@link compareSets}
 * @see Clopper and Pearson, Biometrika 26, 404 (1934)
 *
 * @example
 * const { maps } = await compareSamples([million, training], { bandwidths: [0.015], seed: 1 });
 * const [low, high] = maps[0].overlapInterval[0][1]; // of the share of the million that the training set knows
 */
export async function compareSamples(sets: readonly Matrix[], options: CompareSetsOptions): Promise<SetComparison> {
  const { bandwidths, epsilon, seed, projections } = checkedOptions(sets, options);
  const allRows = sets.reduce((sum, { rows }) => sum + rows, 0);
  if (allRows <= OVERLAP_QUERIES * sets.length) return await compareSets(sets, options);
  const queries = sets.map(({ rows }) => Math.min(OVERLAP_QUERIES, rows));
  // Then each of its environments counts at least itself.
  const knowsItself = epsilon >= 0;
  const pass = reportedPasses(sets, queries, knowsItself, options);
  const nothing = () => sets.map(() => sets.map(() => null));
  const maps = bandwidths.map((bandwidth) => ({
    bandwidth,
    overlap: sets.map(() => [] as number[]),
    overlapInterval: sets.map(() => [] as (readonly [low: number, high: number])[]),
    crossEntropy: nothing(),
    kullbackLeibler: nothing(),
    jensenShannon: nothing(),
    isolated: sets.map(() => null),
    kullbackLeiblerFloor: sets.map(() => null),
    jensenShannonFloor: sets.map(() => null),
  })) satisfies SetMaps[];
  for (const [i, set] of sets.entries()) {
    const asked = queries[i]!;
    const draw = new RandomDraw(set.rows, randomSequence(randomSequence(seed).integer(i, 2 ** 52)));
    const rows = draw.next(asked).sort();
    for (const [j, other] of sets.entries()) {
      const all = i === j && knowsItself;
      const counts = all ? bandwidths.map(() => asked) : await knownTo(set, rows, other);
      for (const [b, map] of maps.entries()) {
        map.overlap[i]!.push(counts[b]! / asked);
        const [low, high] = all ? [set.rows, set.rows] : countInterval(counts[b]!, asked, set.rows);
        map.overlapInterval[i]!.push([low / set.rows, high / set.rows]);
      }
    }
  }
  const halves = await halvesOf(sets, seed, options);
  return { ...(await withoutKernelSums(sets, halves, { ...options, seed, projections })), queries, maps };

  /** How many of some rows of a set another knows, for each bandwidth. */
  async function knownTo(set: Matrix, rows: Uint32Array, other: Matrix): Promise<number[]> {
    const communicator = communicatorOf(options);
    const { start, end } = ownedRows(rows.length, communicator);
    const sums = await logKernelSumMany(selectRows(set, rows.subarray(start, end)), other, {
      ...pass(end - start, other.rows),
      decisions: [epsilon],
    });
    const counts: number[] = [];
    for (const logSums of sums) {
      const known = logSums.map((logSum) => Number(0 - logSum <= epsilon));
      counts.push(await sumOverRows(known, communicator));
    }
    return counts;
  }
}

/** Options of a pass of so many queries over so many references; passes report how far all of them together are. */
function reportedPasses(
  sets: readonly Matrix[],
  queries: readonly number[],
  knowsItself: boolean,
  options: CompareSetsOptions,
): (queries: number, references: number) => CompareSetsOptions {
  const { onProgress } = options;
  if (onProgress === undefined) return () => options;
  const allRows = sets.reduce((sum, { rows }) => sum + rows, 0);
  let total = 0;
  for (const [i, count] of queries.entries()) {
    const { start, end } = ownedRows(count, communicatorOf(options));
    total += (end - start) * (allRows - (knowsItself ? sets[i]!.rows : 0));
  }
  let finished = 0;
  return (owned, references) => {
    const before = finished;
    finished += owned * references;
    return {
      ...options,
      onProgress: ({ done }) =>
        onProgress({ stage: 'comparing sets', done: before + done * references, total, unit: 'pairs' }),
    };
  };
}
