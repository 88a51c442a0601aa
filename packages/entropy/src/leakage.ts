import { type Context, cooperate, type Matrix, SurprisalError, selectRows } from '@surprisal/core';
import { NO_REFERENCE, nearestReferences } from '@surprisal/kernels';
import { checkOffsets } from './check-offsets.ts';
import { DEFAULT_BANDWIDTH, DEFAULT_EPSILON } from './defaults.ts';
import { DistinctRows, equalityTolerance, firstRows } from './distinct-rows.ts';
import { NearFrames } from './near-frames.ts';
import { rowProjection } from './row-projection.ts';
import { RowsWithin } from './rows-within.ts';
import { squaredDistance } from './squared-distance.ts';

/** Options of {@link leakage}. */
export interface LeakageOptions extends Context {
  /** h in 1/Å; default 0.015. */
  readonly bandwidth?: number | undefined;
  /** ε in nats, 0 or more: near is what has a K of at least exp(−ε) with its nearest; default 1e-5. */
  readonly epsilon?: number | undefined;
  /**
   * Distance in 1/Å up to which two environments are equal; 0 for the same numbers only. Default 1e-9, or 1e-6 where a
   * matrix is in float32: what rounding makes of one environment that is described twice.
   */
  readonly tolerance?: number | undefined;
  /** (frames+1): frame f of the training set holds the rows trainFrames[f] … trainFrames[f + 1] − 1. */
  readonly trainFrames?: Uint32Array | undefined;
  /** (frames+1), of the test set. */
  readonly testFrames?: Uint32Array | undefined;
  /** Longest list of pairs, 0 or more, Infinity for all; default 100. Counts are of all, whatever the lists hold. */
  readonly limit?: number | undefined;
}

/** An environment, and the one that it repeats. */
export interface EnvironmentPair {
  /** Row of the set in question, from 0. */
  readonly row: number;
  /** Row of the other set, or an earlier row of the same set, from 0. */
  readonly of: number;
  /** Frame of `row`, from 0; null where frames are not known. */
  readonly frame: number | null;
  /** Frame of `of`, from 0; null where frames are not known. */
  readonly ofFrame: number | null;
  /** |x − y|, 1/Å */
  readonly distance: number;
}

/** A frame, and the one that holds the same environments. Counted from 0. */
export interface FramePair {
  readonly frame: number;
  readonly of: number;
}

/** How many of a set are meant, and the first of them. */
export interface Repetitions<Pair> {
  readonly count: number;
  /** count / size of the set. */
  readonly share: number;
  /** In the order of the set in question, as many as the limit allows. */
  readonly pairs: readonly Pair[];
}

/** Repetitions within one set. */
export interface Duplicates {
  /** Environments equal to an earlier one of the set. A crystal has many: its symmetry makes them. */
  readonly environments: Repetitions<EnvironmentPair>;
  /** Frames that hold the same environments as an earlier one; null where frames are not known. */
  readonly frames: Repetitions<FramePair> | null;
}

/** What of a test set stands in its training set. */
export interface LeakageResult {
  /** h, 1/Å */
  readonly bandwidth: number;
  /** ε, nats */
  readonly epsilon: number;
  /** 1/Å */
  readonly tolerance: number;
  /** h √2ε, 1/Å: the distance that ε allows. */
  readonly radius: number;
  /** Sizes of the sets; frames are null where they are not known. */
  readonly train: { readonly environments: number; readonly frames: number | null };
  readonly test: { readonly environments: number; readonly frames: number | null };
  /** Test environments equal to one of the training set. */
  readonly exact: Repetitions<EnvironmentPair>;
  /**
   * Test environments within ε of their nearest of the training set, the equal ones among them. Its pairs leave out the
   * equal ones.
   */
  readonly near: Repetitions<EnvironmentPair>;
  /** Test frames that hold the same environments as a frame of the training set; null where frames are not known. */
  readonly frames: Repetitions<FramePair> | null;
  /**
   * Test frames that are near a frame of the training set, those that hold the same environments among them. Its pairs
   * leave out these. Null where frames are not known.
   */
  readonly nearFrames: Repetitions<FramePair> | null;
  /** Within each set by itself. */
  readonly duplicates: { readonly train: Duplicates; readonly test: Duplicates };
}

