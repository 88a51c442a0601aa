import { SurprisalError } from '@surprisal/core';
import { NORMAL_QUANTILE, studentQuantile } from './student-quantile.ts';

/** A point of a learning curve, as the fit takes it. */
export interface CurvePoint {
  /** How many units (frames or environments) the subset has, ≥ 1. */
  readonly n: number;
  /** H, nats. */
  readonly entropy: number;
  /** Variance of H, up to one factor common to all points; above 0. */
  readonly variance: number;
}

/** Options of {@link fitAsymptote}. */
export interface FitAsymptoteOptions {
  /** Of the error that all points share, nats²; default 0. */
  readonly commonVariance?: number | undefined;
  /**
   * Whether each subset holds the smaller ones; default false: their errors are independent. The variances then fall as
   * subsets grow, and any two points have the smaller of theirs in common.
   */
  readonly nested?: boolean | undefined;
}

/** Where a learning curve ends. */
export interface Asymptote {
  readonly determined: true;
  /** a, nats: H of infinitely many units, if the form of the curve holds. */
  readonly value: number;
  /** 95 % interval of a, nats. */
  readonly interval: readonly [low: number, high: number];
  /** b, nats: H(n) = a − b exp(−c ln² n), b ≥ 0. */
  readonly amplitude: number;
  /** c. */
  readonly rate: number;
  /** Root of the mean squared residual, nats. */
  readonly residual: number;
}

/** Why a learning curve does not tell where it ends. */
export interface UndeterminedAsymptote {
  readonly determined: false;
  readonly cause: 'too-few-points' | 'undersampled' | 'flat' | 'unbounded' | 'wide-interval';
  /** A sentence for a person. */
  readonly reason: string;
}

/** Three parameters, and at least one point more to judge them by. */
const FEWEST_POINTS = 4;
/** An interval wider than this share of a says too little to be given. */
const WIDEST_INTERVAL = 0.25;
/** Rates on the grid on which the search begins. */
const RATES = 400;
/** Where c (ln² n_last − ln² n_first) is below this, the curve is a straight line in ln² n to within rounding of H. */
const STRAIGHT = 1e-3;
/** Where c (ln² n_second − ln² n_first) is above this, the curve has ended before its second point. */
const ENDED = 40;
/** exp of it is far from overflow. */
const LARGEST_EXPONENT = 500;
/** A curve that rises by less than this share of H while n doubles has no bend left to fit. */
const FLAT = 0.01;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Fits the asymptote a of a learning curve
 *
 *     H(n) = a − b exp(−c ln² n),   b ≥ 0
 *
 * by weighted least squares. Given c, the curve is linear in a and b, so they are solved for in closed form and what is
 * left is a search in c alone (variable projection): a grid, evenly spaced in ln c from a curve that is still straight
 * to one that has ended before its second point, then golden section.
 *
 * The interval is the profile likelihood's: every a for which some b ≥ 0 and c reach a sum of squares
 *
 *     S(a) ≤ S_min (1 + t²/ν),   t the 97.5 % quantile of Student's t for ν = points − 3
 *
 * An error common to all points, as where they are all drawn from one finite set, shifts the curve and does not show in
 * the scatter about it: its variance is added in quadrature. Nor does all of the error show where each subset holds the
 * smaller ones, for then their errors go together: with `nested` what is fitted are the increments, whose errors do not.
 * Whether the form of the curve holds beyond the points, the interval does not know.
 *
 * @param points  in any order
 * @returns the fit, or the reason why there is none: fewer than four distinct n; values of a without bound fit as
 *   well (the curve does not bend enough); an interval wider than a quarter of a; in these two cases `flat` where the
 *   curve has ended
 * @throws {SurprisalError} INVALID_ARGUMENT if an n is below 1, an H is not finite, or a variance is not above 0
 * @see Schwalbe-Koda et al., Nat. Commun. 16, 4014 (2025), for the form of the curve
 *
 * @example
 * const h = (n) => 5 - 4 * Math.exp(-0.1 * Math.log(n) ** 2);
 * const fit = fitAsymptote([10, 20, 50, 100, 200].map((n) => ({ n, entropy: h(n), variance: 1 / n })));
 * if (fit.determined) fit.value.toFixed(6); // '5.000000'
 */
