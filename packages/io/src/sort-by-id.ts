import type { Column } from '@surprisal/core';

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
export function orderById(ids: Float64Array): Uint32Array | RepeatedId | undefined {
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
  return span <= 4 * ids.length + 1024 ? orderDense(ids, lowest, span) : orderSparse(ids);
}

/** A column with its rows in another order. */
export function reorderColumn(column: Column, order: Uint32Array): Column {
  const { width } = column;
  if (column.kind === 'string') {
    const values = Array.from({ length: column.values.length }, (_, at) => {
      const row = order[Math.floor(at / width)] as number;
      return column.values[row * width + (at % width)] as string;
    });
    return { ...column, values };
  }
  if (column.kind === 'real') return { ...column, values: gather(column.values, order, width, Float64Array) };
  if (column.kind === 'logical') return { ...column, values: gather(column.values, order, width, Uint8Array) };
  const { values } = column;
  return values instanceof Float64Array
    ? { ...column, values: gather(values, order, width, Float64Array) }
    : { ...column, values: gather(values, order, width, BigInt64Array) };
}

/** Rows of an array in another order. */
export function gather<T extends Float64Array | BigInt64Array | Uint8Array | Uint16Array>(
  values: T,
  order: Uint32Array,
  width: number,
  kind: new (length: number) => T,
): T {
  const gathered = new kind(values.length);
  if (width === 1) {
    for (let row = 0; row < order.length; row++) gathered[row] = values[order[row] as number] as never;
    return gathered;
  }
  for (let row = 0; row < order.length; row++) {
    const from = (order[row] as number) * width;
    for (let field = 0; field < width; field++) gathered[row * width + field] = values[from + field] as never;
  }
  return gathered;
}

/** Ids that lie close to one another, as they do: each goes to its own slot. */
function orderDense(ids: Float64Array, lowest: number, span: number): Uint32Array | RepeatedId {
  const slots = new Int32Array(span).fill(-1);
  for (let row = 0; row < ids.length; row++) {
    const slot = (ids[row] as number) - lowest;
    if (slots[slot] !== -1) return { id: ids[row] as number, row };
    slots[slot] = row;
  }
  const order = new Uint32Array(ids.length);
  let next = 0;
  for (const row of slots) if (row >= 0) order[next++] = row;
  return order;
}

function orderSparse(ids: Float64Array): Uint32Array | RepeatedId {
  const order = Uint32Array.from(ids, (_, row) => row);
  order.sort((a, b) => (ids[a] as number) - (ids[b] as number) || a - b);
  for (let at = 1; at < order.length; at++) {
    const row = order[at] as number;
    if (ids[row] === ids[order[at - 1] as number]) return { id: ids[row] as number, row };
  }
  return order;
}
