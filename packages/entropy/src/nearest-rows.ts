import type { Matrix } from '@surprisal/core';
import { rowProjection } from './row-projection.ts';
import { squaredDistance } from './squared-distance.ts';

/** A row of the references, and how far it is. */
export interface NearestRow {
  readonly row: number;
  /** Squared distance. */
  readonly squared: number;
}

/** Rounding of projections, as a share of the largest. */
const ROUNDING = 1e-13;

/**
 * Exact nearest references, by brute force over those that can be: sorted by their projection, looked at from the
 * query's outwards, until the projections alone are farther apart than the nearest found.
 */
export class NearestRows {
  readonly #references: Matrix;
  readonly #order: Uint32Array;
  /** Projections, ascending. */
  readonly #keys: Float64Array;
  readonly #slack: number;

  /** @param rows  those of the references that count; default all */
  constructor(references: Matrix, what: string, rows?: Uint32Array) {
    const projection = rowProjection(references, what);
    this.#references = references;
    this.#order = Uint32Array.from(rows ?? projection.keys()).sort((a, b) => projection[a]! - projection[b]! || a - b);
    this.#keys = Float64Array.from(this.#order, (row) => projection[row]!);
    this.#slack = ROUNDING * Math.max(1, Math.abs(this.#keys[0] ?? 0), Math.abs(this.#keys.at(-1) ?? 0));
  }

  /**
   * The nearest reference of a query; the earliest, if several are as near.
   *
   * @param projection  of the query, from `rowProjection`
   * @param beyond      squared distance: references at this distance or nearer do not count; −1 for none
   * @param limit       squared distance: references farther than this do not count
   */
  nearest(
    { columns, data }: Matrix,
    query: number,
    projection: number,
    beyond: number,
    limit: number,
  ): NearestRow | undefined {
    const keys = this.#keys;
    let [row, best] = [-1, limit];
    let above = firstAtLeast(keys, projection);
    let below = above - 1;
    while (true) {
      const up = above < keys.length ? keys[above]! - projection : Number.POSITIVE_INFINITY;
      const down = below >= 0 ? projection - keys[below]! : Number.POSITIVE_INFINITY;
      const apart = Math.min(up, down) - this.#slack;
      if (!(apart <= 0 || apart * apart <= best) || apart === Number.POSITIVE_INFINITY) break;
      const candidate = this.#order[up <= down ? above++ : below--]!;
      const squared = squaredDistance(data, query * columns, this.#references.data, candidate * columns, columns, best);
      if (squared > best || squared <= beyond) continue;
      if (squared < best || row < 0 || candidate < row) [row, best] = [candidate, squared];
    }
    return row < 0 ? undefined : { row, squared: best };
  }

  /** The references whose squared distance from a query is no more than `limit`, in any order. */
  *within({ columns, data }: Matrix, query: number, projection: number, limit: number): Generator<number> {
    const keys = this.#keys;
    const reach = Math.sqrt(limit) + this.#slack;
    for (let at = firstAtLeast(keys, projection - reach); at < keys.length && keys[at]! - projection <= reach; at++) {
      const row = this.#order[at]!;
      const { data: others } = this.#references;
      if (squaredDistance(data, query * columns, others, row * columns, columns, limit) <= limit) yield row;
    }
  }
}

/** The first place of an ascending list whose value is at least this; its length where there is none. */
function firstAtLeast(values: Float64Array, value: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
