import type { Communicator } from './communicator.ts';

/**
 * Rows in a canonical block. Work is cut, and partial sums are formed, by global row index in blocks of this size, so
 * that neither the number of threads nor of ranks can change the order in which floating-point numbers are added.
 */
export const BLOCK_ROWS = 1024;

/** A range of rows, `end` exclusive. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The rows that this rank owns: a contiguous run of whole blocks, as even as whole blocks allow.
 *
 * @example
 * ownedRows(5000, serialCommunicator); // { start: 0, end: 5000 }
 */
export function ownedRows(rows: number, communicator: Communicator): RowRange {
  const blocks = Math.ceil(rows / BLOCK_ROWS);
  const first = Math.floor((blocks * communicator.rank) / communicator.size);
  const last = Math.floor((blocks * (communicator.rank + 1)) / communicator.size);
  return { start: Math.min(rows, first * BLOCK_ROWS), end: Math.min(rows, last * BLOCK_ROWS) };
}

/**
 * Sum over all rows, the same bits however the rows are spread over ranks.
 *
 * Each rank sums its own blocks from left to right; the sums of the blocks are gathered and added in block order.
 *
 * @param values  this rank's rows, as given by {@link ownedRows}
 */
export async function sumOverRows(values: Float64Array, communicator: Communicator): Promise<number> {
  const partials = new Float64Array(Math.ceil(values.length / BLOCK_ROWS));
  for (let block = 0; block < partials.length; block++) {
    let sum = 0;
    const end = Math.min(values.length, (block + 1) * BLOCK_ROWS);
    for (let row = block * BLOCK_ROWS; row < end; row++) sum += values[row] as number;
    partials[block] = sum;
  }
  let total = 0;
  for (const partial of await communicator.allGather(partials)) total += partial;
  return total;
}
