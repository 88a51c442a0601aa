import {
  type Context,
  type Matrix,
  type RandomSequence,
  randomSequence,
  SurprisalError,
  throwIfAborted,
} from '@surprisal/core';
import { cutStrata } from './cut-strata.ts';
import { DEFAULT_BANDWIDTH, DEFAULT_SEED } from './defaults.ts';
import { type EntropyManyOptions, type EntropyOptions, type EntropyResult, entropyMany } from './entropy.ts';
import { type KernelSumsOfRows, kernelSumsOfRows } from './kernel-sums-of-rows.ts';
import { planSample } from './plan-sample.ts';
import { RandomDraw } from './random-draw.ts';
import { moments, stratifiedTotal, UNSEEN } from './stratified-total.ts';
import { NORMAL_QUANTILE } from './student-quantile.ts';
import { type Bounds, expectedSurprisal, surprisalBounds } from './surprisal-bounds.ts';

/** How far an estimate can be trusted, and how it was made. */
export interface SamplingError {
  /** Whether H and D are exact: every environment was asked, since a sample would have cost as much. */
  readonly exact: boolean;
  /** What the intervals are meant to hold, 0.95. */
  readonly confidence: number;
  /** 95 % interval of H, nats; both ends are H where it is exact. */
  readonly interval: readonly [low: number, high: number];
  /** The farther end of it from H, nats: 0 where it is exact. */
  readonly halfWidth: number;
  /** 95 % interval of D, nats. The tolerance is not about it. */
  readonly diversityInterval: readonly [low: number, high: number];
  /** nats, as asked for. */
  readonly tolerance: number;
  /** n */
  readonly environments: number;
  /** Environments of which Σ_j K over all was taken. */
  readonly queries: number;
  /** They come in batches of this many. */
  readonly batch: number;
  /** Environments over which a sum was taken for every one; 0 where none was needed. */
  readonly references: number;
  /** Parts in which the sample was drawn; 0 where none was. */
  readonly strata: number;
  readonly seed: number;
}

/** {@link EntropyResult} of a sample of the environments, and how far it can be trusted. */
export interface EntropyEstimate extends EntropyResult {
  readonly estimate: SamplingError;
}

/** Options of {@link estimateEntropy}. */
export interface EstimateEntropyOptions extends EntropyOptions {
  /** Half-width of the 95 % interval of H that is good enough, nats, above 0. */
  readonly tolerance: number;
  /** Of what is drawn; default {@link DEFAULT_SEED}. */
  readonly seed?: number | undefined;
}

/** Options of {@link estimateEntropyMany}. */
export interface EstimateEntropyManyOptions extends EntropyManyOptions {
  /** Half-width of the 95 % interval of H that is good enough at each bandwidth, nats, above 0. */
  readonly tolerance: number;
  /** Of what is drawn; default {@link DEFAULT_SEED}. */
  readonly seed?: number | undefined;
}

/** Queries come in batches of this many, and only between batches the intervals are looked at. The first is the pilot. */
const QUERY_BATCH = 256;
/** Queries beside the pilot, at least. */
const LEAST_SAMPLE = 2 * QUERY_BATCH;
/** Random references are a power of two, from here on … */
const LEAST_REFERENCES = 256;
/** … to here, or to a quarter of the rows. */
const MOST_REFERENCES = 16_384;
const STRATA = 24;
/** Where a look finds that more has to be asked, it is by this share at least, so that there are few looks. */
const GROWTH = 0.15;
/** A standard deviation of a stratum is taken together with that of the pilot, which counts as so many rows. */
const PRIOR_ROWS = 8;

