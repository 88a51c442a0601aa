import type { Matrix } from '@surprisal/core';
import { rowProjection } from './row-projection.ts';
import { squaredDistance } from './squared-distance.ts';

/**
 * Rows that are equal to within a tolerance, over several matrices, in time linear in their number.
 *
 * Rows come in order; each is equal to the nearest of the first ones of their kind that lies within the tolerance (the
 * earliest, if two are as near), or else is the first of a kind itself. The firsts are found by a hash of their
 * projection, cut into cells as wide as the tolerance.
 */
export class DistinctRows {
  readonly #tolerance: number;
  readonly #cells = new Map<number, number[]>();
  /** For each kind, where its first row is. */
  readonly #firsts: { readonly data: Float64Array | Float32Array; readonly at: number }[] = [];

  /** @param tolerance  ≥ 0; at 0 only rows of the same numbers are equal */
  constructor(tolerance: number) {
    this.#tolerance = tolerance;
  }

  /** How many kinds there are so far. */
  get count(): number {
    return this.#firsts.length;
  }

  /**
   * The kind of each row, counted from 0 in the order of their first rows; kinds that `count` did not hold before are
   * new.
   *
   * @param breathe  called with the number of rows done, before each row
   */
  async add(matrix: Matrix, what: string, breathe: (row: number) => Promise<void> | undefined): Promise<Uint32Array> {
    const { rows, columns, data } = matrix;
    const projection = rowProjection(matrix, what);
    const kinds = new Uint32Array(rows);
    for (let row = 0; row < rows; row++) {
      await breathe(row);
      const cell = this.#cell(projection[row]!);
      const kind = this.#find(cell, data, row * columns, columns);
      kinds[row] = kind ?? this.#begin(cell, data, row * columns);
    }
    return kinds;
  }

  #cell(projection: number): number {
    // Twice the tolerance, for a projection is rounded too.
    return this.#tolerance === 0 ? projection : Math.floor(projection / (2 * this.#tolerance));
  }

  #find(cell: number, data: Float64Array | Float32Array, at: number, columns: number): number | undefined {
    let found: number | undefined;
    let nearest = this.#tolerance ** 2;
    for (const near of this.#tolerance === 0 ? [cell] : [cell - 1, cell, cell + 1]) {
      for (const kind of this.#cells.get(near) ?? []) {
        const first = this.#firsts[kind]!;
        const squared = squaredDistance(data, at, first.data, first.at, columns, nearest);
        if (squared < nearest || (squared === nearest && (found === undefined || kind < found))) {
          [found, nearest] = [kind, squared];
        }
      }
    }
    return found;
  }

  #begin(cell: number, data: Float64Array | Float32Array, at: number): number {
    const kind = this.#firsts.length;
    this.#firsts.push({ data, at });
    const kinds = this.#cells.get(cell);
    if (kinds === undefined) this.#cells.set(cell, [kind]);
    else kinds.push(kind);
    return kind;
  }
}

/** Distance in 1/Å up to which rounding may set two descriptions of one environment apart. */
export function equalityTolerance(...matrices: readonly Matrix[]): number {
  return matrices.some(({ data }) => data instanceof Float32Array) ? 1e-6 : 1e-9;
}

/** The first row of each of the kinds 0 … kinds − 1, all of which occur. */
export function firstRows(kindOfRow: Uint32Array, kinds: number): Uint32Array {
  const firsts = new Uint32Array(kinds);
  for (let row = kindOfRow.length - 1; row >= 0; row--) firsts[kindOfRow[row]!] = row;
  return firsts;
}
