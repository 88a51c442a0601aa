import {
  type Context,
  communicatorOf,
  cooperate,
  type Matrix,
  ownedRows,
  SurprisalError,
  selectRows,
  sumOverRows,
} from '@surprisal/core';
import type { KernelSumAccuracy } from '@surprisal/kernels';
import { DEFAULT_EPSILON, DEFAULT_PROJECTIONS, DEFAULT_SEED } from './defaults.ts';
import { DistinctRows, equalityTolerance } from './distinct-rows.ts';
import {
  checkSets,
  type DivergenceResult,
  densityOfOther,
  divergencesInPasses,
  jensenShannon,
  kullbackLeibler,
  type OtherDensity,
  type OwnDensity,
  ownDensity,
} from './divergence.ts';
import type { EntropyManyOptions } from './entropy.ts';
import { type RandomHalves, randomHalves } from './random-halves.ts';
import {
  checkProjections,
  type PointSet,
  type SlicedWassersteinOptions,
  slicedWassersteins,
} from './sliced-wasserstein.ts';

/** Options of {@link compareSets}. */
export interface CompareSetsOptions extends Context, KernelSumAccuracy {
  /** Each h in 1/Å. */
  readonly bandwidths: readonly number[];
  /** ε of the overlap, nats; default {@link DEFAULT_EPSILON}; the published maps use 1. */
  readonly epsilon?: number | undefined;
  /** Of the random halves and directions; default {@link DEFAULT_SEED}. */
  readonly seed?: number | undefined;
  /** Directions of the sliced Wasserstein distance; default {@link DEFAULT_PROJECTIONS}. */
  readonly projections?: number | undefined;
}

/** How sets of environments relate to one another. [i][j] is set i seen from set j. */
export interface SetComparison {
  /** The seed of halves and directions. */
  readonly seed: number;
  /** Directions of the sliced Wasserstein distance. */
  readonly projections: number;
  /** Only where the overlaps come from samples, see {@link compareSamples}: environments of each set that were asked. */
  readonly queries?: readonly number[];
  /**
   * (sets×sets) environments of set i that stand in set j too, equal to within rounding; all of them on the diagonal. Each
   * meets itself there, at distance 0, which pulls the divergences of i and j down, to below 0 where many do.
   */
  readonly shared: number[][];
  /** (sets×sets), 1/Å, symmetric, 0 on the diagonal */
  readonly slicedWasserstein: number[][];
  /** (sets), 1/Å: that of two random halves of each set; null for a set of fewer than 4 environments */
  readonly slicedWassersteinFloor: (number | null)[];
  /** One for each bandwidth, in their order. */
  readonly maps: SetMaps[];
}

/**
 * What depends on the bandwidth. Null in a map: every environment of a set that would count is isolated, or only a sample was
 * asked.
 */
export interface SetMaps {
  /** h, 1/Å */
  readonly bandwidth: number;
  /** (sets×sets) share of the environments of set i with δH(· | set j) ≤ ε; 1 on the diagonal unless ε is below 0 */
  readonly overlap: number[][];
  /** Only where the overlaps come from samples: (sets×sets) the exact 95 % interval of each */
  readonly overlapInterval?: (readonly [low: number, high: number])[][];
  /** (sets×sets) H(i, j), nats; on the diagonal the entropy of the set with each environment left out of its own sum */
  readonly crossEntropy: (number | null)[][];
  /** (sets×sets) D(i‖j), nats */
  readonly kullbackLeibler: (number | null)[][];
  /** (sets×sets) JS(i, j), nats, symmetric */
  readonly jensenShannon: (number | null)[][];
  /**
   * (sets) environments that are isolated within their own set, and left out of all means but the overlap; null where only
   * a sample was asked
   */
  readonly isolated: (number | null)[];
  /** (sets) D of two random halves of each set; null for a set of fewer than 4 environments */
  readonly kullbackLeiblerFloor: (number | null)[];
  /** (sets) JS of the same halves */
  readonly jensenShannonFloor: (number | null)[];
}

/** Fewer environments do not make two halves in which one can be left out of its own sum. */
const SMALLEST_SPLIT = 4;

/**
 * Maps between sets of environments: overlap, cross entropy, divergences and sliced Wasserstein distance of every pair, in
 * both directions, each beside its floor.
 *
 * The equations are those of {@link divergence}, {@link overlap} and {@link slicedWasserstein}. The floor of a set is what
 * its own two random halves give, the truth being 0: a divergence of that size says nothing. (Halves are smaller than sets,
 * so a floor is a little too large, and it may have either sign.) The kernel sums of a pair are made once in each
 * direction, for all bandwidths together, and those of a set with itself once more in halves. Environments
 * that stand in two sets pull their divergence down, for each meets itself there; `shared` counts them. Halves are of environments:
 * those of one frame, or of frames that follow one another, resemble each other, so that two independent runs may differ by more.
 *
 * @param sets  (n_i×d) row-major, 1/Å, all made by the same descriptor, none empty
 * @returns nats and 1/Å; the same bits for any number of threads and ranks, whole on every rank
 * @throws {SurprisalError} EMPTY_INPUT, DIMENSION_MISMATCH, INVALID_BANDWIDTH, INVALID_ARGUMENT, BACKEND_UNAVAILABLE,
 *   OUT_OF_MEMORY, ABORTED
 *
 * @example
 * const { maps, slicedWasserstein } = await compareSets([bulk, surface, liquid], { bandwidths: [0.015] });
 * const surfaceFromBulk = maps[0].kullbackLeibler[1][0]; // D(surface‖bulk)
 */