/**
 * Information entropy of a data set from a random sample of its environments against all of them, to within a tolerance.
 *
 *     H ≈ (1/n) [ Σ_{i∈pilot} u_i + Σ_{i∉pilot} β c_i + Σ_h N_h ⟨u_i − β c_i⟩_h ]      u_i = ln n − ln Σ_j K_ij
 *
 * Every row has a cheap likeness of its surprisal u, from m fixed random references R:
 *
 *     c_i = ln n − ln[ 1 + (n−1)/m Σ_{j∈R, j≠i} K_ij ]
 *
 * Of a random pilot of 256 rows u is known; u regressed on c gives the slope β there. All others are cut into strata by c (the
 * sum over the bandwidths), and in each a random sample, drawn without replacement, tells the mean of u − βc. So the estimate is without bias,
 * whatever c is worth. How many rows of a stratum are asked follows from the scatter within it and from how far a row can
 * lie from the mean: rare environments are asked more often, or all.
 *
 * The interval (see {@link stratifiedTotal}) is made of the scatter within the strata and of what a kind of rows can add of which the
 * sample happens to hold none: a few defects of a crystal, say. Rows are asked in batches of 256, no fewer than three;
 * between them the intervals are looked at, and once that of H is within the tolerance at every bandwidth it is enough.
 * m is the power of two (from 256 to 16,384) at which m and the number of queries that the pilot predicts make the least
 * sum: both cost n pairs each. Where they come to half of n or more, {@link entropyMany} is as cheap, and is what is
 * returned, to the bit.
 *
 * The error is the numerical one, of the entropy of this data set. How far that lies from the entropy of the ensemble from
 * which the set was drawn is another question, which a learning curve answers.
 *
 * D = ln Σ_i 1/Σ_j K_ij comes from the same sample, with an interval of its own: few rare rows make most of it, so it is
 * wider, and the tolerance is not about it.
 *
 * @param x  (n×d) row-major, 1/Å, one environment per row
 * @returns nats; the same bits for any number of threads and ranks
 * @throws {SurprisalError} EMPTY_INPUT, INVALID_BANDWIDTH, INVALID_ARGUMENT (also a tolerance that is not above 0),
 *   BACKEND_UNAVAILABLE, OUT_OF_MEMORY, ABORTED
 * @see Cochran, Sampling Techniques, 3rd ed. (Wiley, 1977), chapters 5 and 7; Särndal, Swensson, Wretman, Model Assisted
 *   Survey Sampling (Springer, 1992), 6.3, for the difference estimator
 *
 * @example
 * const { entropy: h, estimate } = await estimateEntropy(x, { bandwidth: 0.015, tolerance: 0.01, seed: 1 });
 * console.log(`${h} ± ${estimate.halfWidth} nats, from ${estimate.queries} of ${x.rows} environments`);
 */
export async function estimateEntropy(x: Matrix, options: EstimateEntropyOptions): Promise<EntropyEstimate> {
  const bandwidths = [options.bandwidth ?? DEFAULT_BANDWIDTH];
  const [result] = await estimateEntropyMany(x, { ...options, bandwidths });
  return result as EntropyEstimate;
}

/**
 * {@link estimateEntropy} at several bandwidths, from one sample: it is enough once it is for each.
 *
 * @returns one result for each bandwidth, in their order
 */
export async function estimateEntropyMany(x: Matrix, options: EstimateEntropyManyOptions): Promise<EntropyEstimate[]> {
  const { bandwidths, tolerance, seed = DEFAULT_SEED } = options;
  if (!(tolerance > 0 && tolerance < Number.POSITIVE_INFINITY)) {
    throw new SurprisalError('INVALID_ARGUMENT', `the tolerance is ${tolerance}; it must be above 0 nats, and finite`);
  }
  const sums = kernelSumsOfRows(x, options, 'estimating H');
  const estimated = await estimateFromSums(sums, x.rows, { bandwidths, tolerance, seed, signal: options.signal });
  if (estimated !== undefined) return estimated;
  const exact = await entropyMany(x, options);
  return exact.map((result) => ({
    ...result,
    estimate: {
      ...aboutSample(tolerance, seed, x.rows),
      exact: true,
      interval: [result.entropy, result.entropy],
      halfWidth: 0,
      diversityInterval: [result.diversity, result.diversity],
      queries: x.rows,
      references: 0,
      strata: 0,
    },
  }));
}

/** What an estimate is made from, beside the sums. */
export interface EstimateParameters extends Pick<Context, 'signal'> {
  readonly bandwidths: readonly number[];
  readonly tolerance: number;
  readonly seed: number;
}

/**
 * {@link estimateEntropyMany} from kernel sums, wherever they come from.
 *
 * @param rows  n
 * @returns undefined where all rows may as well be asked
 */
