import { type Context, communicatorOf, cooperate, type Matrix, randomSequence, SurprisalError } from '@surprisal/core';
import { DEFAULT_PROJECTIONS, DEFAULT_SEED } from './defaults.ts';
import { checkSets } from './divergence.ts';

/** Options of {@link slicedWasserstein}. */
export interface SlicedWassersteinOptions extends Context {
  /** How many random directions; default {@link DEFAULT_PROJECTIONS}. */
  readonly projections?: number | undefined;
  /** Of the directions; default {@link DEFAULT_SEED}. */
  readonly seed?: number | undefined;
}

/**
 * Sliced Wasserstein distance of order 1 of two sets of environments: how far, on average over random directions, the one
 * has to be moved to become the other.
 *
 *     SW(Y, X) = (1/P) Σ_p ∫₀¹ |F⁻¹(u; Y·θ_p) − F⁻¹(u; X·θ_p)| du,   θ_p uniform on the unit sphere
 *
 * The integral over the quantile functions is exact, also for sets of different sizes. It needs no bandwidth, and tells how
 * far apart two sets are where they have nothing in common. A shift of both sets against each other by Δ in d dimensions
 * counts about 0.8 |Δ|/√d, because a random direction sees only a part of it.
 *
 * @param y  (m×d) row-major, 1/Å
 * @param x  (n×d), made by the same descriptor
 * @returns 1/Å; 0 where both hold the same points in the same shares; the same bits for any number of ranks
 * @throws {SurprisalError} EMPTY_INPUT, DIMENSION_MISMATCH, INVALID_ARGUMENT, ABORTED
 * @see Bonneel, Rabin, Peyré, Pfister, J. Math. Imaging Vis. 51, 22 (2015)
 *
 * @example
 * const distance = await slicedWasserstein(test, training, { seed: 1 });
 */
export async function slicedWasserstein(y: Matrix, x: Matrix, options: SlicedWassersteinOptions = {}): Promise<number> {
  checkSets([y, x]);
  const [distance] = await slicedWassersteins([{ matrix: y }, { matrix: x }], [[0, 1]], options);
  return distance as number;
}

/** A matrix, or some of its rows. */
export interface PointSet {
  readonly matrix: Matrix;
  readonly rows?: Uint32Array | undefined;
}

/** {@link slicedWasserstein} of several pairs of sets, each projected once. */
export async function slicedWassersteins(
  sets: readonly PointSet[],
  pairs: readonly (readonly [number, number])[],
  options: SlicedWassersteinOptions,
): Promise<number[]> {
  const { projections = DEFAULT_PROJECTIONS, seed = DEFAULT_SEED } = options;
  checkProjections(projections, seed);
  const communicator = communicatorOf(options);
  const first = Math.floor((projections * communicator.rank) / communicator.size);
  const end = Math.floor((projections * (communicator.rank + 1)) / communicator.size);
  const distances = new Float64Array((end - first) * pairs.length);
  const breathe = cooperate('sliced Wasserstein distances', end - first, 'projections', options);
  const columns = sets[0]?.matrix.columns ?? 0;
  for (let p = first; p < end; p++) {
    const direction = randomDirection(columns, p, seed);
    const sorted: Float64Array[] = [];
    // Sets that are parts of one matrix share its projection.
    const projected = new Map<Matrix, Float64Array>();
    for (const { matrix, rows } of sets) {
      const known = projected.get(matrix);
      const all = known ?? (await project(matrix, direction, () => breathe(p - first)));
      projected.set(matrix, all);
      sorted.push((rows === undefined ? all.slice() : Float64Array.from(rows, (row) => all[row] as number)).sort());
      await breathe(p - first);
    }
    for (const [i, [a, b]] of pairs.entries()) {
      distances[(p - first) * pairs.length + i] = quantileDistance(sorted[a]!, sorted[b]!);
      await breathe(p - first);
    }
  }
  const all = await communicator.allGather(distances);
  return pairs.map((_, i) => {
    let sum = 0;
    for (let p = 0; p < projections; p++) sum += all[p * pairs.length + i] as number;
    return sum / projections;
  });
}

/**
 * @throws {SurprisalError} INVALID_ARGUMENT
 */
export function checkProjections(projections: number, seed: number): void {
  if (!(Number.isSafeInteger(projections) && projections >= 1)) {
    throw new SurprisalError(
      'INVALID_ARGUMENT',
      `the number of projections is ${projections}; it must be a whole number, 1 or more`,
    );
  }
  if (!Number.isSafeInteger(seed)) {
    throw new SurprisalError('INVALID_ARGUMENT', `the seed is ${seed}; it must be a whole number`);
  }
}

/** A unit vector, uniform on the sphere: normal numbers, scaled. */
function randomDirection(columns: number, projection: number, seed: number): Float64Array {
  const random = randomSequence(seed);
  const direction = Float64Array.from({ length: columns }, (_, c) => random.normal(projection * columns + c));
  let squared = 0;
  for (const component of direction) squared += component * component;
  const norm = Math.sqrt(squared);
  return direction.map((component) => component / norm);
}

/** Rows that are projected between two looks at the clock. */
const ROWS_AT_ONCE = 4096;

/** The rows of a matrix along a direction: (n). */
async function project(
  { rows, columns, data }: Matrix,
  direction: Float64Array,
  breathe: () => Promise<void> | undefined,
): Promise<Float64Array> {
  const along = new Float64Array(rows);
  for (let row = 0, at = 0; row < rows; row++) {
    if (row % ROWS_AT_ONCE === 0) await breathe();
    let sum = 0;
    for (let c = 0; c < columns; c++) sum += (data[at++] as number) * (direction[c] as number);
    if (!Number.isFinite(sum)) {
      throw new SurprisalError('INVALID_ARGUMENT', `row ${row + 1} of a set is not finite; every number must be`, {
        details: { row },
      });
    }
    along[row] = sum;
  }
  return along;
}

/** ∫₀¹ |F⁻¹(u) − G⁻¹(u)| du of two sorted samples: both quantile functions are steps, of 1/m and of 1/n. */
function quantileDistance(a: Float64Array, b: Float64Array): number {
  const [m, n] = [a.length, b.length];
  // Places in units of 1/mn, whole numbers, so that steps meet where they should.
  let sum = 0;
  let from = 0;
  for (let i = 0, j = 0; i < m && j < n; ) {
    const [endOfA, endOfB] = [(i + 1) * n, (j + 1) * m];
    const to = Math.min(endOfA, endOfB);
    sum += (to - from) * Math.abs((a[i] as number) - (b[j] as number));
    if (endOfA === to) i++;
    if (endOfB === to) j++;
    from = to;
  }
  return sum / (m * n);
}
