import { type Context, createMatrix, type Matrix, matrixRows, SurprisalError, sharedBuffer } from '@surprisal/core';
import type { KernelSumAccuracy } from '@surprisal/kernels';
import { checkOffsets } from './check-offsets.ts';
import { DEFAULT_FRACTIONS, DEFAULT_REPEATS, DEFAULT_SEED } from './defaults.ts';
import { type EntropyResult, entropyMany } from './entropy.ts';
import { type Asymptote, fitAsymptote, refused, type UndeterminedAsymptote } from './fit-asymptote.ts';
import { randomSubset } from './random-subset.ts';
import { undersampled } from './undersampled.ts';

/** What subsets are drawn of, or counted in. */
export type SubsetUnit = 'frames' | 'environments';

/** Options of {@link learningCurve}. */
export interface LearningCurveOptions extends Context, KernelSumAccuracy {
  /** Each h in 1/Å. */
  readonly bandwidths: readonly number[];
  /**
   * Shares of the units, each in (0, 1], ascending; default 0.1, 0.2 … 1. A share stands for round(share × units), at
   * least 1.
   */
  readonly fractions?: readonly number[] | undefined;
  /**
   * Subsets drawn for each share, 1 or more; default 3. One for a share that is the whole set, and for the order of the
   * file.
   */
  readonly repeats?: number | undefined;
  /** A whole number; default 0. */
  readonly seed?: number | undefined;
  /**
   * Frames, which go into a subset as a whole: (frames+1), frame f holds the rows units[f] … units[f + 1] − 1. Default:
   * every environment is a unit by itself.
   */
  readonly units?: Uint32Array | undefined;
  /** `random`, the default, or `file`: a share is the first of the units, as if the file ended there. */
  readonly order?: 'random' | 'file' | undefined;
  /** Whether the subsets of one repeat hold one another; default false: every subset is drawn anew. */
  readonly nested?: boolean | undefined;
  /**
   * What n counts in the fit of the asymptote, which depends on it beyond what its interval says; default
   * `environments`. Of 1000 frames of aspirin it is 9.97 (9.83 to 10.14) when n counts environments, 9.72 (9.62 to 9.84)
   * when it counts frames.
   */
  readonly asymptoteUnit?: SubsetUnit | undefined;
}

/** The same quantity of the subsets of one share. */
export interface Spread {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  /** One for each repeat. */
  readonly values: readonly number[];
}

/** One share of a data set. */
export interface LearningCurvePoint {
  readonly fraction: number;
  /** How many units a subset has. */
  readonly units: number;
  /** How many environments a subset has: the mean over the repeats, where frames differ in size. */
  readonly environments: number;
  /** H, nats */
  readonly entropy: Spread;
  /** D, nats */
  readonly diversity: Spread;
  /** ln n of the environments, nats: the mean over the repeats. */
  readonly maxEntropy: number;
}

/** How the entropy of a data set grows with its size, at one bandwidth. */
export interface LearningCurve {
  /** h, 1/Å */
  readonly bandwidth: number;
  /** What subsets are drawn of. */
  readonly unit: SubsetUnit;
  readonly order: 'random' | 'file';
  readonly nested: boolean;
  readonly seed: number;
  readonly points: readonly LearningCurvePoint[];
  readonly asymptote: (Asymptote | UndeterminedAsymptote) & {
    /** What n counts in the fit. */
    readonly unit: SubsetUnit;
  };
}

const STAGE = 'learning curve';

/**
 * Entropy and diversity of subsets of growing size, and where the curve ends.
 *
 *     H(n) → a − b exp(−c ln² n),   n = environments of the subset (or frames)
 *
 * Subsets are drawn without replacement: with it, a subset of the size of the set would miss a third of it, and the
 * curve would end below H. The share 1 is the set itself, and its H the bits of {@link entropyMany}. In the fit, H
 * varies as a mean over the units would: by σ² (1/n − 1/N)/repeats about that of the set, N its units. The scatter
 * between repeats gives σ², and σ²/N, by which the set itself could have come out otherwise, is part of the interval
 * (not of that of random subsets without repeats). In the order of the file, or nested, each subset holds the smaller
 * ones and their errors go together, which the fit takes into account; that frames of a trajectory are alike, it does not.
 *
 * The asymptote depends on what n counts; its interval holds under the form of the curve, which is empirical. It is
 * refused where {@link fitAsymptote} refuses, and where ln n − H of the largest subset is so small that H still follows
 * ln n (`undersampled`).
 *
 * The cost is that of Σ repeats·fraction² entropies of the whole set: 9.6 for the defaults.
 *
 * @param x  (n×d) row-major, 1/Å, one environment per row
 * @returns one curve for each bandwidth, in their order, nats; a function of the seed, not of threads, ranks or of
 *   the other fractions
 * @throws {SurprisalError} EMPTY_INPUT, INVALID_ARGUMENT, INVALID_BANDWIDTH, BACKEND_UNAVAILABLE, OUT_OF_MEMORY,
 *   ABORTED
 * @see Schwalbe-Koda et al., Nat. Commun. 16, 4014 (2025), whose n counts frames; the command of the package QUESTS
 *   counts environments
 *
 * @example
 * const units = Uint32Array.of(0, 21, 42, 63); // three frames of 21 atoms
 * const [curve] = await learningCurve(x, { bandwidths: [0.015], units, fractions: [0.5, 1] });
 * curve.points.at(-1).entropy.mean; // H of x
 */
