import type { Matrix } from '@surprisal/core';
import {
  type Duplicates,
  type EnvironmentPair,
  type FramePair,
  type LeakageResult,
  leakage as leakageOf,
  type Repetitions,
} from '@surprisal/entropy';
import { alignColumns } from '../align-columns.ts';
import { chooseBandwidths } from '../choose-bandwidths.ts';
import { describeAnalysis } from '../describe-analysis.ts';
import { formatCount, formatReal, formatShare } from '../format-number.ts';
import { groupColumn } from '../grouped-results.ts';
import { prepareCommand } from '../prepare-command.ts';
import { publish } from '../publish.ts';
import { frameOffsets, readEnvironments } from '../read-environments.ts';
import type { LeakageDocument, OfGroup } from '../result-document.ts';
import { type RowsOfFrames, rowsOfFrames } from '../rows-of-frames.ts';
import type { Run } from '../run.ts';
import { groupsOf } from '../set-maps.ts';
import { aboutInputs, aboutWork } from '../summary-lines.ts';
import { groupOverlapLines, groupOverlaps } from '../surprisals-of-groups.ts';

type Result = LeakageResult & OfGroup;

/** `surprisal leakage TRAIN TEST`: what stands in both sets, and twice in one. */
export async function leakage(run: Run, paths: readonly string[]): Promise<void> {
  const { options, context, stopwatch } = run;
  const [trainPath = '', testPath = ''] = paths;
  const prepared = await prepareCommand(run, 'leakage', [[trainPath], [testPath]], ['.json', '.csv']);
  const [trainFiles = [], testFiles = []] = prepared.sets;
  const train = await readEnvironments(trainFiles, run, prepared);
  const alike = { columns: train.matrix.columns, origin: `the training set ${trainPath}` };
  const test = await readEnvironments(testFiles, run, { ...prepared, alike });
  const bandwidth = await chooseBandwidths(run, prepared, train);
  const [trainFrames, testFrames] = [frameOffsets(train), frameOffsets(test)];
  const compareRows = async (
    ofTrain: Matrix,
    ofTest: Matrix,
    frames: Pick<Parameters<typeof leakageOf>[2] & object, 'trainFrames' | 'testFrames'>,
  ): Promise<LeakageResult[]> => {
    const results: LeakageResult[] = [];
    for (const value of bandwidth.values) {
      const { eps: epsilon, limit } = options;
      const found = await stopwatch.time('kernel', () =>
        leakageOf(ofTrain, ofTest, { ...context, ...frames, bandwidth: value, epsilon, limit }),
      );
      results.push(found);
    }
    return results;
  };
  const results: Result[] = await compareRows(train.matrix, test.matrix, { trainFrames, testFrames });
  const trainSets = groupsOf(train);
  for (const [i, { name, matrix }] of groupsOf(test).entries()) {
    const known = trainSets.findIndex((set) => set.name === name);
    const other = trainSets[known];
    if (other === undefined) {
      run.warn(`the training set has nothing of the group ${name}`);
      continue;
    }
    const ofTrain = placeOf(train.groups?.rows[known] as Uint32Array, trainFrames);
    const ofTest = placeOf(test.groups?.rows[i] as Uint32Array, testFrames);
    const frames = { trainFrames: ofTrain.offsets, testFrames: ofTest.offsets };
    for (const result of await compareRows(other.matrix, matrix, frames)) {
      results.push({ group: name, ...inTheWhole(result, ofTrain, ofTest) });
    }
  }
  const maps = await groupOverlaps(run, { test, reference: train, bandwidth });
  const document: LeakageDocument = {
    ...describeAnalysis(run, prepared, test.inputs, { others: train.inputs, bandwidth }),
    reference: { inputs: train.inputs, environments: train.matrix.rows },
    eps: options.eps,
    results,
    ...maps,
  };
  await publish(run, document, {
    lines: () => [
      alignColumns([
        ...aboutInputs(train.inputs, 'train'),
        ...aboutInputs(test.inputs, 'test'),
        ...aboutWork(document),
      ]),
      resultLines(results),
      ...pairLines(results[0] as Result),
      ...groupOverlapLines(maps, 'the training set', options.eps),
    ],
    table: () => pairTable(results),
  });
}

/** Where a group stands in its set. */
interface Place extends Partial<RowsOfFrames> {
  readonly rows: Uint32Array;
}

function placeOf(rows: Uint32Array, offsets: Uint32Array | undefined): Place {
  return { rows, ...(offsets && rowsOfFrames(rows, offsets)) };
}

