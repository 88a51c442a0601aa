import { type Context, cooperate } from '@surprisal/core';
import { type KernelSumTask, relativeWeights } from './kernel-sum-task.ts';
import { STAGE, UNIT } from './stage.ts';

/**
 * The kernel sums of a task, the equation line by line, in float64:
 *
 *     ln s_i = −d²_min/2h² + ln Σ_j w_j exp(−(d²_ij − d²_min)/2h²),   d²_ij = Σ_c (x_ic − y_jc)²,   d²_min = min_j d²_ij
 *
 * over the references that query i does not leave out, with weights relative to the largest.
 */
export async function referenceLogKernelSums(task: KernelSumTask, context: Context): Promise<Float64Array[]> {
  const { queries, references, bandwidths } = task;
  const { largest, relative: weights } = relativeWeights(task.weights);
  const relative = { ...task, weights };
  const results = Array.from(bandwidths, () => new Float64Array(queries.rows));
  const squared = new Float64Array(references.rows);
  const breathe = cooperate(STAGE, queries.rows, UNIT, context);
  for (let i = 0; i < queries.rows; i++) {
    await breathe(i);
    const nearest = squaredDistances(relative, i, squared);
    for (let b = 0; b < bandwidths.length; b++) {
      const slope = 1 / (2 * bandwidths[b]! * bandwidths[b]!);
      let sum = 0;
      for (let j = 0; j < squared.length; j++) {
        const kernel = Math.exp((nearest - squared[j]!) * slope);
        sum += weights === null ? kernel : weights[j]! * kernel;
      }
      results[b]![i] = Math.log(sum) + Math.log(largest) - nearest * slope;
    }
  }
  return results;
}

/** Fills in d²_ij for all j, and returns the smallest of those that count (the others are put out of reach). */
function squaredDistances(
  { queries, references, weights, leaveOut }: KernelSumTask,
  i: number,
  squared: Float64Array,
): number {
  const { columns } = queries;
  const [start, end] = leaveOut === null ? [0, 0] : [leaveOut.starts[i]!, leaveOut.ends[i]!];
  const x = queries.data.subarray(i * columns, (i + 1) * columns);
  const y = references.data;
  let nearest = Number.POSITIVE_INFINITY;
  for (let j = 0, at = 0; j < squared.length; j++, at += columns) {
    let sum = 0;
    for (let c = 0; c < columns; c++) {
      const difference = y[at + c]! - x[c]!;
      sum += difference * difference;
    }
    const counts = (weights === null || weights[j] !== 0) && !(j >= start && j < end);
    squared[j] = counts ? sum : Number.POSITIVE_INFINITY;
    if (squared[j]! < nearest) nearest = squared[j]!;
  }
  return nearest;
}