export async function compareSets(sets: readonly Matrix[], options: CompareSetsOptions): Promise<SetComparison> {
  const { bandwidths, epsilon, seed, projections } = checkedOptions(sets, options);
  const halves = await halvesOf(sets, seed, options);
  const pass = reportedPasses(sets, halves, { ...options, decisions: decisionsOf(epsilon) });
  const maps = bandwidths.map((bandwidth) => emptyMaps(bandwidth, sets.length));
  const seen: OtherDensity[][][] = [];
  for (const [i, set] of sets.entries()) {
    const own = await ownDensity(set, pass(set, set));
    const row: OtherDensity[][] = [];
    for (const [j, other] of sets.entries()) {
      const densities = i === j ? own.map(seenFromItself) : await densityOfOther(own, other, pass(set, other));
      for (const [b, { logSums, crossEntropy }] of densities.entries()) {
        const map = maps[b] as SetMaps;
        (map.overlap[i] as number[])[j] = await shareUpTo(epsilon, logSums, set.rows, options);
        (map.crossEntropy[i] as (number | null)[])[j] = crossEntropy;
        (map.kullbackLeibler[i] as (number | null)[])[j] = kullbackLeibler(own[b]!, densities[b]!);
      }
      // Their sums are not needed any more, and are as long as the set.
      row.push(densities.map((density) => ({ ...density, logSums: NOTHING })));
    }
    seen.push(row);
    for (const [b, { counted }] of own.entries()) (maps[b] as SetMaps).isolated[i] = set.rows - counted;
    const floors = await floorsOf(set, halves[i] as RandomHalves | null, pass);
    for (const [b, map] of maps.entries()) {
      map.kullbackLeiblerFloor[i] = floors?.[b]?.kullbackLeibler ?? null;
      map.jensenShannonFloor[i] = floors?.[b]?.jensenShannon ?? null;
    }
  }
  for (const [b, { jensenShannon: map }] of maps.entries()) {
    for (const [i, row] of seen.entries()) {
      map[i] = row.map((there, j) => jensenShannon(there[b]!, seen[j]![i]![b]!));
    }
  }
  return { ...(await withoutKernelSums(sets, halves, { ...options, seed, projections })), maps };
}

const NOTHING = new Float64Array(0);

/** The options of a comparison, each of them given. */
export function checkedOptions(
  sets: readonly Matrix[],
  options: CompareSetsOptions,
): {
  readonly bandwidths: readonly number[];
  readonly epsilon: number;
  readonly seed: number;
  readonly projections: number;
} {
  const { bandwidths, epsilon = DEFAULT_EPSILON, seed = DEFAULT_SEED, projections = DEFAULT_PROJECTIONS } = options;
  checkSets(sets);
  checkProjections(projections, seed);
  if (Number.isNaN(epsilon)) throw new SurprisalError('INVALID_ARGUMENT', 'epsilon is not a number');
  return { bandwidths, epsilon, seed, projections };
}

/** Random halves of each set that is large enough. */
export async function halvesOf(
  sets: readonly Matrix[],
  seed: number,
  context: Context,
): Promise<(RandomHalves | null)[]> {
  const halves: (RandomHalves | null)[] = [];
  for (const { rows } of sets) halves.push(rows < SMALLEST_SPLIT ? null : await randomHalves(rows, seed, context));
  return halves;
}

/** What needs no kernel sum: shared environments, and distances along random directions. */
export async function withoutKernelSums(
  sets: readonly Matrix[],
  halves: readonly (RandomHalves | null)[],
  options: SlicedWassersteinOptions & { readonly seed: number; readonly projections: number },
): Promise<Omit<SetComparison, 'maps' | 'queries'>> {
  const { seed, projections } = options;
  const distances = await distanceMap(sets, halves, options);
  return { seed, projections, shared: await sharedCounts(sets, options), ...distances };
}

/**
 * Where δH decides whether a set knows an environment: at ε; and where that is below 0, for a set that is asked about its
 * own, which counts each once more than the others do, at −ln(e^−ε − 1).
 */
function decisionsOf(epsilon: number): number[] {
  return epsilon < 0 ? [epsilon, -Math.log(Math.expm1(-epsilon))] : [epsilon];
}