const STAGE = 'leakage';

/**
 * What of a test set stands in its training set already, and what each holds twice.
 *
 *     equal:  |y − x| ≤ tolerance          near:  K(y, x) ≥ exp(−ε),  that is  |y − x| ≤ h √(2ε),  for the nearest x
 *
 * Near is said of the nearest environment alone, and not of δH: that sums over all, so many environments at some
 * distance make δH small where there is no copy. Whether environments are equal is asked of the first of each kind. Two
 * frames are the same if they hold the same kinds of environments, each as often: whatever their order, rotation or
 * cell. Two frames of as many environments are near if each environment of the one is near one of the other, in both
 * directions: so is a frame that was written with fewer digits.
 *
 * Finding the equal takes time linear in the environments; the near are an exact search for the nearest, on all threads. With
 * frames a large ε takes up to train × test more, on one thread. Ranks are not used.
 *
 * @param train  (n×d) row-major, 1/Å
 * @param test   (m×d), made by the same descriptor
 * @throws {SurprisalError} DIMENSION_MISMATCH, EMPTY_INPUT (the test set), EMPTY_REFERENCE (the training set),
 *   INVALID_BANDWIDTH, INVALID_ARGUMENT, ABORTED
 *
 * @example
 * const { exact, near, frames } = await leakage(train, test, { trainFrames, testFrames });
 * console.log(`${100 * exact.share} % of the test environments were trained on`);
 */
export async function leakage(train: Matrix, test: Matrix, options: LeakageOptions = {}): Promise<LeakageResult> {
  const { bandwidth, epsilon, tolerance, limit, trainFrames, testFrames } = checked(train, test, options);
  const radius = bandwidth * Math.sqrt(2 * epsilon);
  const breathe = cooperate(STAGE, train.rows + 2 * test.rows, 'environments', options);
  const known = new DistinctRows(tolerance);
  const ofTrain = await known.add(train, 'the training set', breathe);
  const trainKinds = known.count;
  const ofTest = await known.add(test, 'the test set', (row) => breathe(train.rows + row));

  const [inTrain, inTest] = [framesOfRows(trainFrames, train.rows), framesOfRows(testFrames, test.rows)];
  const firsts = firstRows(ofTrain, trainKinds);
  const pairOf = (row: number, of: number): EnvironmentPair => ({
    row,
    of,
    frame: inTest?.[row] ?? null,
    ofFrame: inTrain?.[of] ?? null,
    distance: distanceOf(test, row, train, of),
  });
  const exact = new Counter<EnvironmentPair>(limit);
  const near = new Counter<EnvironmentPair>(limit);
  const reachesFurther = radius > tolerance;
  const nearest = reachesFurther
    ? await nearestOfUnequal(train, firsts, test, ofTest, radius, {
        ...options,
        onProgress:
          options.onProgress &&
          (({ done }) => {
            const total = train.rows + 2 * test.rows;
            options.onProgress?.({ stage: STAGE, done: train.rows + test.rows + done, total, unit: 'environments' });
          }),
      })
    : new Map<number, number>();
  const isNear = new Uint8Array(test.rows);
  for (let row = 0; row < test.rows; row++) {
    const first = firsts[ofTest[row]!];
    const of = first ?? nearest.get(row);
    if (of === undefined) continue;
    if (first !== undefined) exact.add(() => pairOf(row, first));
    near.add(first === undefined ? () => pairOf(row, of) : undefined);
    isNear[row] = 1;
  }
  const frames = sameFrames(testFrames, ofTest, trainFrames, ofTrain, Number.POSITIVE_INFINITY);
  const nearFrames = new Counter<FramePair>(limit);
  if (frames !== null && trainFrames !== undefined && testFrames !== undefined) {
    const same = new Set(frames.pairs.map(({ frame }) => frame));
    const finder = reachesFurther
      ? new NearFrames(
          { matrix: train, offsets: trainFrames },
          ofTrain,
          firsts,
          new RowsWithin(train, 'the training set', firsts),
          radius,
          tolerance,
        )
      : undefined;
    const projection = rowProjection(test, 'the test set');
    const set = { matrix: test, offsets: testFrames };
    for (let frame = 0; frame + 1 < testFrames.length; frame++) {
      if (same.has(frame)) nearFrames.add();
      else if (finder !== undefined && isNear.subarray(testFrames[frame], testFrames[frame + 1]).every(Boolean)) {
        const of = await finder.find(set, frame, projection, () => breathe(train.rows + 2 * test.rows));
        if (of !== undefined) nearFrames.add(() => ({ frame, of }));
      }
    }
  }
  return {
    bandwidth,
    epsilon,
    tolerance,
    radius,
    train: { environments: train.rows, frames: framesIn(trainFrames) },
    test: { environments: test.rows, frames: framesIn(testFrames) },
    exact: exact.of(test.rows),
    near: near.of(test.rows),
    frames: frames && { ...frames, pairs: frames.pairs.slice(0, limit) },
    nearFrames: frames && nearFrames.of(testFrames!.length - 1),
    duplicates: {
      train: duplicatesOf(train, ofTrain, trainFrames, inTrain, limit),
      test: duplicatesOf(test, ofTest, testFrames, inTest, limit),
    },
  };
}

