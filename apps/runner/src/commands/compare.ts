import { type Matrix, stackMatrices } from '@surprisal/core';
import { alignColumns } from '../align-columns.ts';
import { chooseBandwidths } from '../choose-bandwidths.ts';
import { describeAnalysis } from '../describe-analysis.ts';
import { formatNats, formatQuantity, formatReal } from '../format-number.ts';
import { MatterSurvey } from '../matter-survey.ts';
import { estimateLines, measureEntropy } from '../measure-entropy.ts';
import { prepareCommand } from '../prepare-command.ts';
import { publish } from '../publish.ts';
import { readEnvironments } from '../read-environments.ts';
import type { CompareDocument, InputSummary, MeasuredEntropy, SetMapsSummary } from '../result-document.ts';
import type { Run } from '../run.ts';
import { groupsOf, mapLines, mapsOf, type NamedSet, shortNames } from '../set-maps.ts';
import { aboutWork } from '../summary-lines.ts';
import { TABLE_ENDINGS } from '../table-file.ts';
import { UsageError } from '../usage-error.ts';
import { warnOfUndersampling } from './entropy.ts';

/** `surprisal compare A B C…`: each file (folder, pattern) is a set; how they cover one another and differ. */
export async function compare(run: Run, files: readonly string[]): Promise<void> {
  const { options } = run;
  const prepared = await prepareCommand(
    run,
    'compare',
    files.map((file) => [file]),
    TABLE_ENDINGS,
  );
  const sets: NamedSet[] = [];
  const inputs: InputSummary[] = [];
  const matter = new MatterSurvey();
  const read: Matrix[] = [];
  let alike: { readonly columns: number; readonly origin: string } | undefined;
  for (const [i, setFiles] of prepared.sets.entries()) {
    const environments = await readEnvironments(setFiles, run, { ...prepared, alike, matter });
    read.push(environments.matrix);
    alike ??= { columns: environments.matrix.columns, origin: files[i] as string };
    inputs.push(...environments.inputs);
    const name = files[i] as string;
    const groups = groupsOf(environments);
    if (options.groupBy === undefined) sets.push({ name, matrix: environments.matrix });
    for (const group of groups) {
      sets.push({ name: files.length === 1 ? group.name : `${name}: ${group.name}`, matrix: group.matrix });
    }
  }
  if (sets.length < 2) {
    throw new UsageError('there is one set only; name several files, or the groups of one with --group-by');
  }
  // All sets together have one bandwidth.
  const pooled = 'rule' in options.bandwidth ? stackMatrices(read) : (read[0] as Matrix);
  const bandwidth = await chooseBandwidths(run, prepared, { matrix: pooled, matter });
  const bandwidths = bandwidth.values;
  const results: (MeasuredEntropy & { readonly set: string })[] = [];
  for (const { name, matrix } of sets) {
    for (const result of await measureEntropy(run, matrix, bandwidths)) {
      results.push({ set: name, ...result });
    }
  }
  warnOfUndersampling(
    run,
    results.map(({ set, ...result }) => ({ group: set, ...result })),
    options.groupBy === undefined ? 'set' : 'group',
  );
  const maps = await mapsOf(run, sets, bandwidths);
  const names = sets.map(({ name }) => name);
  const short = new Map(shortNames(names).map((name, i) => [names[i], name]));
  const document: CompareDocument = { ...describeAnalysis(run, prepared, inputs, { bandwidth }), results, maps };
  await publish(run, document, {
    lines: () => [
      alignColumns([
        ...sets.map(({ name, matrix }, i) => [
          i === 0 ? 'sets' : '',
          `${formatQuantity(matrix.rows, 'environment')} in ${name}`,
        ]),
        ...aboutWork(document),
      ]),
      alignColumns(
        [
          ['set', 'h (1/Å)', 'entropy H (nats)', 'at most', 'diversity D (nats)'],
          ...results.map(({ set, bandwidth, entropy, maxEntropy, diversity }) => [
            short.get(set) as string,
            formatReal(bandwidth),
            ...[entropy, maxEntropy, diversity].map(formatNats),
          ]),
        ],
        [1, 2, 3, 4],
      ),
      ...estimateLines(results.map(({ set, ...result }) => ({ ...result, group: short.get(set) as string }))),
      ...mapLines(maps),
    ],
    table: () => mapTable(maps),
  });
}

/** One row for each bandwidth and ordered pair of sets. */
function mapTable({ sets, comparison }: SetMapsSummary) {
  const rows = comparison.maps.flatMap((map) =>
    sets.flatMap((from, i) =>
      sets.map((to, j) => ({
        bandwidth: map.bandwidth,
        from: from.name,
        to: to.name,
        overlap: at(map.overlap, i, j),
        ...overlapEnds(map.overlapInterval?.[i]?.[j]),
        crossEntropy: at(map.crossEntropy, i, j),
        kullbackLeibler: at(map.kullbackLeibler, i, j),
        kullbackLeiblerFloor: map.kullbackLeiblerFloor[i] ?? null,
        jensenShannon: at(map.jensenShannon, i, j),
        jensenShannonFloor: map.jensenShannonFloor[i] ?? null,
        isolated: map.isolated[i] ?? null,
        slicedWasserstein: at(comparison.slicedWasserstein, i, j),
        slicedWassersteinFloor: comparison.slicedWassersteinFloor[i] ?? null,
      })),
    ),
  );
  const [first] = rows;
  const names = Object.keys(first ?? {}) as (keyof NonNullable<typeof first>)[];
  return { columns: names.map((name) => ({ name, values: rows.map((row) => row[name] ?? null) })) };
}

/** The ends of an interval, where there is one. */
function overlapEnds(interval: readonly [low: number, high: number] | undefined) {
  return interval === undefined ? {} : { overlapLow: interval[0], overlapHigh: interval[1] };
}

function at(values: readonly (readonly (number | null)[])[], i: number, j: number): number | null {
  return values[i]?.[j] ?? null;
}
