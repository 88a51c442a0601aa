import { type Matrix, SurprisalError } from '@surprisal/core';
import { type FormatNpyOptions, formatNpy, formatNpyHeader } from '../npy.ts';
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
 * Writes an array as `.npy` from pieces of it, so that not all of it has to be in memory; numpy.load reads it.
 *
 * @param shape   rows, and columns where there are any
 * @param blocks  the numbers, row by row, as many as the shape says
 * @throws {SurprisalError} DIMENSION_MISMATCH if there are more or fewer; and as {@link writeFileSafely}
 *
 * @example
 * await writeArrayBlocks('dH.npy', [3], [Float64Array.of(1, 2), Float64Array.of(3)]);
 */
export async function writeArrayBlocks(
  path: string,
  shape: readonly number[],
  blocks: Iterable<Float64Array> | AsyncIterable<Float64Array>,
  options: WriteOptions = {},
): Promise<void> {
  const expected = shape.reduce((product, length) => product * length, 1);
  await writeFileSafely(path, options, async (sink) => {
    await sink.write(formatNpyHeader(shape));
    let numbers = 0;
    for await (const { buffer, byteOffset, byteLength, length } of blocks) {
      numbers += length;
      await sink.write(new Uint8Array(buffer, byteOffset, byteLength));
    }
    if (numbers !== expected) {
      throw new SurprisalError('DIMENSION_MISMATCH', `${path}: ${numbers} numbers do not make an array of (${shape})`);
    }
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