export async function learningCurve(x: Matrix, options: LearningCurveOptions): Promise<LearningCurve[]> {
  const plan = planOf(x, options);
  const { bandwidths } = options;
  const subsets = new SubsetReader(x, plan);
  const total = plan.shares.reduce((sum, { count, repeats }) => sum + subsets.expectedRows(count) * repeats, 0);
  let done = 0;
  const measured: EntropyResult[][][] = [];
  const environments: number[] = [];
  for (const { fraction, count, repeats } of plan.shares) {
    const results: EntropyResult[][] = [];
    let rows = 0;
    for (let repeat = 0; repeat < repeats; repeat++) {
      const subset = subsets.read(count, repeat);
      if (subset.rows === 0) {
        throw new SurprisalError(
          'EMPTY_INPUT',
          `the subset of ${count} ${plan.unit} (fraction ${fraction}) holds no environment; leave out frames without any, or ask for larger fractions`,
        );
      }
      results.push(
        await entropyMany(subset, {
          ...options,
          bandwidths,
          onProgress:
            options.onProgress &&
            ((part) =>
              options.onProgress?.({
                stage: STAGE,
                done: Math.min(total, Math.round(done + part.done)),
                total: Math.round(total),
                unit: 'environments',
              })),
        }),
      );
      rows += subset.rows;
      done += subsets.expectedRows(count);
    }
    measured.push(results);
    environments.push(rows / repeats);
  }
  return bandwidths.map((bandwidth, b) => {
    const points = plan.shares.map(({ fraction, count }, s) => {
      const of = (field: 'entropy' | 'diversity' | 'maxEntropy') =>
        spread(measured[s]!.map((results) => results[b]![field]));
      return {
        fraction,
        units: count,
        environments: environments[s]!,
        entropy: of('entropy'),
        diversity: of('diversity'),
        maxEntropy: of('maxEntropy').mean,
      };
    });
    const { unit, order, nested, seed, asymptoteUnit } = plan;
    return {
      bandwidth,
      unit,
      order,
      nested,
      seed,
      points,
      asymptote: { ...asymptoteOf(points, bandwidth, plan), unit: asymptoteUnit },
    };
  });
}

interface Plan {
  /** (units+1); undefined where every row is a unit. */
  readonly offsets: Uint32Array | undefined;
  readonly units: number;
  readonly unit: SubsetUnit;
  readonly asymptoteUnit: SubsetUnit;
  readonly order: 'random' | 'file';
  readonly nested: boolean;
  readonly seed: number;
  readonly shares: readonly { readonly fraction: number; readonly count: number; readonly repeats: number }[];
}

/** Every check of a learning curve, once. */
function planOf(x: Matrix, options: LearningCurveOptions): Plan {
  const {
    fractions = DEFAULT_FRACTIONS,
    repeats = DEFAULT_REPEATS,
    seed = DEFAULT_SEED,
    units: offsets,
    order = 'random',
    nested = false,
  } = options;
  if (x.rows === 0)
    throw new SurprisalError('EMPTY_INPUT', 'there is no environment; a learning curve needs at least one');
  if (offsets !== undefined) checkOffsets(offsets, x.rows, 'the units of the learning curve');
  if (fractions.length === 0) throw invalid('no fraction was given; a learning curve needs at least one');
  for (const [i, fraction] of fractions.entries()) {
    if (!(fraction > 0 && fraction <= 1)) throw invalid(`the fraction ${fraction} is not above 0 and at most 1`);
    const before = fractions[i - 1];
    if (before !== undefined && !(fraction > before)) {
      throw invalid(`the fraction ${fraction} comes after ${before}; fractions must ascend`);
    }
  }
  if (!(Number.isSafeInteger(repeats) && repeats >= 1)) {
    throw invalid(`the number of repeats is ${repeats}; it must be a whole number, 1 or more`);
  }
  if (!Number.isSafeInteger(seed)) throw invalid(`the seed is ${seed}; it must be a whole number`);
  if (order !== 'random' && order !== 'file') throw invalid(`the order is "${order}"; it must be random or file`);
  const unit = offsets === undefined ? 'environments' : 'frames';
  const asymptoteUnit = options.asymptoteUnit ?? 'environments';
  if (asymptoteUnit !== 'environments' && asymptoteUnit !== unit) {
    throw invalid(`the asymptote cannot be fitted over ${asymptoteUnit}: the subsets are drawn of environments`);
  }
  const units = offsets === undefined ? x.rows : offsets.length - 1;
  const shares = fractions.map((fraction) => {
    const count = Math.max(1, Math.round(fraction * units));
    return { fraction, count, repeats: order === 'file' || count === units ? 1 : repeats };
  });
  return { offsets, units, unit, asymptoteUnit, order, nested, seed, shares };
}