export async function estimateFromSums(
  sums: KernelSumsOfRows,
  rows: number,
  { bandwidths, tolerance, seed, signal }: EstimateParameters,
): Promise<EntropyEstimate[] | undefined> {
  // Exactly, each pair is taken once; a query, as a reference, costs n pairs.
  const isCheaper = (references: number, queries: number) => references + queries < rows / 2;
  if (!isCheaper(LEAST_REFERENCES, QUERY_BATCH + LEAST_SAMPLE)) return undefined;
  const stream = (which: number) => randomSequence(randomSequence(seed).integer(which, 2 ** 52));
  const pilot = new RandomDraw(rows, stream(0)).next(QUERY_BATCH);
  const candidates = new RandomDraw(rows, stream(1)).next(Math.min(MOST_REFERENCES, rows >> 2));
  sums.expect(rows * (QUERY_BATCH + LEAST_REFERENCES + LEAST_SAMPLE));
  const known = (await sums.of(pilot, null)).map((logSums) => surprisalsOf(logSums, rows));
  const choice = await chooseReferences(sums, { rows, tolerance, pilot, known, candidates });
  if (!isCheaper(choice.references, QUERY_BATCH + choice.queries)) return undefined;
  sums.expect(rows * (choice.references + choice.queries));
  const references = candidates.subarray(0, choice.references);
  const likely = (await sums.of(null, references)).map((logSums) => sumsOverOthers(logSums, references));
  throwIfAborted(signal);
  const sample = new StratifiedSample({ rows, references: references.length, likely, pilot, known }, stream);
  while (true) {
    const targets = sample.plan(tolerance);
    const queries = QUERY_BATCH + targets.reduce((sum, target) => sum + target, 0);
    if (!isCheaper(references.length, queries)) return undefined;
    const asked = sample.draw(targets);
    sums.expect(rows * asked.length);
    sample.take((await sums.of(asked, null)).map((logSums) => surprisalsOf(logSums, rows)));
    const results = sample.results();
    if (results.some(({ halfWidth }) => halfWidth > tolerance)) continue;
    return results.map(({ entropy, diversity, ...error }, b) => ({
      bandwidth: bandwidths[b]!,
      entropy,
      maxEntropy: Math.log(rows),
      diversity,
      estimate: {
        ...aboutSample(tolerance, seed, rows),
        exact: false,
        ...error,
        queries,
        references: references.length,
        strata: sample.strata,
      },
    }));
  }
}

function aboutSample(tolerance: number, seed: number, environments: number) {
  return { confidence: 0.95, tolerance, environments, batch: QUERY_BATCH, seed };
}

/** A sum holds the row itself and at most n ones: 0 ≤ u ≤ ln n, whatever the last digit says. */
function surprisalsOf(logSums: Float64Array, rows: number): Float64Array {
  const maximum = Math.log(rows);
  return logSums.map((logSum) => Math.min(Math.max(maximum - logSum, 0), maximum));
}

/**
 * How many references make the cheapest estimate: of m in powers of two that for which m + q(m) is least, where q queries
 * make the half-width that the pilot promises, (t s/√q, ln 20 r/q) in quadrature, as large as the tolerance; s is the
 * standard deviation of u about its regression on c, and r the mean distance of bounds of u from c.
 */
async function chooseReferences(
  sums: KernelSumsOfRows,
  {
    rows,
    tolerance,
    pilot,
    known,
    candidates,
  }: {
    readonly rows: number;
    readonly tolerance: number;
    readonly pilot: Uint32Array;
    readonly known: readonly Float64Array[];
    readonly candidates: Uint32Array;
  },
): Promise<{ readonly references: number; readonly queries: number }> {
  let best = { references: 0, queries: Number.POSITIVE_INFINITY };
  const logSums = known.map(() => new Float64Array(pilot.length).fill(Number.NEGATIVE_INFINITY));
  for (let before = 0, m = LEAST_REFERENCES; m <= candidates.length; before = m, m *= 2) {
    const more = candidates.subarray(before, m);
    const places = new Map(Array.from(pilot, (row, place) => [row, place]));
    const itself = Uint32Array.from(more, (row) => places.get(row) ?? NOWHERE).filter((place) => place !== NOWHERE);
    let queries = LEAST_SAMPLE;
    for (const [b, part] of (await sums.of(pilot, more)).entries()) {
      const sum = logSums[b]!;
      for (const [i, value] of withoutItself(part, itself).entries()) sum[i] = logOfSum(sum[i]!, value);
      const expected = sum.map((value) => expectedSurprisal(value, rows, m));
      const { residual } = regression(expected, known[b]!);
      const reach = moments(expected.map((c, i) => farthest(c, surprisalBounds(sum[i]!, sum[i]!, rows, m)))).mean;
      const scatter = NORMAL_QUANTILE ** 2 * residual;
      const needed = (scatter + Math.hypot(scatter, 2 * tolerance * UNSEEN * reach)) / (2 * tolerance ** 2);
      queries = Math.max(queries, Math.ceil(needed / QUERY_BATCH) * QUERY_BATCH);
    }
    if (m + queries < best.references + best.queries) best = { references: m, queries };
  }
  return best;
}

const NOWHERE = 2 ** 32 - 1;

/** ln(eᵃ + eᵇ) */
function logOfSum(a: number, b: number): number {
  const [less, more] = a < b ? [a, b] : [b, a];
  return less === Number.NEGATIVE_INFINITY ? more : more + Math.log1p(Math.exp(less - more));
}