export function fitAsymptote(
  points: readonly CurvePoint[],
  { commonVariance = 0, nested = false }: FitAsymptoteOptions = {},
): Asymptote | UndeterminedAsymptote {
  for (const { n, entropy, variance } of points) {
    if (n >= 1 && n < Number.POSITIVE_INFINITY && Number.isFinite(entropy) && variance > 0) continue;
    throw new SurprisalError(
      'INVALID_ARGUMENT',
      `a point of the learning curve has n = ${n}, H = ${entropy} and variance ${variance}; n must be at least 1, H finite and the variance above 0`,
    );
  }
  const sizes = new Set(points.map(({ n }) => n)).size;
  const distinct = nested ? Math.min(sizes, new Set(points.map(({ variance }) => variance)).size) : sizes;
  if (distinct < FEWEST_POINTS) {
    return refused(
      'too-few-points',
      `the curve has ${distinct} distinct sizes of subset; three parameters need at least ${FEWEST_POINTS}`,
    );
  }
  const curve = new Curve(points, nested ? byIncrements(points) : eachByItself(points));
  const rates = curve.rates();
  const best = curve.at(leastBetween(rates, (rate) => curve.at(rate).squares));
  // A perfect fit leaves rounding; below it no difference between sums of squares means anything.
  const rounding = curve.weight * (1e-13 * curve.largest) ** 2;
  const freedom = (nested ? distinct : points.length) - 3;
  const limit = best.squares + (Math.max(best.squares, rounding) * studentQuantile(freedom) ** 2) / freedom;
  const straight = curve.at(rates[0]!);
  if (straight.squares <= limit && straight.amplitude > 0) {
    return (
      flat(points) ??
      refused(
        'unbounded',
        'the curve still rises without bending enough: asymptotes of any height fit it as well as the best; larger subsets, or a wider bandwidth, would show where it ends',
      )
    );
  }
  const low = leastBetween(rates, (rate) => curve.ends(rate, limit)[0]);
  const high = leastBetween(rates, (rate) => -curve.ends(rate, limit)[1]);
  const common = NORMAL_QUANTILE ** 2 * commonVariance;
  const below = Math.max(0, best.asymptote - curve.ends(low, limit)[0]);
  const above = Math.max(0, curve.ends(high, limit)[1] - best.asymptote);
  const interval = [
    best.asymptote - Math.sqrt(below ** 2 + common),
    best.asymptote + Math.sqrt(above ** 2 + common),
  ] as const;
  const width = interval[1] - interval[0];
  if (width > WIDEST_INTERVAL * Math.abs(best.asymptote)) {
    return (
      flat(points) ??
      refused(
        'wide-interval',
        `the asymptote could be anything from ${interval[0].toFixed(2)} to ${interval[1].toFixed(2)} nats, wider than ${100 * WIDEST_INTERVAL} % of its best value`,
      )
    );
  }
  return {
    determined: true,
    value: best.asymptote,
    interval,
    amplitude: best.amplitude,
    rate: best.rate,
    residual: curve.residual(best),
  };
}

/** A learning curve that does not tell where it ends. */
export function refused(cause: UndeterminedAsymptote['cause'], reason: string): UndeterminedAsymptote {
  return { determined: false, cause, reason };
}

/** The refusal for a curve whose upper half rises no more: it has ended, and needs no extrapolation. */
function flat(points: readonly CurvePoint[]): UndeterminedAsymptote | undefined {
  const sorted = points.toSorted((a, b) => a.n - b.n);
  const last = sorted.at(-1)!;
  const half = sorted.findLast(({ n }) => n <= last.n / 2) ?? sorted[0]!;
  const rise = last.entropy - half.entropy;
  if (rise > FLAT * last.entropy) return undefined;
  return refused(
    'flat',
    `from n = ${half.n} to ${last.n} the curve rises by no more than ${100 * FLAT} % (${rise.toFixed(3)} nats), so there is no bend to extrapolate by: H = ${last.entropy.toFixed(3)} nats of the largest subset is the answer itself`,
  );
}

