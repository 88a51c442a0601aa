import type { Matrix } from '@surprisal/core';
import { type LearningCurve, learningCurve as learningCurveOf } from '@surprisal/entropy';
import { alignColumns } from '../align-columns.ts';
import { chooseBandwidths } from '../choose-bandwidths.ts';
import { describeAnalysis } from '../describe-analysis.ts';
import { formatCount, formatNats, formatReal } from '../format-number.ts';
import { groupColumn } from '../grouped-results.ts';
import { prepareCommand } from '../prepare-command.ts';
import { publish } from '../publish.ts';
import { frameOffsets, readEnvironments } from '../read-environments.ts';
import type { LearningCurveDocument, OfGroup } from '../result-document.ts';
import { rowsOfFrames } from '../rows-of-frames.ts';
import type { Run } from '../run.ts';
import { groupMaps, groupsOf, mapLines } from '../set-maps.ts';
import { aboutInputs, aboutWork } from '../summary-lines.ts';
import { TABLE_ENDINGS } from '../table-file.ts';
import { UsageError } from '../usage-error.ts';

/** `surprisal learning-curve FILE...`: H of growing parts of a data set, without replacement, and where it is going. */
export async function learningCurve(run: Run, files: readonly string[]): Promise<void> {
  const { options, context, stopwatch } = run;
  const { fractions, repeats, seed, order, unit } = options;
  const prepared = await prepareCommand(run, 'learning-curve', [files], TABLE_ENDINGS);
  const environments = await readEnvironments(prepared.sets[0] ?? [], run, prepared);
  const { matrix, inputs, groups } = environments;
  const bandwidth = await chooseBandwidths(run, prepared, environments);
  const offsets = frameOffsets(environments);
  if (unit === 'frames' && offsets === undefined) {
    throw new UsageError('a matrix knows no frames that could be drawn; draw its rows with --unit environments');
  }
  const curvesOf = (rows: Matrix, units: Uint32Array | undefined) =>
    stopwatch.time('kernel', () =>
      learningCurveOf(rows, { ...context, bandwidths: bandwidth.values, fractions, repeats, seed, order, units }),
    );
  const results: (LearningCurve & OfGroup)[] = await curvesOf(matrix, unit === 'frames' ? offsets : undefined);
  const sets = groupsOf(environments);
  for (const [i, { name, matrix: rows }] of sets.entries()) {
    const units =
      unit === 'frames' ? rowsOfFrames(groups?.rows[i] as Uint32Array, offsets as Uint32Array).offsets : undefined;
    for (const curve of await curvesOf(rows, units)) results.push({ group: name, ...curve });
  }
  const maps = await groupMaps(run, environments, sets, bandwidth.values);
  const document: LearningCurveDocument = {
    ...describeAnalysis(run, prepared, inputs, { bandwidth }),
    results,
    ...maps,
  };
  const rows = results.flatMap((curve) => curve.points.map((point) => ({ curve, point })));
  const group = groupColumn(sets.length > 0);
  await publish(run, document, {
    lines: () => [
      alignColumns([
        ...aboutInputs(inputs),
        ...aboutWork(document),
        [
          'drawn',
          `${unit}, ${order === 'file' ? 'in the order of the files' : `at random without replacement, ${repeats} times, seed ${seed}`}`,
        ],
      ]),
      alignColumns(
        [
          [
            ...group.head,
            'h (1/Å)',
            'share',
            unit,
            ...(unit === 'frames' ? ['environments'] : []),
            'H (nats)',
            'from',
            'to',
            'at most',
            'D (nats)',
          ],
          ...rows.map(({ curve, point }) => [
            ...group.cell(curve.group),
            formatReal(curve.bandwidth),
            formatReal(point.fraction),
            formatCount(point.units),
            ...(unit === 'frames' ? [formatReal(point.environments, 7)] : []),
            ...[point.entropy.mean, point.entropy.min, point.entropy.max, point.maxEntropy, point.diversity.mean].map(
              formatNats,
            ),
          ]),
        ],
        Array.from({ length: 9 }, (_, column) => column + group.head.length),
      ),
      alignColumns(results.map((curve) => [...group.cell(curve.group), ...asymptoteCells(curve)])),
      ...(maps.groups === undefined ? [] : mapLines(maps.groups)),
    ],
    table: () => ({
      columns: [
        { name: 'group', values: rows.map(({ curve }) => curve.group ?? 'all') },
        { name: 'bandwidth', values: rows.map(({ curve }) => curve.bandwidth) },
        { name: 'fraction', values: rows.map(({ point }) => point.fraction) },
        { name: 'units', values: rows.map(({ point }) => point.units) },
        { name: 'environments', values: rows.map(({ point }) => point.environments) },
        ...(['mean', 'min', 'max'] as const).map((name) => ({
          name: `entropy_${name}`,
          values: rows.map(({ point }) => point.entropy[name]),
        })),
        ...(['mean', 'min', 'max'] as const).map((name) => ({
          name: `diversity_${name}`,
          values: rows.map(({ point }) => point.diversity[name]),
        })),
        { name: 'maxEntropy', values: rows.map(({ point }) => point.maxEntropy) },
      ],
    }),
  });
}

function asymptoteCells({ bandwidth, asymptote }: LearningCurve): string[] {
  const what = `asymptote at h ${formatReal(bandwidth)}`;
  if (!asymptote.determined) return [what, `not determined: ${asymptote.reason}`];
  const [low, high] = asymptote.interval;
  return [
    what,
    `${formatNats(asymptote.value)} nats, 95 % interval ${formatNats(low)} to ${formatNats(high)}, n counting ${asymptote.unit}`,
  ];
}
