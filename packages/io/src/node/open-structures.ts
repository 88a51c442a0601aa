import { createReadStream, ReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type Context, type Structure, throwIfAborted } from '@surprisal/core';
import type { CompressionLimit } from '../compression-limit.ts';
import { type ReadOptions, readStructures } from '../read-structures.ts';
import { decompress } from './decompress.ts';
import { fileChunks } from './file-chunks.ts';
import { readError } from './file-errors.ts';

/** How a structure file is read. */
export interface OpenOptions extends ReadOptions, CompressionLimit, Pick<Context, 'onProgress'> {}

/** Bytes that are taken from a pipe at a time. */
const PIPE_CHUNK = 512 * 1024;

/**
 * The structures of a file, frame by frame, plain or gzipped (told by its first bytes, not by its name).
 *
 * @throws {SurprisalError} FILE_NOT_FOUND, FILE_UNREADABLE, and as {@link readStructures}; a gzip stream that is cut off,
 *   damaged, or followed by something else is a PARSE_ERROR; one that expands beyond belief (`maxCompressionRatio`) or is
 *   compressed twice is UNSUPPORTED
 *
 * @example
 * for await (const structure of openStructures('run.lammpstrj.gz', { frames: parseFrameSlice('::10') })) count++;
 */
export async function* openStructures(path: string, options: OpenOptions = {}): AsyncGenerator<Structure, void> {
  yield* readStructures(openBytes(path, options), { file: path, ...options });
}

/**
 * The bytes of a file, decompressed where it is gzipped; several gzip members in one file are read as one.
 */
async function* openBytes(path: string, options: OpenOptions): AsyncGenerator<Uint8Array, void> {
  throwIfAborted(options.signal);
  const total = await fileSize(path);
  const file =
    total === undefined
      ? createReadStream(path, { highWaterMark: PIPE_CHUNK, signal: options.signal })
      : fileChunks(path, total, options.signal);
  let done = 0;
  try {
    const chunks = counted(file, (bytes) => {
      done += bytes;
      options.onProgress?.({ stage: 'read', done, total, unit: 'bytes' });
    });
    yield* decompress(path, chunks, options);
  } catch (error) {
    throwIfAborted(options.signal);
    throw readError(path, error);
  } finally {
    if (file instanceof ReadStream) file.destroy();
    else await file.return();
  }
}

/** That of a file; undefined of what is none, such as a pipe. */
async function fileSize(path: string): Promise<number | undefined> {
  try {
    const status = await stat(path);
    if (status.isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
    return status.isFile() ? status.size : undefined;
  } catch (error) {
    throw readError(path, error);
  }
}

async function* counted(
  file: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of file) {
    count(chunk.length);
    yield chunk;
  }
}