/** For each test row that equals none of the training set, its nearest there, where that is within the radius. */
async function nearestOfUnequal(
  train: Matrix,
  firsts: Uint32Array,
  test: Matrix,
  kinds: Uint32Array,
  radius: number,
  context: Context,
): Promise<Map<number, number>> {
  const unequal = Uint32Array.from(kinds.keys()).filter((row) => firsts[kinds[row]!] === undefined);
  // Most often there is nothing to leave out, and no need for a copy.
  const queries = unequal.length === test.rows ? test : selectRows(test, unequal);
  const references = firsts.length === train.rows ? train : selectRows(train, firsts);
  const { rows } = await nearestReferences(queries, references, { ...context, within: radius });
  const nearest = new Map<number, number>();
  for (const [i, row] of unequal.entries()) {
    if (rows[i] !== NO_REFERENCE) nearest.set(row, firsts[rows[i]!]!);
  }
  return nearest;
}

function checked(train: Matrix, test: Matrix, options: LeakageOptions) {
  const {
    bandwidth = DEFAULT_BANDWIDTH,
    epsilon = DEFAULT_EPSILON,
    tolerance = equalityTolerance(train, test),
    limit = 100,
    trainFrames,
    testFrames,
  } = options;
  if (train.columns !== test.columns) {
    throw new SurprisalError(
      'DIMENSION_MISMATCH',
      `the training set has ${train.columns} columns and the test set ${test.columns}; both must come from one descriptor`,
      { details: { train: train.columns, test: test.columns } },
    );
  }
  if (train.rows === 0) throw new SurprisalError('EMPTY_REFERENCE', 'the training set holds no environment');
  if (test.rows === 0) throw new SurprisalError('EMPTY_INPUT', 'the test set holds no environment');
  if (!(bandwidth > 0 && bandwidth < Number.POSITIVE_INFINITY)) {
    throw new SurprisalError('INVALID_BANDWIDTH', `the bandwidth is ${bandwidth}; it must be above 0 and finite (1/Å)`);
  }
  const atLeast0 = (name: string, value: number) => {
    if (value >= 0 && value < Number.POSITIVE_INFINITY) return;
    throw new SurprisalError('INVALID_ARGUMENT', `${name} is ${value}; it must be 0 or more, and finite`);
  };
  atLeast0('epsilon', epsilon);
  atLeast0('the tolerance', tolerance);
  if (!(limit >= 0)) {
    throw new SurprisalError('INVALID_ARGUMENT', `the limit of pairs is ${limit}; it must be 0 or more`);
  }
  if (trainFrames !== undefined) checkOffsets(trainFrames, train.rows, 'the frame offsets of the training set');
  if (testFrames !== undefined) checkOffsets(testFrames, test.rows, 'the frame offsets of the test set');
  return { bandwidth, epsilon, tolerance, limit, trainFrames, testFrames };
}