/** The result of two groups, its rows and frames counted as in the sets that they belong to. */
function inTheWhole(result: LeakageResult, train: Place, test: Place): LeakageResult {
  const row = ({ rows }: Place, at: number) => rows[at] as number;
  const frame = ({ frames }: Place, at: number) => frames?.[at] as number;
  const environments = (found: Repetitions<EnvironmentPair>, set: Place, other: Place) => ({
    ...found,
    pairs: found.pairs.map((pair) => ({
      ...pair,
      row: row(set, pair.row),
      of: row(other, pair.of),
      frame: pair.frame === null ? null : frame(set, pair.frame),
      ofFrame: pair.ofFrame === null ? null : frame(other, pair.ofFrame),
    })),
  });
  const wholeFrames = (found: Repetitions<FramePair> | null, set: Place, other: Place) =>
    found && {
      ...found,
      pairs: found.pairs.map((pair) => ({ frame: frame(set, pair.frame), of: frame(other, pair.of) })),
    };
  const within = ({ environments: rows, frames }: Duplicates, set: Place) => ({
    environments: environments(rows, set, set),
    frames: wholeFrames(frames, set, set),
  });
  return {
    ...result,
    exact: environments(result.exact, test, train),
    near: environments(result.near, test, train),
    frames: wholeFrames(result.frames, test, train),
    nearFrames: wholeFrames(result.nearFrames, test, train),
    duplicates: { train: within(result.duplicates.train, train), test: within(result.duplicates.test, test) },
  };
}

function resultLines(results: readonly Result[]): string {
  const group = groupColumn(results.some((result) => result.group !== undefined));
  const rows = results.flatMap((result) => {
    const { exact, near, frames, nearFrames, duplicates, train, test, bandwidth } = result;
    const row = (what: string, found: { readonly count: number; readonly share: number }, of: number | null) => [
      ...group.cell(result.group),
      formatReal(bandwidth),
      what,
      `${formatCount(found.count)} of ${formatCount(of ?? 0)}`,
      formatShare(found.share),
    ];
    return [
      row('test environments that stand in train', exact, test.environments),
      row(
        `… or within ${formatReal(result.epsilon)} nats of one (${formatReal(result.radius, 3)} 1/Å)`,
        near,
        test.environments,
      ),
      ...(frames === null ? [] : [row('test frames that stand in train', frames, test.frames)]),
      ...(nearFrames === null
        ? []
        : [row('… or each of their environments within it of one', nearFrames, test.frames)]),
      row('environments of train that repeat another', duplicates.train.environments, train.environments),
      row('environments of test that repeat another', duplicates.test.environments, test.environments),
      ...(duplicates.train.frames === null
        ? []
        : [row('frames of train that repeat another', duplicates.train.frames, train.frames)]),
      ...(duplicates.test.frames === null
        ? []
        : [row('frames of test that repeat another', duplicates.test.frames, test.frames)]),
    ];
  });
  const first = group.head.length;
  return alignColumns([[...group.head, 'h (1/Å)', '', 'count', 'share'], ...rows], [first, first + 2, first + 3]);
}

/** The first frames that stand in both, exactly or nearly. */
function pairLines({ frames, nearFrames }: Result): string[] {
  if (frames === null || nearFrames === null || nearFrames.count === 0) return [];
  const shown = [...frames.pairs, ...nearFrames.pairs].slice(0, 10);
  const rest = nearFrames.count - shown.length;
  if (shown.length === 0) return [];
  return [
    `frames that stand in both, counted from 0\n${alignColumns(shown.map(({ frame, of }) => [`test ${frame}`, `train ${of}`]))}` +
      (rest > 0 ? `and ${formatCount(rest)} more\n` : ''),
  ];
}

/** One row for each pair that was found, up to the limit. */
function pairTable(results: readonly Result[]) {
  const rows = results.flatMap((result) => {
    const of = { group: result.group ?? 'all', bandwidth: result.bandwidth };
    const environments = (kind: string, pairs: readonly EnvironmentPair[]) =>
      pairs.map(({ row, of: other, frame, ofFrame, distance }) => ({
        ...of,
        kind,
        row,
        of: other,
        frame,
        ofFrame,
        distance,
      }));
    const wholeFrames = (kind: string, pairs: readonly FramePair[] = []) =>
      pairs.map(({ frame, of: ofFrame }) => ({ ...of, kind, row: null, of: null, frame, ofFrame, distance: null }));
    return [
      ...environments('test environment equal to train', result.exact.pairs),
      ...environments('test environment near train', result.near.pairs),
      ...wholeFrames('test frame equal to train', result.frames?.pairs),
      ...wholeFrames('test frame near train', result.nearFrames?.pairs),
      ...environments('train environment repeated', result.duplicates.train.environments.pairs),
      ...environments('test environment repeated', result.duplicates.test.environments.pairs),
      ...wholeFrames('train frame repeated', result.duplicates.train.frames?.pairs),
      ...wholeFrames('test frame repeated', result.duplicates.test.frames?.pairs),
    ];
  });
  const names = ['group', 'bandwidth', 'kind', 'row', 'of', 'frame', 'ofFrame', 'distance'] as const;
  return { columns: names.map((name) => ({ name, values: rows.map((row) => row[name] ?? null) })) };
}