function invalid(problem: string): SurprisalError {
  return new SurprisalError('INVALID_ARGUMENT', problem);
}

/** Subsets of a matrix, one at a time, in one buffer. */
class SubsetReader {
  readonly #x: Matrix;
  readonly #plan: Plan;
  #buffer: Float64Array | Float32Array | undefined;

  constructor(x: Matrix, plan: Plan) {
    this.#x = x;
    this.#plan = plan;
  }

  expectedRows(count: number): number {
    return (this.#x.rows * count) / this.#plan.units;
  }

  /** The rows of `count` units, in the order of the file. Valid until the next call. */
  read(count: number, repeat: number): Matrix {
    const { offsets, units, order } = this.#plan;
    if (count === units) return this.#x;
    const end = (unit: number) => offsets?.[unit] ?? unit;
    if (order === 'file') return matrixRows(this.#x, 0, end(count));
    const chosen = this.#draw(count, repeat);
    const { columns, data } = this.#x;
    const rows = chosen.reduce((sum, unit) => sum + end(unit + 1) - end(unit), 0);
    const target = this.#storage(rows * columns);
    let at = 0;
    for (const unit of chosen) {
      const part = data.subarray(end(unit) * columns, end(unit + 1) * columns);
      target.set(part, at);
      at += part.length;
    }
    return createMatrix(rows, columns, target);
  }

  #draw(count: number, repeat: number): Uint32Array {
    const { units, nested, seed } = this.#plan;
    // The stream depends on the size of the subset, not on its place among the fractions.
    return randomSubset(count, units, seed, repeat * (units + 1) + (nested ? 0 : count));
  }

  #storage(length: number): Float64Array | Float32Array {
    if (this.#buffer === undefined || this.#buffer.length < length) {
      const { data } = this.#x;
      const buffer = sharedBuffer(length * data.BYTES_PER_ELEMENT);
      this.#buffer = data instanceof Float64Array ? new Float64Array(buffer) : new Float32Array(buffer);
    }
    return this.#buffer.subarray(0, length);
  }
}

function spread(values: readonly number[]): Spread {
  // The mean of one value is that value, to the last bit.
  const mean = values.reduce((sum, value) => sum + value) / values.length;
  const [min, max] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  return { mean, min, max, values };
}

/**
 * The whole set does not scatter, yet no curve of an empirical form has to go through its H: it counts as if it scattered
 * by this share of σ²/N. With all of it, 89 % of the intervals of made curves held a; with this, 94 %.
 */
const OF_FORM = 0.25;

function asymptoteOf(
  points: readonly LearningCurvePoint[],
  bandwidth: number,
  { units, asymptoteUnit, unit, shares, order, nested }: Plan,
): Asymptote | UndeterminedAsymptote {
  const last = points.at(-1)!;
  const together = order === 'file' || nested;
  const judgement = undersampled({
    bandwidth,
    entropy: last.entropy.mean,
    diversity: last.diversity.mean,
    maxEntropy: last.maxEntropy,
  });
  if (judgement.undersampled) return refused('undersampled', `the largest subset is ${judgement.sentence}`);
  return fitAsymptote(
    points.map((point, p) => ({
      n: asymptoteUnit === unit ? point.units : point.environments,
      entropy: point.entropy.mean,
      variance: (together ? 1 : OF_FORM) / units + (1 / point.units - 1 / units) / shares[p]!.repeats,
    })),
    // What nested subsets have in common, the set they are drawn from included, shows in their increments.
    together ? { nested: true } : { commonVariance: varianceOfUnit(points, units) / units },
  );
}

/**
 * σ², pooled from the scatter of H between subsets of one size, if Var H = σ² (1/n − 1/N) among subsets of one set of N
 * units (as it is for a mean over them); the set itself, one of many that might have been made, is then uncertain by
 * σ²/N. 0 where nothing was repeated.
 */
function varianceOfUnit(points: readonly LearningCurvePoint[], units: number): number {
  let [sum, freedom] = [0, 0];
  for (const { entropy, units: count } of points) {
    if (entropy.values.length < 2) continue;
    for (const value of entropy.values) sum += (value - entropy.mean) ** 2 / (1 / count - 1 / units);
    freedom += entropy.values.length - 1;
  }
  return freedom === 0 ? 0 : sum / freedom;
}
