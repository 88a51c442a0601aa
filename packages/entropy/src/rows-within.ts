import type { Matrix } from '@surprisal/core';
import { rowProjection } from './row-projection.ts';
import { squaredDistance } from './squared-distance.ts';

/** Rounding of projections, as a share of the largest. */
const ROUNDING = 1e-13;

/**
 * The references within some distance of a query, exactly: sorted by their projection, and looked at where the projections
 * alone are no farther apart.
 */
export class RowsWithin {
  readonly #references: Matrix;
  readonly #order: Uint32Array;
  /** Projections, ascending. */
  readonly #keys: Float64Array;
  readonly #slack: number;

  /** @param rows  those of the references that count */
  constructor(references: Matrix, what: string, rows: Uint32Array) {
    const projection = rowProjection(references, what);
    this.#references = references;
    this.#order = Uint32Array.from(rows).sort((a, b) => projection[a]! - projection[b]! || a - b);
    this.#keys = Float64Array.from(this.#order, (row) => projection[row]!);
    this.#slack = ROUNDING * Math.max(1, Math.abs(this.#keys[0] ?? 0), Math.abs(this.#keys.at(-1) ?? 0));
  }

  /** The references whose squared distance from a query is no more than `limit`, in any order. */
  *of({ columns, data }: Matrix, query: number, projection: number, limit: number): Generator<number> {
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