/** Sums of all rows over some of them, as sums over the same number of others. */
function sumsOverOthers(logSums: Float64Array, references: Uint32Array): Float64Array {
  const others = withoutItself(logSums, references);
  const scale = Math.log(references.length / (references.length - 1));
  for (const row of references) others[row]! += scale;
  return others;
}

/** Takes what a row has of itself out of the sums at some places: one. What is left beside it to so few digits will do. */
function withoutItself(logSums: Float64Array, places: Uint32Array): Float64Array {
  const others = logSums.slice();
  for (const place of places) {
    const logSum = others[place]!;
    others[place] = logSum > 0 ? logSum + Math.log(-Math.expm1(-logSum)) : Number.NEGATIVE_INFINITY;
  }
  return others;
}

function farthest(value: number, [low, high]: Bounds): number {
  return Math.max(value - low, high - value, 0);
}

/**
 * Least squares of y on x: the slope, and the variance of what is left.
 *
 * A slope below 0 or above 1 is chance, or comes of an x that hardly varies, and would do harm where others vary more: it is
 * cut.
 */
function regression(x: ArrayLike<number>, y: ArrayLike<number>): { readonly slope: number; readonly residual: number } {
  const { mean: meanX, squares } = moments(x);
  const { mean: meanY } = moments(y);
  let products = 0;
  for (let i = 0; i < x.length; i++) products += (x[i]! - meanX) * (y[i]! - meanY);
  const slope = squares > 0 ? Math.min(Math.max(products / squares, 0), 1) : 0;
  let left = 0;
  for (let i = 0; i < x.length; i++) left += (y[i]! - meanY - slope * (x[i]! - meanX)) ** 2;
  return { slope, residual: left / (x.length - 2) };
}

/** What a sample is drawn from. */
interface SampleSource {
  /** n */
  readonly rows: number;
  /** m */
  readonly references: number;
  /** For each bandwidth, of each row the logarithm of its kernel sum over m others. */
  readonly likely: readonly Float64Array[];
  /** Rows whose surprisals are known. */
  readonly pilot: Uint32Array;
  /** Those, for each bandwidth. */
  readonly known: readonly Float64Array[];
}

/** One part of the rows. */
interface Stratum {
  /** Those of them that are not of the pilot. */
  readonly rows: Uint32Array;
  readonly draw: RandomDraw;
  readonly ofBandwidths: readonly StratumOfBandwidth[];
}

/** What is known of it at one bandwidth. */
interface StratumOfBandwidth {
  /** Of u. */
  readonly bounds: Bounds;
  /** Mean of c, before that of u is known. */
  readonly guess: number;
  /** u − βc in the pilot. */
  readonly pilot: readonly number[];
  /** u of the rows that were asked. */
  readonly surprisals: number[];
  /** u − βc of them. */
  readonly differences: number[];
}

/** The regression at one bandwidth. */
interface Likeness {
  readonly expected: Float64Array;
  readonly slope: number;
  readonly residual: number;
  /** Σ u over the pilot, and Σ βc over the others. */
  readonly known: number;
  /** Σ exp(u)/n over the pilot. */
  readonly knownInverse: number;
}

class StratifiedSample {
  readonly #rows: number;
  readonly #strata: Stratum[] = [];
  readonly #likenesses: readonly Likeness[];
  /** What was drawn last. */
  #drawn: { readonly stratum: Stratum; readonly row: number }[] = [];
  #size = 0;

