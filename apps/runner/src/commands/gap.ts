import type { Matrix } from '@surprisal/core';
import { informationGap } from '@surprisal/entropy';
import { alignColumns } from '../align-columns.ts';
import { chooseBandwidths } from '../choose-bandwidths.ts';
import { describeAnalysis } from '../describe-analysis.ts';
import { formatNats, formatQuantity, formatReal } from '../format-number.ts';
import { groupColumn } from '../grouped-results.ts';
import { prepareCommand } from '../prepare-command.ts';
import { publish } from '../publish.ts';
import { readEnvironments } from '../read-environments.ts';
import type { GapDocument, GapResult } from '../result-document.ts';
import type { Run } from '../run.ts';
import { groupsOf } from '../set-maps.ts';
import { aboutInputs, aboutWork } from '../summary-lines.ts';
import { groupOverlapLines, groupOverlaps } from '../surprisals-of-groups.ts';
import { TABLE_ENDINGS } from '../table-file.ts';

/** `surprisal gap FILE... --subset FILE...`: the information gap H(full) − H(subset). */
export async function gap(run: Run, files: readonly string[]): Promise<void> {
  const { options, context, stopwatch } = run;
  const prepared = await prepareCommand(run, 'gap', [files, options.subset], TABLE_ENDINGS);
  const [fullFiles = [], subsetFiles = []] = prepared.sets;
  const full = await readEnvironments(fullFiles, run, prepared);
  const alike = { columns: full.matrix.columns, origin: `the full set ${fullFiles[0]?.text}` };
  const subset = await readEnvironments(subsetFiles, run, { ...prepared, alike });
  if (subset.matrix.rows > full.matrix.rows) {
    run.warn(
      `the subset has ${formatQuantity(subset.matrix.rows, 'environment')} and the full set ${full.matrix.rows}; are they the right way round?`,
    );
  }
  const bandwidth = await chooseBandwidths(run, prepared, full);
  const between = async (all: Matrix, part: Matrix, group?: string): Promise<GapResult[]> => {
    const gaps = await stopwatch.time('kernel', () =>
      informationGap(all, part, { ...context, bandwidths: bandwidth.values }),
    );
    return gaps.map(({ full: whole, subset: kept, ...result }) => ({
      ...(group === undefined ? {} : { group }),
      bandwidth: result.bandwidth,
      gap: result.gap,
      full: { entropy: whole.entropy, diversity: whole.diversity, environments: all.rows },
      subset: { entropy: kept.entropy, diversity: kept.diversity, environments: part.rows },
    }));
  };
  const results = await between(full.matrix, subset.matrix);
  const parts = new Map(groupsOf(subset).map(({ name, matrix }) => [name, matrix]));
  for (const { name, matrix } of groupsOf(full)) {
    const part = parts.get(name);
    if (part === undefined) run.warn(`the subset has nothing of the group ${name}`);
    else results.push(...(await between(matrix, part, name)));
  }
  const maps = await groupOverlaps(run, { test: full, reference: subset, bandwidth });
  const document: GapDocument = {
    ...describeAnalysis(run, prepared, full.inputs, { others: subset.inputs, bandwidth }),
    subset: { inputs: subset.inputs, environments: subset.matrix.rows },
    results,
    ...maps,
  };
  const group = groupColumn(full.groups !== null);
  await publish(run, document, {
    lines: () => [
      alignColumns([
        ...aboutInputs(full.inputs, 'full'),
        ...aboutInputs(subset.inputs, 'subset'),
        ...aboutWork(document),
      ]),
      alignColumns(
        [
          [...group.head, 'h (1/Å)', 'gap (nats)', 'H full', 'H subset', 'D full', 'D subset'],
          ...results.map((result) => [
            ...group.cell(result.group),
            formatReal(result.bandwidth),
            ...[
              result.gap,
              result.full.entropy,
              result.subset.entropy,
              result.full.diversity,
              result.subset.diversity,
            ].map(formatNats),
          ]),
        ],
        [0, 1, 2, 3, 4, 5].map((column) => column + group.head.length),
      ),
      ...groupOverlapLines(maps, 'the subset', options.eps),
    ],
    table: () => ({
      columns: [
        { name: 'group', values: results.map((result) => result.group ?? 'all') },
        { name: 'bandwidth', values: results.map((result) => result.bandwidth) },
        { name: 'gap', values: results.map((result) => result.gap) },
        { name: 'entropy_full', values: results.map((result) => result.full.entropy) },
        { name: 'entropy_subset', values: results.map((result) => result.subset.entropy) },
        { name: 'diversity_full', values: results.map((result) => result.full.diversity) },
        { name: 'diversity_subset', values: results.map((result) => result.subset.diversity) },
      ],
    }),
  });
}
