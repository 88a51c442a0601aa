import { differentialEntropyMany, novelty, summarize } from '@surprisal/entropy';
import { isMatrixFile } from '@surprisal/io/node';
import { alignColumns } from '../align-columns.ts';
import { checkCommand } from '../check-command.ts';
import { isRegularFile } from '../check-paths.ts';
import { formatNats, formatReal, formatShare } from '../format-number.ts';
import { printResult } from '../publish.ts';
import { readComparison } from '../read-comparison.ts';
import type { DhDocument } from '../result-document.ts';
import { documentHead, type Run } from '../run.ts';
import { aboutComparison, aboutWork } from '../summary-lines.ts';
import { UsageError } from '../usage-error.ts';
import { holdsStructures, SURPRISAL_ENDINGS, writeSurprisals } from '../write-surprisals.ts';

/** `surprisal dh TEST... -r REF...`: δH of every environment of the test set. */
export async function dh(run: Run, files: readonly string[]): Promise<void> {
  const { options, context, stopwatch } = run;
  const { bandwidth: bandwidths, eps, output } = options;
  const ending = await checkCommand(run, 'dh', [...files, ...options.reference], SURPRISAL_ENDINGS);
  if (ending !== undefined && holdsStructures(ending)) await checkRepeatable(files, output);

  const { test, reference, describe } = await readComparison(run, files);
  const dH = await stopwatch.time('kernel', () =>
    differentialEntropyMany(test.matrix, reference.matrix, { ...context, bandwidths }),
  );
  const results = dH.map((values, i) => ({
    bandwidth: bandwidths[i] as number,
    dH: summarize(values),
    novelty: novelty(values, eps),
  }));
  const document = (): DhDocument => ({ ...documentHead('dh'), ...describe(), results });
  if (output !== undefined && ending !== undefined) {
    await writeSurprisals(output, ending, { test, bandwidths, dH }, document(), run);
  }
  const finished = document();
  await printResult(run, finished, () => [
    alignColumns([
      ...aboutComparison(finished),
      ...aboutWork(finished),
      ...(output === undefined ? [] : [['written', output]]),
    ]),
    alignColumns(
      [
        ['h (1/Å)', 'δH min (nats)', 'median', 'mean', '95 %', 'max', `novelty (δH > ${formatReal(eps)})`],
        ...results.map(({ bandwidth, dH: { min, median, mean, p95, max }, novelty }) => [
          formatReal(bandwidth),
          ...[min, median, mean, p95, max].map(formatNats),
          formatShare(novelty),
        ]),
      ],
      [0, 1, 2, 3, 4, 5, 6],
    ),
  ]);
}

/** @throws {UsageError} if one of the files holds no structures, or cannot be read once more to repeat them */
async function checkRepeatable(files: readonly string[], output: string | undefined): Promise<void> {
  const instead = 'write .npy, .csv or .json instead';
  for (const path of files) {
    if (await isMatrixFile(path)) {
      throw new UsageError(`${path} holds no structures that ${output} could repeat; ${instead}`);
    }
    if (!(await isRegularFile(path))) {
      throw new UsageError(`${path} is no regular file and cannot be read twice, as ${output} needs; ${instead}`);
    }
  }
}
