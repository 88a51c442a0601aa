import { type EntropyResult, undersampled } from '@surprisal/entropy';
import { alignColumns } from '../align-columns.ts';
import { chooseBandwidths } from '../choose-bandwidths.ts';
import { describeAnalysis } from '../describe-analysis.ts';
import { formatCount, formatNats, formatReal } from '../format-number.ts';
import { groupColumn, resultsOfGroups } from '../grouped-results.ts';
import { estimateColumns, estimateLines, measureEntropy } from '../measure-entropy.ts';
import { prepareCommand } from '../prepare-command.ts';
import { publish } from '../publish.ts';
import { readEnvironments } from '../read-environments.ts';
import type { EntropyDocument, MeasuredEntropy, OfGroup } from '../result-document.ts';
import type { Run } from '../run.ts';
import { groupMaps, groupsOf, mapLines } from '../set-maps.ts';
import { aboutInputs, aboutWork } from '../summary-lines.ts';
import { TABLE_ENDINGS } from '../table-file.ts';

/** `surprisal entropy FILE...`: H, its maximum, D. */
export async function entropy(run: Run, files: readonly string[]): Promise<void> {
  const prepared = await prepareCommand(run, 'entropy', [files], TABLE_ENDINGS);
  const environments = await readEnvironments(prepared.sets[0] ?? [], run, prepared);
  const { matrix, inputs } = environments;
  if (run.options.tolerance === undefined) {
    run.explain(`kernel sums of ${formatCount(matrix.rows)} × ${formatCount(matrix.rows)} environments`);
  }
  const bandwidth = await chooseBandwidths(run, prepared, environments);
  const groups = groupsOf(environments);
  const results = await resultsOfGroups(matrix, groups, (rows) => measureEntropy(run, rows, bandwidth.values));
  warnOfUndersampling(run, results);
  const maps = await groupMaps(run, environments, groups, bandwidth.values);
  const document: EntropyDocument = { ...describeAnalysis(run, prepared, inputs, { bandwidth }), results, ...maps };
  await publish(run, document, {
    lines: () => [
      alignColumns([...aboutInputs(inputs), ...aboutWork(document)]),
      entropyLines(results, groups.length > 0),
      ...estimateLines(results),
      ...(maps.groups === undefined ? [] : mapLines(maps.groups)),
    ],
    table: () => entropyTable(results),
  });
}

/**
 * Says where a set is too small for its entropy to mean much.
 *
 * @param what  what groups are called
 */
export function warnOfUndersampling(run: Run, results: readonly (EntropyResult & OfGroup)[], what = 'group'): void {
  for (const result of results) {
    const undersampling = undersampled(result);
    if (!undersampling.undersampled) continue;
    run.warn(`${result.group === undefined ? '' : `${what} ${result.group}: `}${undersampling.sentence}`);
  }
}

/** The table of entropies that a person reads. */
export function entropyLines(results: readonly (EntropyResult & OfGroup)[], grouped: boolean): string {
  const group = groupColumn(grouped);
  return alignColumns(
    [
      [...group.head, 'h (1/Å)', 'entropy H (nats)', 'at most', 'diversity D (nats)'],
      ...results.map((result) => [
        ...group.cell(result.group),
        formatReal(result.bandwidth),
        ...[result.entropy, result.maxEntropy, result.diversity].map(formatNats),
      ]),
    ],
    [0, 1, 2, 3].map((column) => column + group.head.length),
  );
}

function entropyTable(results: readonly (MeasuredEntropy & OfGroup)[]) {
  return {
    columns: [
      { name: 'group', values: results.map(({ group }) => group ?? 'all') },
      { name: 'bandwidth', values: results.map((result) => result.bandwidth) },
      { name: 'entropy', values: results.map((result) => result.entropy) },
      { name: 'maxEntropy', values: results.map(({ maxEntropy }) => maxEntropy) },
      { name: 'diversity', values: results.map(({ diversity }) => diversity) },
      ...estimateColumns(results),
    ],
  };
}