  constructor({ rows, references, likely, pilot, known }: SampleSource, stream: (which: number) => RandomSequence) {
    this.#rows = rows;
    const placeInPilot = new Map(Array.from(pilot, (row, place) => [row, place]));
    this.#likenesses = likely.map((logSums, b) => {
      const expected = logSums.map((logSum) => expectedSurprisal(logSum, rows, references));
      const ofPilot = Array.from(pilot, (row) => expected[row]!);
      const surprisals = known[b]!;
      const { slope, residual } = regression(ofPilot, surprisals);
      const others = sum(expected) - sum(ofPilot);
      const inverse = surprisals.map((u) => Math.exp(u) / rows);
      return { expected, slope, residual, known: sum(surprisals) + slope * others, knownInverse: sum(inverse) };
    });
    const keys = new Float64Array(rows);
    for (const { expected } of this.#likenesses) for (let row = 0; row < rows; row++) keys[row]! += expected[row]!;
    for (const [h, members] of cutStrata(keys, STRATA).entries()) {
      const others = members.filter((row) => !placeInPilot.has(row));
      if (others.length === 0) continue;
      const ofBandwidths = this.#likenesses.map(({ expected, slope }, b) => {
        const ofPilot = Array.from(members.filter((row) => placeInPilot.has(row)));
        const differences = ofPilot.map((row) => known[b]![placeInPilot.get(row)!]! - slope * expected[row]!);
        let [least, most, total] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
        for (const row of others) {
          const logSum = likely[b]![row]!;
          if (logSum < least) least = logSum;
          if (logSum > most) most = logSum;
          total += expected[row]!;
        }
        const bounds = surprisalBounds(least, most, rows, references);
        return { bounds, guess: total / others.length, pilot: differences, surprisals: [], differences: [] };
      });
      this.#strata.push({ rows: others, draw: new RandomDraw(others.length, stream(2 + h)), ofBandwidths });
    }
  }

  get strata(): number {
    return this.#strata.length;
  }

  /** How many rows of each stratum should have been asked after the next batches. */
  plan(tolerance: number): number[] {
    const strata = this.#strata.map(({ rows, ofBandwidths }) => ({
      size: rows.length,
      asked: ofBandwidths[0]!.differences.length,
      variances: ofBandwidths.map(({ pilot, differences }, b) => {
        const seen = differences.length > 1 ? differences : pilot;
        const prior = PRIOR_ROWS * this.#likenesses[b]!.residual;
        return (moments(seen).squares + prior) / (Math.max(0, seen.length - 1) + PRIOR_ROWS);
      }),
      reaches: ofBandwidths.map(({ bounds, guess, surprisals }) =>
        farthest(surprisals.length === 0 ? guess : moments(surprisals).mean, bounds),
      ),
    }));
    const least = Math.max(LEAST_SAMPLE, Math.ceil(this.#size * (1 + GROWTH)));
    return planSample(strata, { rows: this.#rows, tolerance, least, batch: QUERY_BATCH });
  }

  /** Draws until as many rows of each stratum have been drawn; those that are new. */
  draw(targets: readonly number[]): Uint32Array {
    this.#drawn = this.#strata.flatMap((stratum, h) => {
      const places = stratum.draw.next(targets[h]! - stratum.ofBandwidths[0]!.differences.length);
      return Array.from(places, (place) => ({ stratum, row: stratum.rows[place]! }));
    });
    return Uint32Array.from(this.#drawn, ({ row }) => row);
  }

  /** @param surprisals  for each bandwidth, of the rows that were drawn last */
  take(surprisals: readonly Float64Array[]): void {
    for (const [i, { stratum, row }] of this.#drawn.entries()) {
      for (const [b, { surprisals: known, differences }] of stratum.ofBandwidths.entries()) {
        const { slope, expected } = this.#likenesses[b]!;
        const u = surprisals[b]![i]!;
        known.push(u);
        differences.push(u - slope * expected[row]!);
      }
    }
    this.#size += this.#drawn.length;
    this.#drawn = [];
  }

  /** H and D with their intervals, for each bandwidth. */
  results() {
    const [rows, maximum] = [this.#rows, Math.log(this.#rows)];
    const within = (value: number, low: number) => Math.min(Math.max(value, low), maximum);
    return this.#likenesses.map(({ known, knownInverse }, b) => {
      const strata = this.#strata.map((stratum) => ({ size: stratum.rows.length, ...stratum.ofBandwidths[b]! }));
      const total = stratifiedTotal(
        known,
        strata.map((stratum) => ({ ...stratum, mean: moments(stratum.surprisals).mean })),
      );
      const entropy = within(total.value / rows, 0);
      const interval = [within(total.interval[0] / rows, 0), within(total.interval[1] / rows, 0)] as const;
      // Σ_i 1/Σ_j K_ij = Σ_i exp(u_i)/n
      const inverse = stratifiedTotal(
        knownInverse,
        strata.map(({ size, surprisals, bounds: [low, high] }) => {
          const differences = surprisals.map((u) => Math.exp(u) / rows);
          const bounds = [Math.exp(low) / rows, Math.exp(high) / rows] as const;
          return { size, differences, bounds, mean: moments(differences).mean };
        }),
      );
      const diversity = within(Math.log(inverse.value), entropy);
      // D is not below H.
      const lowest = within(Math.log(Math.max(1, inverse.interval[0])), interval[0]);
      const highest = within(Math.log(inverse.interval[1]), diversity);
      return {
        entropy,
        diversity,
        interval,
        halfWidth: Math.max(entropy - interval[0], interval[1] - entropy),
        diversityInterval: [Math.min(lowest, diversity), highest] as const,
      };
    });
  }
}

/** From left to right. */
function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}
