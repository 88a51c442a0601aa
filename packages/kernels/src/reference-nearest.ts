import { type Context, cooperate } from '@surprisal/core';
import { type NearestReferences, type NearestTask, NO_REFERENCE } from './nearest-task.ts';
import { NEAREST_STAGE, UNIT } from './stage.ts';

/** The search of a task, reference by reference: each goes to its place among the k nearest so far. */
export async function referenceNearestReferences(task: NearestTask, context: Context): Promise<NearestReferences> {
  const { queries, references, k, leaveOut, beyond, within } = task;
  const { columns } = queries;
  const y = references.data;
  const rows = new Uint32Array(queries.rows * k).fill(NO_REFERENCE);
  const squared = new Float64Array(queries.rows * k).fill(Number.POSITIVE_INFINITY);
  const breathe = cooperate(NEAREST_STAGE, queries.rows, UNIT, context);
  for (let i = 0; i < queries.rows; i++) {
    await breathe(i);
    const x = queries.data.subarray(i * columns, (i + 1) * columns);
    const [start, end] = leaveOut === null ? [0, 0] : [leaveOut.starts[i]!, leaveOut.ends[i]!];
    let found = 0;
    for (let j = 0, at = 0; j < references.rows; j++, at += columns) {
      if (j >= start && j < end) continue;
      let sum = 0;
      for (let c = 0; c < columns; c++) {
        const difference = y[at + c]! - x[c]!;
        sum += difference * difference;
      }
      if (sum <= beyond || sum > within) continue;
      if (found < k) found++;
      else if (sum >= squared[i * k + k - 1]!) continue;
      // References come in the order of their rows, so one at the same distance as another belongs behind it.
      let place = i * k + found - 1;
      for (; place > i * k && sum < squared[place - 1]!; place--) {
        squared[place] = squared[place - 1]!;
        rows[place] = rows[place - 1]!;
      }
      squared[place] = sum;
      rows[place] = j;
    }
  }
  return { k, rows, distances: squared.map(Math.sqrt) };
}
