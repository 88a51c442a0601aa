import type { Matrix } from '@surprisal/core';
import { entropyMany, estimateEntropyMany } from '@surprisal/entropy';
import { formatCount, formatNats, formatReal } from './format-number.ts';
import type { MeasuredEntropy, OfGroup } from './result-document.ts';
import type { Run } from './run.ts';
import type { TableColumn } from './table-file.ts';

/** H and D of environments at each bandwidth: exact, or with `--tolerance` from a sample of them. */
export async function measureEntropy(
  { options, context, stopwatch }: Run,
  matrix: Matrix,
  bandwidths: readonly number[],
): Promise<MeasuredEntropy[]> {
  const { tolerance, seed } = options;
  return await stopwatch.time('kernel', () =>
    tolerance === undefined
      ? entropyMany(matrix, { ...context, bandwidths })
      : estimateEntropyMany(matrix, { ...context, bandwidths, tolerance, seed }),
  );
}

/** What a person reads about how far H and D can be trusted; nothing where they were computed as they are defined. */
export function estimateLines(results: readonly (MeasuredEntropy & OfGroup)[]): string[] {
  const several = new Set(results.map(({ bandwidth }) => bandwidth)).size > 1;
  const grouped = results.some(({ group }) => group !== undefined);
  const lines = results.flatMap((result) => {
    if (result.estimate === undefined) return [];
    const about = [
      ...(grouped ? [result.group ?? 'all'] : []),
      ...(several ? [`h ${formatReal(result.bandwidth)} 1/Å`] : []),
    ];
    return [`${about.length === 0 ? '' : `${about.join(', ')}: `}${sentence(result, result.estimate)}`];
  });
  if (lines.length === 0) return [];
  const sampled = results.some(({ estimate }) => estimate?.exact === false);
  const meaning =
    '± is the numerical error for these environments alone; how far another sample of the same system may differ, surprisal learning-curve tells.';
  return [`${[...lines, ...(sampled ? [meaning] : [])].join('\n')}\n`];
}

function sentence({ entropy, diversity }: MeasuredEntropy, estimate: NonNullable<MeasuredEntropy['estimate']>): string {
  const { exact, halfWidth, diversityInterval, confidence, queries, environments } = estimate;
  if (exact) return `H ${formatNats(entropy)} nats, exact: a sample would have cost as much`;
  const [low, high] = diversityInterval.map((value) => value.toFixed(2));
  const asked = `${formatCount(queries)} of ${formatCount(environments)} environments asked`;
  // Rounded up: an error is not made to look smaller.
  const digits = Math.min(6, Math.max(3, 1 - Math.floor(Math.log10(halfWidth))));
  const error = (Math.ceil(halfWidth * 10 ** digits) / 10 ** digits).toFixed(digits);
  return `H ${entropy.toFixed(digits)} ± ${error} nats (${100 * confidence} %, numerical; ${asked}); D ${diversity.toFixed(2)} (${low} to ${high})`;
}

/** Columns of a table for the intervals, where there are any. */
export function estimateColumns(results: readonly MeasuredEntropy[]): TableColumn[] {
  const estimates = results.flatMap(({ estimate }) => (estimate === undefined ? [] : [estimate]));
  if (estimates.length === 0) return [];
  return [
    { name: 'entropyLow', values: estimates.map(({ interval }) => interval[0]) },
    { name: 'entropyHigh', values: estimates.map(({ interval }) => interval[1]) },
    { name: 'diversityLow', values: estimates.map(({ diversityInterval }) => diversityInterval[0]) },
    { name: 'diversityHigh', values: estimates.map(({ diversityInterval }) => diversityInterval[1]) },
    { name: 'queries', values: estimates.map(({ queries }) => queries) },
  ];
}
