import { type FileHandle, open } from 'node:fs/promises';
import { cooperate, type Matrix, matrixRows, ParseError, type Precision } from '@surprisal/core';
import { type ByteSource, readBytes } from '../byte-source.ts';
import {
  allocateNpy,
  arrangeNpy,
  NPY_PREAMBLE_BYTES,
  type NpyHeader,
  npyHeaderLength,
  npyMatrixShape,
  parseNpyHeader,
  warnOfNpyOrder,
} from '../npy.ts';
import { type NpzOptions, readNpz, readNpzHeader } from '../npz.ts';
import { readError } from './file-errors.ts';

/** Bytes that are read in one system call; none reads more than 2 GiB. */
const PIECE = 16 * 1024 * 1024;

/**
 * The matrix in a `.npy` or `.npz` file (told by its first bytes), read straight into its array.
 *
 * @param options.array  which array of a `.npz` archive: default `descriptors`, else the only one of two dimensions
 * @returns float64 or float32, as stored
 * @throws {SurprisalError} FILE_NOT_FOUND, FILE_UNREADABLE, and as `parseNpy` and `parseNpz`
 *
 * @example
 * const x = await readMatrix('x.npy');
 */
export async function readMatrix(path: string, options: NpzOptions = {}): Promise<Matrix> {
  return withFile(path, async (source, preamble) => {
    if (isArchive(preamble)) return await readNpz(source, options);
    const header = await readHeader(source, preamble, options);
    return await readRows(source, header, source.size - header.offset, 0, options);
  });
}

/**
 * The precision in which a `.npy` or `.npz` file stores its matrix; of the file only what says so is read.
 *
 * @param options.array  as of {@link readMatrix}
 * @throws {SurprisalError} as {@link readMatrix}
 *
 * @example
 * const isDouble = (await matrixPrecision('x.npy')) === 'f64';
 */
export async function matrixPrecision(path: string, options: Pick<NpzOptions, 'array'> = {}): Promise<Precision> {
  return withFile(path, async (source, preamble) =>
    precisionOf(isArchive(preamble) ? await readNpzHeader(source, options) : await readHeader(source, preamble, {})),
  );
}

function precisionOf({ precision }: NpyHeader): Precision {
  return precision === 'f8' ? 'f64' : 'f32';
}

/** A matrix in a file, some rows of which can be read at a time. */
export interface MatrixFile {
  readonly rows: number;
  readonly columns: number;
  readonly precision: Precision;
  /** Bytes of its numbers that are in memory as long as this is: all of them where the file cannot be read by rows. */
  readonly heldBytes: number;
  /**
   * Its rows from the first to the last, as often as it is called.
   *
   * @param rows  of each block; the last may have fewer
   * @throws {SurprisalError} as {@link readMatrix}
   */
  blocks(rows: number): AsyncGenerator<Matrix, void>;
}

/**
 * The matrix in a `.npy` or `.npz` file as {@link readMatrix} reads it, to be read some rows at a time. A `.npz`, and a
 * `.npy` that is stored column by column, are read whole before this returns.
 *
 * @throws {SurprisalError} as {@link readMatrix}
 *
 * @example
 * for await (const block of (await openMatrix('x.npy')).blocks(10_000)) rows += block.rows;
 */
export async function openMatrix(path: string, options: NpzOptions = {}): Promise<MatrixFile> {
  return withFile(path, async (source, preamble) => {
    if (isArchive(preamble)) return wholeMatrix(await readNpz(source, options));
    const header = await readHeader(source, preamble, options);
    const available = source.size - header.offset;
    if (header.columnsFirst) return wholeMatrix(await readRows(source, header, available, 0, options));
    const { rows, columns } = npyMatrixShape(header, available, source.file);
    const rowBytes = columns * (header.precision === 'f8' ? 8 : 4);
    return {
      rows,
      columns,
      precision: precisionOf(header),
      heldBytes: 0,
      async *blocks(most) {
        for (let row = 0; row < rows; row += most) {
          const count = Math.min(most, rows - row);
          const part = { ...header, shape: [count, columns] };
          // Opened for each block: nobody has to close what is left before its end.
          yield await withFile(path, (again) => readRows(again, part, count * rowBytes, row * rowBytes, options));
        }
      },
    };
  });
}

function wholeMatrix(matrix: Matrix): MatrixFile {
  const { rows, columns, data } = matrix;
  return {
    rows,
    columns,
    precision: data instanceof Float64Array ? 'f64' : 'f32',
    heldBytes: data.byteLength,
    async *blocks(most) {
      for (let row = 0; row < rows; row += most) yield matrixRows(matrix, row, Math.min(rows, row + most));
    },
  };
}

/** What comes of a file and its first bytes; it is closed afterwards. */
async function withFile<Result>(
  path: string,
  use: (source: ByteSource, preamble: Uint8Array) => Promise<Result>,
): Promise<Result> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const source = await fileSource(handle, path);
    return await use(source, await readBytes(source, 0, Math.min(NPY_PREAMBLE_BYTES, source.size)));
  } catch (error) {
    throw readError(path, error);
  } finally {
    await handle?.close();
  }
}

function isArchive(preamble: Uint8Array): boolean {
  return preamble[0] === 0x50 && preamble[1] === 0x4b;
}

async function readHeader(source: ByteSource, preamble: Uint8Array, options: NpzOptions): Promise<NpyHeader> {
  const { file, size } = source;
  const length = npyHeaderLength(preamble, file);
  const header = parseNpyHeader(await readBytes(source, 0, Math.min(length, size)), file);
  warnOfNpyOrder(header, file, options.onWarning);
  return header;
}

/**
 * The rows that a header announces.
 *
 * @param available  bytes that are there for them
 * @param skipped    bytes of earlier rows that stand before
 */
async function readRows(
  source: ByteSource,
  header: NpyHeader,
  available: number,
  skipped: number,
  options: NpzOptions,
): Promise<Matrix> {
  const target = allocateNpy(header, available, source.file);
  const { matrix, bytes } = target;
  const breathe = cooperate('read', bytes.length, 'bytes', options);
  for (let at = 0; at < bytes.length; at += PIECE) {
    await source.readInto(bytes.subarray(at, at + PIECE), header.offset + skipped + at);
    await breathe(at);
  }
  await arrangeNpy(target, cooperate('read', matrix.rows, 'rows', options));
  return matrix;
}

async function fileSource(handle: FileHandle, file: string): Promise<ByteSource> {
  const status = await handle.stat();
  if (status.isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
  return {
    file,
    size: status.size,
    async readInto(target, offset) {
      let at = 0;
      while (at < target.length) {
        const { bytesRead } = await handle.read(target, at, target.length - at, offset + at);
        if (bytesRead === 0) throw new ParseError({ file }, 'the file is cut off');
        at += bytesRead;
      }
    },
  };
}