/** How many environments of each set stand in each other. */
async function sharedCounts(sets: readonly Matrix[], context: Context): Promise<number[][]> {
  const total = sets.reduce((sum, { rows }) => sum + rows, 0);
  const breathe = cooperate('comparing sets', total, 'environments', context);
  const known = new DistinctRows(equalityTolerance(...sets));
  const kinds: Uint32Array[] = [];
  let before = 0;
  for (const [i, set] of sets.entries()) {
    kinds.push(await known.add(set, `set ${i + 1}`, (row) => breathe(before + row)));
    before += set.rows;
  }
  const counts = sets.map(() => sets.map(() => 0));
  for (let j = 0; j < sets.length; j++) {
    const has = new Uint8Array(known.count);
    for (const kind of kinds[j]!) has[kind] = 1;
    for (let i = 0; i < sets.length; i++) for (const kind of kinds[i]!) counts[i]![j]! += has[kind]!;
  }
  return counts;
}

function emptyMaps(bandwidth: number, sets: number): SetMaps {
  const square = () => Array.from({ length: sets }, () => []);
  return {
    bandwidth,
    overlap: square(),
    crossEntropy: square(),
    kullbackLeibler: square(),
    jensenShannon: square(),
    isolated: [],
    kullbackLeiblerFloor: [],
    jensenShannonFloor: [],
  };
}

/** Options of one pass of queries over references. */
type Pass = (queries: Matrix, references: Matrix) => EntropyManyOptions;

/** Passes that report how far all of them together are. */
function reportedPasses(
  sets: readonly Matrix[],
  halves: readonly (RandomHalves | null)[],
  options: CompareSetsOptions,
): Pass {
  const { onProgress } = options;
  if (onProgress === undefined) return () => options;
  const owned = (rows: number) => {
    const { start, end } = ownedRows(rows, communicatorOf(options));
    return end - start;
  };
  const allRows = sets.reduce((sum, { rows }) => sum + rows, 0);
  let total = 0;
  for (const [i, { rows }] of sets.entries()) {
    const split = halves[i];
    total += owned(rows) * allRows;
    if (split) total += (owned(split.first.length) + owned(split.second.length)) * rows;
  }
  let finished = 0;
  return (queries, references) => {
    const before = finished;
    finished += owned(queries.rows) * references.rows;
    return {
      ...options,
      onProgress: ({ done }) =>
        onProgress({ stage: 'comparing sets', done: before + done * references.rows, total, unit: 'pairs' }),
    };
  };
}

/** What a set says of its own points when it is asked as another set would be: entropy, and each point counted too. */
function seenFromItself({ logSums, entropy }: OwnDensity): OtherDensity {
  return {
    crossEntropy: entropy,
    fromMixture: entropy === null ? null : 0,
    // ln(1 + s)
    logSums: logSums.map((logSum) => Math.max(logSum, 0) + Math.log1p(Math.exp(-Math.abs(logSum)))),
  };
}

/** Share of rows with δH ≤ ε, from this rank's ln Σ_j K. */
async function shareUpTo(epsilon: number, logSums: Float64Array, rows: number, context: Context): Promise<number> {
  const known = logSums.map((logSum) => Number(0 - logSum <= epsilon));
  return (await sumOverRows(known, communicatorOf(context))) / rows;
}

async function floorsOf(set: Matrix, halves: RandomHalves | null, pass: Pass): Promise<DivergenceResult[] | null> {
  if (halves === null) return null;
  return await divergencesInPasses(selectRows(set, halves.first), selectRows(set, halves.second), pass);
}

async function distanceMap(
  sets: readonly Matrix[],
  halves: readonly (RandomHalves | null)[],
  options: SlicedWassersteinOptions,
): Promise<Pick<SetComparison, 'slicedWasserstein' | 'slicedWassersteinFloor'>> {
  const points: PointSet[] = sets.map((matrix) => ({ matrix }));
  const pairs: [number, number][] = [];
  for (let i = 0; i < sets.length; i++) for (let j = 0; j < i; j++) pairs.push([i, j]);
  for (const [i, split] of halves.entries()) {
    if (split === null) continue;
    const matrix = sets[i] as Matrix;
    pairs.push([points.length, points.length + 1]);
    points.push({ matrix, rows: split.first }, { matrix, rows: split.second });
  }
  const distances = await slicedWassersteins(points, pairs, options);
  const slicedWasserstein = sets.map(() => sets.map(() => 0));
  let at = 0;
  for (let i = 0; i < sets.length; i++) {
    for (let j = 0; j < i; j++, at++) {
      (slicedWasserstein[i] as number[])[j] = (slicedWasserstein[j] as number[])[i] = distances[at] as number;
    }
  }
  return {
    slicedWasserstein,
    slicedWassersteinFloor: halves.map((split) => (split === null ? null : (distances[at++] as number))),
  };
}
