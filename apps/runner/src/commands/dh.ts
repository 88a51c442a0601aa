import { novelty, summarize } from '@surprisal/entropy';
import { type InputPath, isMatrixFile } from '@surprisal/io/node';
import { alignColumns } from '../align-columns.ts';
import { isRegularFile } from '../check-paths.ts';
import { formatNats, formatReal, formatShare } from '../format-number.ts';
import { groupColumn } from '../grouped-results.ts';
import { prepareCommand } from '../prepare-command.ts';
import { printResult } from '../publish.ts';
import type { DhDocument } from '../result-document.ts';
import type { Run } from '../run.ts';
import { aboutComparison, aboutMemory, aboutWork } from '../summary-lines.ts';
import { drain, streamSurprisals } from '../surprisal-stream.ts';
import { groupedSurprisals, groupOverlapLines } from '../surprisals-of-groups.ts';
import { UsageError } from '../usage-error.ts';
import { holdsStructures, SURPRISAL_ENDINGS, writeSurprisalRuns, writeSurprisals } from '../write-surprisals.ts';

/** `surprisal dh TEST... -r REF...`: δH of every environment of the test set. */
export async function dh(run: Run, files: readonly string[]): Promise<void> {
  const { options } = run;
  const { eps, output } = options;
  const prepared = await prepareCommand(run, 'dh', [files, options.reference], SURPRISAL_ENDINGS);
  const { ending, sets } = prepared;
  const testFiles = sets[0] ?? [];
  const repeats = ending !== undefined && holdsStructures(ending);
  if (repeats) await checkHoldStructures(testFiles, output);

  const compared = await streamSurprisals(run, prepared, {
    wantsStructures: repeats,
    take: (runs, bandwidths, inner, keepsStructures) =>
      output !== undefined && (ending === '.csv' || (repeats && keepsStructures))
        ? writeSurprisalRuns(output, ending, runs, testFiles, bandwidths, inner)
        : drain(runs),
  });
  const { bandwidth, groups, maps } = compared;
  const results = Array.from(groupedSurprisals(compared), ({ dH, ...of }) => ({
    ...of,
    dH: summarize(dH),
    novelty: novelty(dH, eps),
  }));
  const document = (): DhDocument => ({ ...compared.describe(), results, ...maps });
  if (output !== undefined && ending !== undefined && ending !== '.csv' && !(repeats && compared.keptStructures)) {
    if (repeats) await checkRepeatable(testFiles, output);
    await writeSurprisals(
      output,
      ending,
      { test: compared, files: testFiles, bandwidths: bandwidth.values, dH: compared.dH },
      document(),
      run,
    );
  }
  const finished = document();
  const group = groupColumn(groups !== null);
  await printResult(run, finished, () => [
    alignColumns([
      ...aboutComparison(finished),
      ...aboutWork(finished),
      aboutMemory(finished),
      ...(output === undefined ? [] : [['written', output]]),
    ]),
    alignColumns(
      [
        [
          ...group.head,
          'h (1/Å)',
          'δH min (nats)',
          'median',
          'mean',
          '95 %',
          'max',
          `novelty (δH > ${formatReal(eps)})`,
        ],
        ...results.map((result) => [
          ...group.cell(result.group),
          formatReal(result.bandwidth),
          ...[result.dH.min, result.dH.median, result.dH.mean, result.dH.p95, result.dH.max].map(formatNats),
          formatShare(result.novelty),
        ]),
      ],
      [0, 1, 2, 3, 4, 5, 6].map((column) => column + group.head.length),
    ),
    ...groupOverlapLines(maps, 'the reference', eps),
  ]);
}

const INSTEAD = 'write .npy, .csv or .json instead';

/** @throws {UsageError} if one of the files holds no structures */
async function checkHoldStructures(files: readonly InputPath[], output: string | undefined): Promise<void> {
  for (const { path } of files) {
    if (await isMatrixFile(path)) {
      throw new UsageError(`${path} holds no structures that ${output} could repeat; ${INSTEAD}`);
    }
  }
}

/** @throws {UsageError} if one of the files holds no structures, or cannot be read once more to repeat them */
export async function checkRepeatable(files: readonly InputPath[], output: string | undefined): Promise<void> {
  await checkHoldStructures(files, output);
  for (const { path } of files) {
    if (!(await isRegularFile(path))) {
      throw new UsageError(`${path} is no regular file and cannot be read twice, as ${output} needs; ${INSTEAD}`);
    }
  }
}
