import { createMatrix } from '@surprisal/core';
import {
  frameEntropies as entropiesOfFrames,
  type FrameEntropies,
  metrics as metricsOf,
  summarize,
} from '@surprisal/entropy';
import { alignColumns } from '../align-columns.ts';
import { chooseBandwidths } from '../choose-bandwidths.ts';
import { describeAnalysis } from '../describe-analysis.ts';
import { formatNats, formatReal } from '../format-number.ts';
import { groupColumn, resultsOfGroups } from '../grouped-results.ts';
import { estimateLines, measureEntropy } from '../measure-entropy.ts';
import { prepareCommand } from '../prepare-command.ts';
import { printResult } from '../publish.ts';
import { type Environments, frameOffsets, readEnvironments } from '../read-environments.ts';
import type { MetricsDocument, MetricsResult } from '../result-document.ts';
import type { Run } from '../run.ts';
import { sensitivityLines, sensitivityOf } from '../sensitivity-table.ts';
import { groupMaps, groupsOf, mapLines } from '../set-maps.ts';
import { aboutInputs, aboutWork } from '../summary-lines.ts';
import { writeNpz } from '../table-file.ts';
import { UsageError } from '../usage-error.ts';
import { holdsStructures, interleave, SURPRISAL_ENDINGS, writeSurprisals } from '../write-surprisals.ts';
import { checkRepeatable } from './dh.ts';
import { entropyLines, warnOfUndersampling } from './entropy.ts';

/** `surprisal metrics FILE...`: H, D, δH of each environment and H of each frame, in one pass. */
export async function metrics(run: Run, files: readonly string[]): Promise<void> {
  const { options, context, stopwatch } = run;
  const { output } = options;
  if (options.tolerance !== undefined) return await estimatedMetrics(run, files);
  const prepared = await prepareCommand(run, 'metrics', [files], [...SURPRISAL_ENDINGS, '.npz']);
  const { ending } = prepared;
  const inputFiles = prepared.sets[0] ?? [];
  if (ending !== undefined && ending !== '.npz' && holdsStructures(ending)) await checkRepeatable(inputFiles, output);

  const environments = await readEnvironments(inputFiles, run, prepared);
  const { matrix, inputs } = environments;
  const bandwidth = await chooseBandwidths(run, prepared, environments);
  const bandwidths = bandwidth.values;
  const all = await stopwatch.time('kernel', () => metricsOf(matrix, { ...context, bandwidths }));
  const dH = all.map((result) => result.dH);
  const offsets = frameOffsets(environments);
  const ofFrames = offsets && (await measureFrames(run, matrix, offsets, bandwidths));
  const frameEntropies = ofFrames?.map(({ entropy }) => entropy);

  const groups = groupsOf(environments);
  const results: MetricsResult[] = await resultsOfGroups(matrix, groups, async (rows, group) => {
    const found =
      group === undefined ? all : await stopwatch.time('kernel', () => metricsOf(rows, { ...context, bandwidths }));
    return found.map(({ dH: values, ...result }, b) => ({
      ...result,
      dH: summarize(values),
      frameEntropy: group === undefined && frameEntropies !== undefined ? summaryOf(frameEntropies[b]) : null,
    }));
  });
  warnOfUndersampling(run, results);
  const maps = await groupMaps(run, environments, groups, bandwidths);
  const sensitivity = options.sensitivity
    ? await sensitivityOf(run, inputFiles, environments, bandwidths[0] as number)
    : undefined;
  const document = (): MetricsDocument => ({
    ...describeAnalysis(run, prepared, inputs, { bandwidth }),
    results,
    ...maps,
    ...(sensitivity === undefined ? {} : { sensitivity }),
  });
  if (ending === '.npz') {
    await writeNpz(run, {
      // One column is a vector, which nobody takes for a matrix of descriptors.
      dH: dH.length === 1 ? (dH[0] as Float64Array) : createMatrix(...interleave(dH)),
      ...(frameEntropies && offsets
        ? { frame_entropy: createMatrix(...interleave(frameEntropies)), frame_offsets: Float64Array.from(offsets) }
        : {}),
      entropy: Float64Array.from(all, ({ entropy }) => entropy),
      diversity: Float64Array.from(all, ({ diversity }) => diversity),
      bandwidth: Float64Array.from(bandwidths),
    });
  } else if (output !== undefined && ending !== undefined) {
    await writeSurprisals(
      output,
      ending,
      { test: environments, files: inputFiles, bandwidths, dH, frameEntropies },
      document(),
      run,
    );
  }
  const finished = document();
  await printResult(run, finished, () => [
    alignColumns([
      ...aboutInputs(inputs),
      ...aboutWork(finished),
      ...(output === undefined ? [] : [['written', output]]),
    ]),
    entropyLines(results, groups.length > 0),
    spreadLines(results, groups.length > 0),
    ...(maps.groups === undefined ? [] : mapLines(maps.groups)),
    ...(sensitivity === undefined ? [] : [sensitivityLines(sensitivity)]),
  ]);
}

