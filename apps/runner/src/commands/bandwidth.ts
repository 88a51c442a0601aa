import { SurprisalError } from '@surprisal/core';
import { type BandwidthScanRow, bandwidthFromVolume, bandwidthScan } from '@surprisal/entropy';
import { alignColumns } from '../align-columns.ts';
import { bandwidthByRule } from '../choose-bandwidths.ts';
import { describeAnalysis } from '../describe-analysis.ts';
import { formatNats, formatReal } from '../format-number.ts';
import { groupColumn } from '../grouped-results.ts';
import { prepareCommand } from '../prepare-command.ts';
import { publish } from '../publish.ts';
import { frameOffsets, readEnvironments } from '../read-environments.ts';
import type { BandwidthDocument, BandwidthResult, Grouped, InputSummary, OfGroup } from '../result-document.ts';
import { rowsOfFrames } from '../rows-of-frames.ts';
import type { Run } from '../run.ts';
import { groupMaps, groupsOf, mapLines } from '../set-maps.ts';
import { aboutInputs, aboutWork } from '../summary-lines.ts';
import { TABLE_ENDINGS } from '../table-file.ts';
import { UsageError } from '../usage-error.ts';

/** `surprisal bandwidth FILE... | --volume V`: a bandwidth by a rule that holds for the data, and H over the bandwidth. */
export async function bandwidth(run: Run, files: readonly string[]): Promise<void> {
  const { options } = run;
  const { volume, rule = 'auto' } = options;
  if (volume !== undefined && files.length > 0) throw new UsageError('give files or --volume, not both');
  if (volume === undefined && files.length === 0)
    throw new UsageError('give files, or the volume per atom with --volume');
  if (volume !== undefined && (options.scan || rule === 'neighbors')) {
    throw new UsageError(
      `${options.scan ? '--scan' : '--rule neighbors'} looks at environments; give files instead of --volume`,
    );
  }
  const prepared = await prepareCommand(run, 'bandwidth', [files], options.scan ? TABLE_ENDINGS : ['.json']);
  const results: BandwidthResult[] = [];
  let scan: (BandwidthScanRow & OfGroup)[] | undefined;
  let inputs: readonly InputSummary[] = [];
  let maps: Grouped = {};
  if (volume !== undefined) {
    const name = rule === 'cutoff' ? 'cutoff' : 'gaussian';
    const value = bandwidthFromVolume(volume, name);
    results.push({ rule: name, bandwidth: value, reason: `from ${formatReal(volume, 4)} Å³ per atom` });
  } else {
    const environments = await readEnvironments(prepared.sets[0] ?? [], run, { ...prepared, surveyMatter: true });
    ({ inputs } = environments);
    run.inputsWereRead();
    const found = await bandwidthByRule(run, prepared, environments, rule);
    results.push({ rule: found.name, bandwidth: found.value, reason: found.reason });
    const groups = groupsOf(environments);
    const offsets = frameOffsets(environments);
    for (const [i, { name, matrix }] of groups.entries()) {
      // The volume is that of the frames in which the group stands.
      const rows = environments.groups?.rows[i] as Uint32Array;
      const { matter } = environments;
      const ofGroup = offsets === undefined ? matter : matter.ofFrames(rowsOfFrames(rows, offsets).frames);
      try {
        const own = await bandwidthByRule(run, prepared, { matrix, matter: ofGroup }, rule);
        results.push({ group: name, rule: own.name, bandwidth: own.value, reason: own.reason });
      } catch (error) {
        // What holds for the whole need not hold for a part of it.
        const isOfData = error instanceof SurprisalError && error.code !== 'ABORTED';
        if (!(error instanceof UsageError) && !isOfData) throw error;
        run.warn(`group ${name}: ${error.message}`);
      }
    }
    if (options.scan) scan = await scanOf(run, [{ matrix: environments.matrix }, ...groups]);
    maps = await groupMaps(run, environments, groups, [found.value]);
  }
  const document: BandwidthDocument = {
    ...describeAnalysis(run, prepared, inputs),
    results,
    ...(scan === undefined ? {} : { scan }),
    ...maps,
  };
  const group = groupColumn(results.length > 1);
  await publish(run, document, {
    lines: () => [
      alignColumns([...aboutInputs(inputs), ...(inputs.length === 0 ? [] : aboutWork(document))]),
      alignColumns(
        [
          [...group.head, 'rule', 'h (1/Å)', ''],
          ...results.map((result) => [
            ...group.cell(result.group),
            result.rule,
            formatReal(result.bandwidth, 4),
            result.reason,
          ]),
        ],
        [1 + group.head.length],
      ),
      ...(scan === undefined ? [] : [scanLines(scan, group)]),
      ...(maps.groups === undefined ? [] : mapLines(maps.groups)),
    ],
    table: () => ({
      columns: [
        { name: 'group', values: (scan ?? []).map((row) => row.group ?? 'all') },
        ...(['bandwidth', 'entropy', 'diversity', 'maxEntropy', 'slope'] as const).map((name) => ({
          name,
          values: (scan ?? []).map((row) => row[name]),
        })),
      ],
    }),
  });
}

async function scanOf(
  { context, options, stopwatch }: Run,
  sets: readonly { readonly name?: string; readonly matrix: Parameters<typeof bandwidthScan>[0] }[],
): Promise<(BandwidthScanRow & OfGroup)[]> {
  const [from, to, count] = options.scanRange;
  const rows: (BandwidthScanRow & OfGroup)[] = [];
  for (const { name, matrix } of sets) {
    const found = await stopwatch.time('kernel', () => bandwidthScan(matrix, { ...context, from, to, count }));
    for (const row of found) rows.push(name === undefined ? row : { group: name, ...row });
  }
  return rows;
}

function scanLines(scan: readonly (BandwidthScanRow & OfGroup)[], group: ReturnType<typeof groupColumn>): string {
  return alignColumns(
    [
      [...group.head, 'h (1/Å)', 'entropy H (nats)', 'at most', 'diversity D (nats)', 'dH/d ln h'],
      ...scan.map((row) => [
        ...group.cell(row.group),
        formatReal(row.bandwidth, 4),
        ...[row.entropy, row.maxEntropy, row.diversity].map(formatNats),
        formatReal(row.slope, 3),
      ]),
    ],
    [0, 1, 2, 3, 4].map((column) => column + group.head.length),
  );
}
