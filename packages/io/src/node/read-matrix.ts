import { type FileHandle, open } from 'node:fs/promises';
import { cooperate, type Matrix, ParseError } from '@surprisal/core';
import { type ByteSource, readBytes } from '../byte-source.ts';
import {
  allocateNpy,
  arrangeNpy,
  NPY_PREAMBLE_BYTES,
  npyHeaderLength,
  parseNpyHeader,
  warnOfNpyOrder,
} from '../npy.ts';
import { type NpzOptions, readNpz } from '../npz.ts';
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
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const source = await fileSource(handle, path);
    const preamble = await readBytes(source, 0, Math.min(NPY_PREAMBLE_BYTES, source.size));
    if (preamble[0] === 0x50 && preamble[1] === 0x4b) return await readNpz(source, options);
    return await readNpy(source, preamble, options);
  } catch (error) {
    throw readError(path, error);
  } finally {
    await handle?.close();
  }
}

async function readNpy(source: ByteSource, preamble: Uint8Array, options: NpzOptions): Promise<Matrix> {
  const { file, size } = source;
  const length = npyHeaderLength(preamble, file);
  const header = parseNpyHeader(await readBytes(source, 0, Math.min(length, size)), file);
  warnOfNpyOrder(header, file, options.onWarning);
  const target = allocateNpy(header, size - header.offset, file);
  const { matrix, bytes } = target;
  const breathe = cooperate('read', bytes.length, 'bytes', options);
  for (let at = 0; at < bytes.length; at += PIECE) {
    await source.readInto(bytes.subarray(at, at + PIECE), header.offset + at);
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
