import type { Column } from '@surprisal/core';
import { type ArrayKind, type ArrayMemory, arrayIn, ordinaryMemory } from './array-memory.ts';

/** Rows in the order of their ids. */
export interface IdOrder {
  /** (n) the row that comes at each place */
  readonly rows: Uint32Array;
  /** (n) its id */
  readonly ids: Float64Array;
  /** Values that lie in this order already, by those in the order of the file. */
  readonly ordered?: ReadonlyMap<unknown, Uint8Array> | undefined;
}

/** Two rows of one id. */
export interface RepeatedId {
  readonly id: number;
  /** The second of them, from 0. */
  readonly row: number;
}

/**
 * The rows in the order of their ids.
 *
 * @param ids  (n) whole numbers
 * @returns undefined where they lie in order already
 */
export function orderById(ids: Float64Array, memory: ArrayMemory = ordinaryMemory): IdOrder | RepeatedId | undefined {
  let sorted = true;
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < ids.length; row++) {
    const id = ids[row] as number;
    if (id <= highest) sorted = false;
    if (id < lowest) lowest = id;
    if (id > highest) highest = id;
  }
  if (sorted) return undefined;
  const span = highest - lowest + 1;
  return span <= 4 * ids.length + 1024 ? orderDense(ids, lowest, span, memory) : orderSparse(ids);
}

/** A column with its rows in another order. */
export function reorderColumn(column: Column, order: Pick<IdOrder, 'rows' | 'ordered'>, memory?: ArrayMemory): Column {
  const { width } = column;
  if (column.kind === 'string') {
    const values = Array.from({ length: column.values.length }, (_, at) => {
      const row = order.rows[Math.floor(at / width)] as number;
      return column.values[row * width + (at % width)] as string;
    });
    return { ...column, values };
  }
  if (column.kind === 'real') return { ...column, values: gather(column.values, order, width, Float64Array, memory) };
  if (column.kind === 'logical') return { ...column, values: gather(column.values, order, width, Uint8Array, memory) };
  const { values } = column;
  return values instanceof Float64Array
    ? { ...column, values: gather(values, order, width, Float64Array, memory) }
    : { ...column, values: gather(values, order, width, BigInt64Array, memory) };
}

/** Rows of an array in another order. */
export function gather<T extends Float64Array | BigInt64Array | Uint8Array | Uint16Array>(
  values: T,
  { rows, ordered }: Pick<IdOrder, 'rows' | 'ordered'>,
  width: number,
  kind: ArrayKind<T>,
  memory: ArrayMemory = ordinaryMemory,
): T {
  const bytes = ordered?.get(values);
  if (bytes !== undefined) return new kind(bytes.buffer as ArrayBuffer);
  const gathered = arrayIn(memory, kind, values.length);
  // A loop that meets arrays of one kind alone runs several times as fast.
  if (gathered instanceof Float64Array) gatherReals(values as Float64Array, rows, width, gathered);
  else gatherAny(values, rows, width, gathered);
  return gathered;
}

function gatherReals(values: Float64Array, order: Uint32Array, width: number, gathered: Float64Array): void {
  if (width === 1) {
    for (let row = 0; row < order.length; row++) gathered[row] = values[order[row] as number] as number;
    return;
  }
  for (let row = 0, to = 0; row < order.length; row++) {
    const from = (order[row] as number) * width;
    for (let at = from; at < from + width; at++) gathered[to++] = values[at] as number;
  }
}

function gatherAny<T extends BigInt64Array | Uint8Array | Uint16Array | Float64Array>(
  values: T,
  order: Uint32Array,
  width: number,
  gathered: T,
): void {
  for (let row = 0, to = 0; row < order.length; row++) {
    const from = (order[row] as number) * width;
    for (let at = from; at < from + width; at++) gathered[to++] = values[at] as never;
  }
}

/** Ids that lie close to one another, as they do: each goes to its own slot. */
function orderDense(ids: Float64Array, lowest: number, span: number, memory: ArrayMemory): IdOrder | RepeatedId {
  const slots = arrayIn(memory, Int32Array, span).fill(-1);
  for (let row = 0; row < ids.length; row++) {
    const slot = (ids[row] as number) - lowest;
    if (slots[slot] !== -1) return { id: ids[row] as number, row };
    slots[slot] = row;
  }
  const rows = arrayIn(memory, Uint32Array, ids.length);
  const sorted = arrayIn(memory, Float64Array, ids.length);
  let next = 0;
  for (let slot = 0; slot < span; slot++) {
    const row = slots[slot] as number;
    if (row < 0) continue;
    rows[next] = row;
    sorted[next++] = lowest + slot;
  }
  return { rows, ids: sorted };
}

function orderSparse(ids: Float64Array): IdOrder | RepeatedId {
  const rows = Uint32Array.from(ids, (_, row) => row);
  rows.sort((a, b) => (ids[a] as number) - (ids[b] as number) || a - b);
  for (let at = 1; at < rows.length; at++) {
    const row = rows[at] as number;
    if (ids[row] === ids[rows[at - 1] as number]) return { id: ids[row] as number, row };
  }
  return { rows, ids: Float64Array.from(rows, (row) => ids[row] as number) };
}
