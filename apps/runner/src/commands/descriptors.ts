import { writeMatrix } from '@surprisal/io/node';
import { alignColumns } from '../align-columns.ts';
import { describeAnalysis } from '../describe-analysis.ts';
import { formatCount } from '../format-number.ts';
import { prepareCommand } from '../prepare-command.ts';
import { printResult } from '../publish.ts';
import { readEnvironments } from '../read-environments.ts';
import type { DescriptorsDocument } from '../result-document.ts';
import type { Run } from '../run.ts';
import { aboutInputs, aboutWork } from '../summary-lines.ts';
import { UsageError } from '../usage-error.ts';

/** `surprisal descriptors FILE... -o x.npy`: the matrix of all environments. */
export async function descriptors(run: Run, files: readonly string[]): Promise<void> {
  const { options, signal } = run;
  if (options.output === undefined) {
    throw new UsageError('descriptors go to a file; name it, as in -o x.npy or -o x.npz');
  }
  const prepared = await prepareCommand(run, 'descriptors', [files], ['.npy', '.npz']);
  const { matrix, inputs } = await readEnvironments(prepared.sets[0] ?? [], run, prepared);
  await writeMatrix(options.output, matrix, { overwrite: options.overwrite, signal });
  const document: DescriptorsDocument = {
    ...describeAnalysis(run, prepared, inputs),
    results: [{ rows: matrix.rows, columns: matrix.columns, precision: prepared.precision }],
  };
  await printResult(run, document, () => [
    alignColumns([
      ...aboutInputs(inputs),
      ...aboutWork(document),
      ['written', `${options.output}, ${formatCount(matrix.rows)} × ${formatCount(matrix.columns)}`],
    ]),
  ]);
}
