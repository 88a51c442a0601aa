import { type Context, type Matrix, SurprisalError, selectRows } from '@surprisal/core';
import { nearestReferences } from '@surprisal/kernels';
import { DEFAULT_SEED } from './defaults.ts';
import { randomSubset } from './random-subset.ts';
import { type Summary, summarize } from './summarize.ts';

/** Options of {@link bandwidthFromNeighbors}. */
export interface BandwidthFromNeighborsOptions extends Omit<Context, 'communicator'> {
  /** How many environments are asked for their nearest, 1 or more; default 1000. All are looked at as neighbours. */
  readonly sample?: number | undefined;
  /** A whole number; default 0. */
  readonly seed?: number | undefined;
}

/** A bandwidth that comes from the data, and what it comes from. */
export interface NeighborBandwidth {
  /** h, 1/Å */
  readonly bandwidth: number;
  /** From the sampled environments to their nearest distinct one, 1/Å. */
  readonly distances: Summary;
  readonly environments: number;
  /** Environments that were asked. */
  readonly sample: number;
  readonly seed: number;
  /** Environments among those that were asked that have an equal one. */
  readonly duplicates: number;
  /** Distance up to which two environments are equal, 1/Å. */
  readonly tolerance: number;
}

const STAGE = 'nearest neighbours';
const DEFAULT_SAMPLE = 1000;
/** Two environments nearer than this share of the root mean square distance of all are one, described twice. */
const EQUAL_SHARE = 1e-4;
/** And so are those nearer than this share of the size of their numbers: nothing but rounding sets them apart. */
const ROUNDING_SHARE = { float64: 1e-9, float32: 1e-6 };
/**
 * A bandwidth from the distances in the data, for any descriptor: also for molecules, slabs and descriptors of one's
 * own, where there is no volume per atom.
 *
 *     h = median_i d_i / √2,   d_i = min { |x_i − x_j| : x_j ≠ x_i }
 *
 * so that the typical environment is one nat from its nearest distinct one, K = exp(−d²/2h²) = 1/e: near enough that
 * neighbours count, far enough that they differ. For the QUESTS descriptor it gives 0.013 to 0.014 1/Å for public sets
 * of azobenzene, silicon, graphite and copper, 0.019 for lithium and aspirin, 0.021 for ethanol, 0.052 for liquid
 * water. More data lie closer: sets that are to be compared need one h, taken from one of them.
 *
 * Environments equal to within 10⁻⁴ of the root mean square distance of all (or rounding) count as one, so duplicates
 * do not pull h to 0. All environments are looked at, for a sample of them: an exact search, and a second one beyond what is
 * equal for those that have an equal one.
 *
 * @param x  (n×d) row-major, 1/Å, one environment per row
 * @returns h in the unit of x; a function of the data and the seed
 * @throws {SurprisalError} EMPTY_INPUT if there are fewer than two environments; INVALID_ARGUMENT if all are equal, a
 *   number is not finite, or an option is no whole number; BACKEND_UNAVAILABLE, OUT_OF_MEMORY, ABORTED
 *
 * @example
 * const { bandwidth } = await bandwidthFromNeighbors(x);
 * const { entropy: h } = await entropy(x, { bandwidth });
 */
export async function bandwidthFromNeighbors(
  x: Matrix,
  options: BandwidthFromNeighborsOptions = {},
): Promise<NeighborBandwidth> {
  const { sample: wanted = DEFAULT_SAMPLE, seed = DEFAULT_SEED } = options;
  if (!(Number.isSafeInteger(wanted) && wanted >= 1)) {
    throw new SurprisalError('INVALID_ARGUMENT', `the sample is ${wanted}; it must be a whole number, 1 or more`);
  }
  if (!Number.isSafeInteger(seed)) {
    throw new SurprisalError('INVALID_ARGUMENT', `the seed is ${seed}; it must be a whole number`);
  }
  const sample = Math.min(wanted, x.rows);
  const tolerance = toleranceOf(x);
  if (x.rows < 2) {
    throw new SurprisalError(
      'EMPTY_INPUT',
      `there ${x.rows === 1 ? 'is one environment' : 'are no environments'}; a bandwidth from neighbours needs at least two`,
      { details: { environments: x.rows } },
    );
  }
  const asked = randomSubset(sample, x.rows, seed, 0);
  const search = (rows: Uint32Array, beyond?: number) =>
    nearestReferences(selectRows(x, rows), x, {
      ...options,
      beyond,
      leaveOut: { starts: rows, ends: rows.map((row) => row + 1) },
      onProgress: options.onProgress && ((progress) => options.onProgress?.({ ...progress, stage: STAGE })),
    });
  const nearest = (await search(asked)).distances;
  const doubled = asked.filter((_, i) => nearest[i]! <= tolerance);
  const distinct = doubled.length === 0 ? [] : (await search(doubled, tolerance)).distances;
  const distances = [...nearest.filter((distance) => distance > tolerance), ...distinct].filter(Number.isFinite);
  if (distances.length === 0) {
    throw new SurprisalError(
      'INVALID_ARGUMENT',
      `all ${x.rows} environments are equal; a bandwidth from neighbours needs two that differ. Give one, or take it from the volume per atom`,
      { details: { environments: x.rows } },
    );
  }
  const summary = summarize(Float64Array.from(distances));
  return {
    bandwidth: summary.median / Math.SQRT2,
    distances: summary,
    environments: x.rows,
    sample,
    seed,
    duplicates: doubled.length,
    tolerance,
  };
}

function toleranceOf({ rows, columns, data }: Matrix): number {
  let [variance, largest] = [0, 0];
  for (let c = 0; c < columns; c++) {
    let [mean, squares] = [0, 0];
    for (let row = 0; row < rows; row++) {
      const value = data[row * columns + c]!;
      const difference = value - mean;
      mean += difference / (row + 1);
      squares += difference * (value - mean);
      largest = Math.max(largest, Math.abs(value));
    }
    variance += squares / Math.max(1, rows);
  }
  // Two environments drawn at random are at a mean squared distance of twice the variance.
  const rounding = ROUNDING_SHARE[data instanceof Float32Array ? 'float32' : 'float64'];
  return Math.max(EQUAL_SHARE * Math.sqrt(2 * variance), rounding * largest);
}
