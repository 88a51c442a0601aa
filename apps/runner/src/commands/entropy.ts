import { entropyMany } from '@surprisal/entropy';
import { alignColumns } from '../align-columns.ts';
import { checkCommand } from '../check-command.ts';
import { formatCount, formatNats, formatReal } from '../format-number.ts';
import { publish } from '../publish.ts';
import { parametersOf, readEnvironments } from '../read-environments.ts';
import type { EntropyDocument } from '../result-document.ts';
import { backendSummary, documentHead, type Run } from '../run.ts';
import { aboutInputs, aboutWork } from '../summary-lines.ts';

/** `surprisal entropy FILE...`: H, its maximum, D. */
export async function entropy(run: Run, files: readonly string[]): Promise<void> {
  const { options, context, stopwatch } = run;
  await checkCommand(run, 'entropy', files, ['.json']);
  const { matrix, inputs } = await readEnvironments(files, run);
  run.explain(`kernel sums of ${formatCount(matrix.rows)} × ${formatCount(matrix.rows)} environments`);
  const results = await stopwatch.time('kernel', () =>
    entropyMany(matrix, { ...context, bandwidths: options.bandwidth }),
  );
  const document: EntropyDocument = {
    ...documentHead('entropy'),
    inputs,
    parameters: parametersOf(inputs, options),
    environments: matrix.rows,
    results,
    backend: backendSummary(run.backend),
    seconds: stopwatch.seconds(),
    warnings: run.warnings,
    output: options.output ?? null,
  };
  await publish(run, document, () => [
    alignColumns([...aboutInputs(inputs), ...aboutWork(document)]),
    alignColumns(
      [
        ['h (1/Å)', 'entropy H (nats)', 'at most', 'diversity D (nats)'],
        ...results.map(({ bandwidth, entropy, maxEntropy, diversity }) => [
          formatReal(bandwidth),
          formatNats(entropy),
          formatNats(maxEntropy),
          formatNats(diversity),
        ]),
      ],
      [0, 1, 2, 3],
    ),
  ]);
}