/** H of each frame by itself. */
async function measureFrames(
  { context, stopwatch }: Run,
  matrix: Environments['matrix'],
  offsets: Uint32Array,
  bandwidths: readonly number[],
): Promise<FrameEntropies[]> {
  return await stopwatch.time('kernel', () => entropiesOfFrames(matrix, offsets, { ...context, bandwidths }));
}

/** With frames of more environments than this, in the mean, H of each costs more than the estimate of the whole. */
const LARGE_FRAME = 4096;

/** `surprisal metrics FILE... --tolerance`: H and D from a sample, H of each frame where it costs little, no δH. */
async function estimatedMetrics(run: Run, files: readonly string[]): Promise<void> {
  const { options } = run;
  if (options.output !== undefined) {
    throw new UsageError(
      '--output writes δH of each environment, which --tolerance does not compute; leave out one of them (--json prints what there is)',
    );
  }
  if (options.sensitivity) {
    throw new UsageError('--sensitivity compares exact entropies; leave out --tolerance');
  }
  const prepared = await prepareCommand(run, 'metrics', [files], []);
  const environments = await readEnvironments(prepared.sets[0] ?? [], run, prepared);
  const { matrix, inputs } = environments;
  const bandwidth = await chooseBandwidths(run, prepared, environments);
  const offsets = frameOffsets(environments);
  const pairs = offsets?.reduce((sum, end, frame) => sum + (end - (offsets[frame - 1] ?? 0)) ** 2, 0) ?? 0;
  const frames =
    offsets !== undefined && pairs <= LARGE_FRAME * matrix.rows
      ? await measureFrames(run, matrix, offsets, bandwidth.values)
      : undefined;
  const groups = groupsOf(environments);
  const results: MetricsResult[] = await resultsOfGroups(matrix, groups, async (rows, group) =>
    (await measureEntropy(run, rows, bandwidth.values)).map((result, b) => ({
      ...result,
      dH: null,
      frameEntropy: group === undefined && frames !== undefined ? summaryOf(frames[b]?.entropy) : null,
    })),
  );
  warnOfUndersampling(run, results);
  const maps = await groupMaps(run, environments, groups, bandwidth.values);
  const document: MetricsDocument = { ...describeAnalysis(run, prepared, inputs, { bandwidth }), results, ...maps };
  const missing = [
    'δH of each environment',
    ...(offsets !== undefined && frames === undefined ? ['H of each of these large frames'] : []),
  ];
  await printResult(run, document, () => [
    alignColumns([...aboutInputs(inputs), ...aboutWork(document)]),
    entropyLines(results, groups.length > 0),
    ...estimateLines(results),
    ...(frames === undefined ? [] : [spreadLines(results, groups.length > 0)]),
    `${missing.join(' and ')}: not computed with --tolerance\n`,
    ...(maps.groups === undefined ? [] : mapLines(maps.groups)),
  ]);
}

function summaryOf(values: Float64Array | undefined) {
  const known = values?.filter((value) => !Number.isNaN(value));
  return known === undefined || known.length === 0 ? null : summarize(known);
}

function spreadLines(results: readonly MetricsResult[], grouped: boolean): string {
  const group = groupColumn(grouped);
  const rows = results.flatMap((result) => {
    const row = (what: string, { min, median, mean, p95, max }: NonNullable<MetricsResult['frameEntropy']>) => [
      ...group.cell(result.group),
      formatReal(result.bandwidth),
      what,
      ...[min, median, mean, p95, max].map(formatNats),
    ];
    return [
      ...(result.dH === null ? [] : [row('δH of environments', result.dH)]),
      ...(result.frameEntropy === null ? [] : [row('H of frames', result.frameEntropy)]),
    ];
  });
  const first = group.head.length;
  return alignColumns(
    [[...group.head, 'h (1/Å)', 'nats', 'min', 'median', 'mean', '95 %', 'max'], ...rows],
    [first, ...[2, 3, 4, 5, 6].map((column) => first + column)],
  );
}
