import { writeMatrix } from '@surprisal/io/node';
import { alignColumns } from '../align-columns.ts';
import { checkCommand } from '../check-command.ts';
import { formatCount } from '../format-number.ts';
import { printResult } from '../publish.ts';
import { parametersOf, readEnvironments } from '../read-environments.ts';
import type { DescriptorsDocument } from '../result-document.ts';
import { backendSummary, documentHead, type Run } from '../run.ts';
import { aboutInputs, aboutWork } from '../summary-lines.ts';
import { UsageError } from '../usage-error.ts';

/** `surprisal descriptors FILE... -o x.npy`: the matrix of all environments. */
export async function descriptors(run: Run, files: readonly string[]): Promise<void> {
  const { options, stopwatch, signal } = run;
  if (options.output === undefined) {
    throw new UsageError('descriptors go to a file; name it, as in -o x.npy or -o x.npz');
  }
  await checkCommand(run, 'descriptors', files, ['.npy', '.npz']);
  const { matrix, inputs } = await readEnvironments(files, run);
  await writeMatrix(options.output, matrix, { overwrite: options.overwrite, signal });
  const document: DescriptorsDocument = {
    ...documentHead('descriptors'),
    inputs,
    parameters: parametersOf(inputs, options),
    environments: matrix.rows,
    results: [{ rows: matrix.rows, columns: matrix.columns, precision: options.precision }],
    backend: backendSummary(run.backend),
    seconds: stopwatch.seconds(),
    warnings: run.warnings,
    output: options.output,
  };
  await printResult(run, document, () => [
    alignColumns([
      ...aboutInputs(inputs),
      ...aboutWork(document),
      ['written', `${options.output}, ${formatCount(matrix.rows)} × ${formatCount(matrix.columns)}`],
    ]),
  ]);
}