/** Counts, and keeps the first of what it counts. */
class Counter<Pair> {
  readonly #limit: number;
  readonly #pairs: Pair[] = [];
  #count = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @param pair  made where it is kept; without one, it is counted only */
  add(pair?: () => Pair): void {
    this.#count++;
    if (pair !== undefined && this.#pairs.length < this.#limit) this.#pairs.push(pair());
  }

  of(total: number): Repetitions<Pair> {
    return { count: this.#count, share: this.#count / total, pairs: this.#pairs };
  }
}

function distanceOf(x: Matrix, row: number, y: Matrix, other: number): number {
  return Math.sqrt(
    squaredDistance(x.data, row * x.columns, y.data, other * y.columns, x.columns, Number.POSITIVE_INFINITY),
  );
}

function framesIn(offsets: Uint32Array | undefined): number | null {
  return offsets === undefined ? null : offsets.length - 1;
}

/** The frame of each row. */
function framesOfRows(offsets: Uint32Array | undefined, rows: number): Uint32Array | undefined {
  if (offsets === undefined) return undefined;
  const frames = new Uint32Array(rows);
  for (let frame = 0; frame + 1 < offsets.length; frame++) frames.fill(frame, offsets[frame], offsets[frame + 1]);
  return frames;
}

function duplicatesOf(
  set: Matrix,
  ofRow: Uint32Array,
  offsets: Uint32Array | undefined,
  frames: Uint32Array | undefined,
  limit: number,
): Duplicates {
  const seen = new Map<number, number>();
  const environments = new Counter<EnvironmentPair>(limit);
  for (const [row, kind] of ofRow.entries()) {
    const of = seen.get(kind);
    if (of === undefined) seen.set(kind, row);
    else {
      environments.add(() => ({
        row,
        of,
        frame: frames?.[row] ?? null,
        ofFrame: frames?.[of] ?? null,
        distance: distanceOf(set, row, set, of),
      }));
    }
  }
  return { environments: environments.of(set.rows), frames: sameFrames(offsets, ofRow, undefined, undefined, limit) };
}

/**
 * Frames of a set that hold the same kinds, each as often, as one of another set, or as an earlier one of the same set.
 */
function sameFrames(
  offsets: Uint32Array | undefined,
  ofRow: Uint32Array,
  otherOffsets: Uint32Array | undefined,
  ofOtherRow: Uint32Array | undefined,
  limit: number,
): Repetitions<FramePair> | null {
  if (offsets === undefined) return null;
  const seen = new Map<string, number>();
  const within = ofOtherRow === undefined;
  if (!within) {
    if (otherOffsets === undefined) return null;
    for (const [frame, contents] of contentsOf(otherOffsets, ofOtherRow)) {
      if (!seen.has(contents)) seen.set(contents, frame);
    }
  }
  const same = new Counter<FramePair>(limit);
  for (const [frame, contents] of contentsOf(offsets, ofRow)) {
    const of = seen.get(contents);
    if (of !== undefined) same.add(() => ({ frame, of }));
    else if (within) seen.set(contents, frame);
  }
  return same.of(offsets.length - 1);
}

/** The sorted kinds of each frame, as a text to look up by. A frame without environments is like no other. */
function* contentsOf(offsets: Uint32Array, ofRow: Uint32Array): Generator<readonly [number, string]> {
  for (let frame = 0; frame + 1 < offsets.length; frame++) {
    const kinds = ofRow.slice(offsets[frame], offsets[frame + 1]).sort();
    if (kinds.length > 0) yield [frame, kinds.join()];
  }
}