interface Solution {
  readonly rate: number;
  readonly asymptote: number;
  /** b, of exp(−c ln² n). */
  readonly amplitude: number;
  /** Weighted sum of squares. */
  readonly squares: number;
}

/**
 * The points as a linear model z = a u − b v(c) whose errors are independent and of one variance, from y = a − b g(c):
 * g_i = exp(−c (ln² n_i − ln² n_first)) lies between 0 and 1, whatever c is.
 */
class Curve {
  readonly #points: readonly { readonly x: number; readonly y: number }[];
  readonly #first: number;
  readonly #spans: readonly number[];
  readonly #whiten: Whitening;
  readonly #u: readonly number[];
  readonly #z: readonly number[];
  /** z − ȳ u */
  readonly #centred: readonly number[];
  readonly #mean: number;
  readonly #flat: number;
  /** Σ u² */
  readonly weight: number;
  readonly largest: number;

  constructor(points: readonly CurvePoint[], whiten: Whitening) {
    const squares = points.map(({ n }) => Math.log(n) ** 2);
    this.#first = squares.reduce((a, b) => Math.min(a, b));
    this.#points = points.map(({ entropy }, i) => ({ x: squares[i]! - this.#first, y: entropy }));
    this.#spans = [...new Set(this.#points.map(({ x }) => x))].sort((a, b) => a - b);
    this.#whiten = whiten;
    this.#u = whiten(points.map(() => 1));
    this.#z = whiten(points.map(({ entropy }) => entropy));
    this.weight = dot(this.#u, this.#u);
    this.largest = points.reduce((most, { entropy }) => Math.max(most, Math.abs(entropy)), 0);
    this.#mean = dot(this.#u, this.#z) / this.weight;
    this.#centred = this.#z.map((z, i) => z - this.#mean * this.#u[i]!);
    this.#flat = dot(this.#centred, this.#centred);
  }

  /** Rates from a straight curve to one that has ended at once, evenly in ln c. */
  rates(): number[] {
    // b = (what it is at the first point) exp(c ln² n_first) stays a finite number.
    const fastest = Math.min(ENDED / this.#spans[1]!, LARGEST_EXPONENT / this.#first);
    const slowest = Math.min(STRAIGHT / this.#spans.at(-1)!, fastest / 10);
    return Array.from({ length: RATES }, (_, i) => slowest * (fastest / slowest) ** (i / (RATES - 1)));
  }

  /** The best a and b ≥ 0 for this rate. */
  at(rate: number): Solution {
    const { g, centred, stiffness, slope } = this.#project(rate);
    // Centred: z − ȳ u = −b (v − ḡ u).
    const amplitude = -slope / stiffness;
    if (!(amplitude > 0)) return { rate, asymptote: this.#mean, amplitude: 0, squares: this.#flat };
    const asymptote = this.#mean + amplitude * g;
    const squares = this.#centred.reduce((sum, value, i) => sum + (value + amplitude * centred[i]!) ** 2, 0);
    return { rate, asymptote, amplitude: amplitude * Math.exp(rate * this.#first), squares };
  }

  /**
   * The smallest and the largest a that reach this sum of squares at this rate: without the bound on b, S(a) is a
   * parabola of curvature q = Σu² − (Σuv)²/Σv² about the best a; where the bound holds b at 0, one of curvature Σu²
   * about the mean. [∞, −∞] where none does.
   */
  ends(rate: number, limit: number): readonly [number, number] {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    if (this.#flat <= limit) {
      const reach = Math.sqrt((limit - this.#flat) / this.weight);
      [low, high] = [this.#mean - reach, this.#mean + reach];
    }
    const { g, stiffness, slope, square, product } = this.#project(rate);
    const amplitude = -slope / stiffness;
    const asymptote = this.#mean + amplitude * g;
    const squares = this.#flat - amplitude * amplitude * stiffness;
    const curvature = (this.weight * stiffness) / square;
    if (squares <= limit && curvature > 0) {
      const reach = Math.sqrt((limit - squares) / curvature);
      // b = Σ v (a u − z) / Σ v², so b ≥ 0 for a from here on.
      const lowest = product / (this.weight * g);
      if (asymptote + reach >= lowest) {
        low = Math.min(low, Math.max(lowest, asymptote - reach));
        high = Math.max(high, asymptote + reach);
      }
    }
    return [low, high];
  }

  residual({ rate, asymptote, amplitude }: Solution): number {
    const scaled = amplitude * Math.exp(-rate * this.#first);
    const sum = this.#points.reduce(
      (total, { x, y }) => total + (y - asymptote + scaled * Math.exp(-rate * x)) ** 2,
      0,
    );
    return Math.sqrt(sum / this.#points.length);
  }

  #project(rate: number) {
    const v = this.#whiten(this.#points.map(({ x }) => Math.exp(-rate * x)));
    const g = dot(this.#u, v) / this.weight;
    const centred = v.map((value, i) => value - g * this.#u[i]!);
    return {
      /** ḡ = Σ u v / Σ u² */
      g,
      /** v − ḡ u */
      centred,
      /** Σ (v − ḡ u)² */
      stiffness: dot(centred, centred),
      /** Σ (v − ḡ u)(z − ȳ u) */
      slope: dot(centred, this.#centred),
      /** Σ v² */
      square: dot(v, v),
      /** Σ v z */
      product: dot(v, this.#z),
    };
  }
}

/** Makes of one number for each point combinations whose errors are independent and of one variance. */
type Whitening = (values: readonly number[]) => number[];

/** Points whose errors are independent: each over the root of its variance. */
function eachByItself(points: readonly CurvePoint[]): Whitening {
  const scales = points.map(({ variance }) => 1 / Math.sqrt(variance));
  return (values) => values.map((value, i) => scales[i]! * value);
}

/**
 * Points of subsets that hold one another. A mean over a subset is the mean over the one before and over what has come
 * in since, which is independent of it: with m = 1/variance, (m_i y_i − m_{i−1} y_{i−1})/√(m_i − m_{i−1}).
 */
function byIncrements(points: readonly CurvePoint[]): Whitening {
  const order = [...points.keys()].sort((a, b) => points[b]!.variance - points[a]!.variance);
  const rows: { readonly of: number; readonly before: number; readonly gain: number; readonly loss: number }[] = [];
  let [before, known] = [-1, 0];
  for (const of of order) {
    const m = 1 / points[of]!.variance;
    // The same subset again says nothing new.
    if (m <= known) continue;
    const norm = Math.sqrt(m - known);
    rows.push({ of, before, gain: m / norm, loss: known / norm });
    [before, known] = [of, m];
  }
  return (values) => rows.map(({ of, before, gain, loss }) => gain * values[of]! - loss * (values[before] ?? 0));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

/** Where f is least: the best of the grid (ascending), then golden section in ln c between its neighbours. */
function leastBetween(grid: readonly number[], f: (rate: number) => number): number {
  let best = 0;
  const values = grid.map(f);
  for (const [i, value] of values.entries()) if (value < values[best]!) best = i;
  let low = Math.log(grid[Math.max(0, best - 1)]!);
  let high = Math.log(grid[Math.min(grid.length - 1, best + 1)]!);
  let [left, right] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
  let [atLeft, atRight] = [f(Math.exp(left)), f(Math.exp(right))];
  while (high - low > 1e-9) {
    if (atLeft <= atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - GOLDEN * (high - low);
      atLeft = f(Math.exp(left));
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + GOLDEN * (high - low);
      atRight = f(Math.exp(right));
    }
  }
  const found = Math.exp((low + high) / 2);
  return f(found) <= values[best]! ? found : grid[best]!;
}
