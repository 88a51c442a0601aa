import { differentialEntropyMany, novelty, overlap as overlapOf } from '@surprisal/entropy';
import { alignColumns } from '../align-columns.ts';
import { checkCommand } from '../check-command.ts';
import { formatReal, formatShare } from '../format-number.ts';
import { publish } from '../publish.ts';
import { readComparison } from '../read-comparison.ts';
import type { OverlapDocument } from '../result-document.ts';
import { documentHead, type Run } from '../run.ts';
import { aboutComparison, aboutWork } from '../summary-lines.ts';

/** `surprisal overlap TEST... -r REF...`: the share of environments that the reference set knows. */
export async function overlap(run: Run, files: readonly string[]): Promise<void> {
  const { options, context, stopwatch } = run;
  const { bandwidth: bandwidths, eps } = options;
  await checkCommand(run, 'overlap', [...files, ...options.reference], ['.json']);
  const { test, reference, describe } = await readComparison(run, files);
  const surprisals = await stopwatch.time('kernel', () =>
    differentialEntropyMany(test.matrix, reference.matrix, { ...context, bandwidths }),
  );
  const document: OverlapDocument = {
    ...documentHead('overlap'),
    ...describe(),
    results: surprisals.map((dH, i) => ({
      bandwidth: bandwidths[i] as number,
      overlap: overlapOf(dH, eps),
      novelty: novelty(dH, eps),
    })),
  };
  await publish(run, document, () => [
    alignColumns([...aboutComparison(document), ...aboutWork(document)]),
    alignColumns(
      [
        ['h (1/Å)', `overlap (δH ≤ ${formatReal(eps)})`, 'novelty'],
        ...document.results.map(({ bandwidth, overlap, novelty }) => [
          formatReal(bandwidth),
          formatShare(overlap),
          formatShare(novelty),
        ]),
      ],
      [0, 1, 2],
    ),
  ]);
}
