import { type Matrix, SurprisalError } from '@surprisal/core';
import { type FormatNpyOptions, formatNpy } from '../npy.ts';
import { formatNpz, formatNpzArrays, type NpzArray } from '../npz.ts';
import { matrixKindOfName } from './matrix-file.ts';
import { type WriteOptions, writeFileSafely } from './write-file-safely.ts';

/** How a matrix is written to a file. */
export interface WriteMatrixOptions extends WriteOptions, FormatNpyOptions {
  /** Name of the array in a `.npz` archive; default `descriptors`. */
  readonly array?: string | undefined;
}

/**
 * Writes a matrix as `.npy` or `.npz`, by the extension of the path; numpy.load reads both.
 *
 * @throws {SurprisalError} UNKNOWN_FORMAT for other extensions; UNSUPPORTED for a `.npz` of 4 GB or more; and as
 *   {@link writeFileSafely}
 *
 * @example
 * await writeMatrix('x.npy', x, { overwrite: true });
 */
export async function writeMatrix(path: string, matrix: Matrix, options: WriteMatrixOptions = {}): Promise<void> {
  const kind = matrixKindOfName(path);
  if (kind === undefined) {
    throw new SurprisalError('UNKNOWN_FORMAT', `${path}: a matrix is written to a file that ends in .npy or .npz`, {
      details: { path },
    });
  }
  const pieces = kind === 'npy' ? formatNpy(matrix, options) : formatNpz(matrix, options);
  await writeFileSafely(path, options, async (sink) => {
    for (const piece of pieces) await sink.write(piece);
  });
}

/**
 * Writes several arrays as `.npz`, each under its name; numpy.load reads it.
 *
 * @throws {SurprisalError} UNSUPPORTED for 4 GB or more; and as {@link writeFileSafely}
 *
 * @example
 * await writeArrays('metrics.npz', { dH: matrix, frameEntropy: Float64Array.of(1, 2) });
 */
export async function writeArrays(
  path: string,
  arrays: Readonly<Record<string, NpzArray>>,
  options: WriteOptions = {},
): Promise<void> {
  await writeFileSafely(path, options, async (sink) => {
    for (const piece of formatNpzArrays(arrays)) await sink.write(piece);
  });
}
