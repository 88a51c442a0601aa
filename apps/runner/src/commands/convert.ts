import { atomCount, type Structure, SurprisalError } from '@surprisal/core';
import { detectFormat, WRITABLE_FORMATS } from '@surprisal/io';
import { type InputPath, isMatrixFile, readMatrix, writeMatrix, writeStructures } from '@surprisal/io/node';
import { alignColumns } from '../align-columns.ts';
import { formatQuantity, formatSeconds } from '../format-number.ts';
import { prepareCommand } from '../prepare-command.ts';
import { printResult } from '../publish.ts';
import type { ConvertDocument } from '../result-document.ts';
import { backendSummary, documentHead, type Run } from '../run.ts';
import { matrixOptions, structuresOf } from '../structure-files.ts';
import { UsageError } from '../usage-error.ts';

const MATRIX_NAME = /\.(npy|npz)$/i;

/** `surprisal convert IN OUT`: structures, or a matrix, in another format. */
export async function convert(run: Run, paths: readonly string[]): Promise<void> {
  const output = run.options.output as string;
  const { sets } = await prepareCommand(run, 'convert', [paths], 'any');
  const files = sets[0] ?? [];
  const areMatrices = await Promise.all(files.map(({ path }) => isMatrixFile(path)));
  const written = areMatrices.includes(true) ? await convertMatrix(files, run) : await convertStructures(files, run);
  const document: ConvertDocument = {
    ...documentHead('convert'),
    inputs: written.inputs,
    results: [{ frames: written.frames, environments: written.environments, format: written.format }],
    backend: backendSummary(run.backend),
    seconds: run.stopwatch.seconds(),
    warnings: run.warnings,
    output,
  };
  await printResult(run, document, () => [
    alignColumns([
      ...written.inputs.map(({ path }, i) => [i === 0 ? 'read' : '', path]),
      [
        'written',
        `${output} (${written.format}), ` +
          `${written.frames === null ? '' : `${formatQuantity(written.frames, 'frame')}, `}${formatQuantity(written.environments, written.frames === null ? 'row' : 'atom')}`,
      ],
      ['time', formatSeconds(document.seconds.total)],
    ]),
  ]);
}

interface Written extends Pick<ConvertDocument, 'inputs'> {
  readonly frames: number | null;
  readonly environments: number;
  readonly format: string;
}

async function convertMatrix(files: readonly InputPath[], run: Run): Promise<Written> {
  const { options, signal } = run;
  const output = options.output as string;
  const [file, second] = files;
  if (file === undefined || second !== undefined) throw new UsageError('one matrix is converted at a time');
  const [, kind] = MATRIX_NAME.exec(output) ?? [];
  if (kind === undefined) throw new UsageError(`${output}: ${file.path} is a matrix, which goes to .npy or .npz`);
  const matrix = await readMatrix(file.path, matrixOptions(run));
  await writeMatrix(output, matrix, { overwrite: options.overwrite, signal });
  const { rows } = matrix;
  return {
    inputs: [{ path: file.text, frames: null, environments: rows }],
    frames: null,
    environments: rows,
    format: kind.toLowerCase(),
  };
}

async function convertStructures(files: readonly InputPath[], run: Run): Promise<Written> {
  const { options, signal } = run;
  const output = options.output as string;
  const format = options.to ?? detectFormat(new Uint8Array(0), output);
  if (format === undefined || !WRITABLE_FORMATS.includes(format)) {
    throw new UsageError(
      `${output}: ${format === undefined ? 'its name does not say in which format to write' : `${format} is read and not written`}; ` +
        `say another with --to, one of ${WRITABLE_FORMATS.join(', ')}`,
    );
  }
  const inputs: { path: string; frames: number; environments: number }[] = [];
  async function* structures(): AsyncGenerator<Structure, void> {
    for (const file of files) {
      const input = { path: file.text, frames: 0, environments: 0 };
      inputs.push(input);
      for await (const structure of structuresOf(file, run, { onWarning: run.warnOfInput, onProgress: run.report })) {
        input.frames++;
        input.environments += atomCount(structure);
        yield structure;
      }
    }
  }
  await writeStructures(output, structures(), {
    format,
    overwrite: options.overwrite,
    signal,
    onWarning: run.warnOfInput,
  }).catch((error) => {
    // What the format cannot hold; errors of reading name their file themselves.
    if (!(error instanceof SurprisalError) || error.code !== 'INVALID_ARGUMENT' || 'file' in error.details) throw error;
    throw new SurprisalError(error.code, `${output}: ${error.message}`, { details: error.details, cause: error });
  });
  return {
    inputs,
    frames: inputs.reduce((sum, { frames }) => sum + frames, 0),
    environments: inputs.reduce((sum, { environments }) => sum + environments, 0),
    format,
  };
}
