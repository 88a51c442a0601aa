import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type Context, ParseError, type Structure, SurprisalError, throwIfAborted } from '@surprisal/core';
import { type ReadOptions, readStructures } from '../read-structures.ts';
import { codeOf, readError } from './file-errors.ts';

/** How a structure file is read. */
export interface OpenOptions extends ReadOptions, Pick<Context, 'onProgress'> {}

const CHUNK = 512 * 1024;

/**
 * The structures of a file, frame by frame, plain or gzipped (told by its first bytes, not by its name).
 *
 * @throws {SurprisalError} FILE_NOT_FOUND, FILE_UNREADABLE, and as {@link readStructures}; a gzip stream that is cut off
 *   or damaged is a PARSE_ERROR
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
  const file = createReadStream(path, { highWaterMark: CHUNK, signal: options.signal });
  let done = 0;
  try {
    const chunks = counted(file, (bytes) => {
      done += bytes;
      options.onProgress?.({ stage: 'read', done, total, unit: 'bytes' });
    });
    const first = await firstBytes(chunks);
    if (first[0] === 0x1f && first[1] === 0x8b) yield* gunzip(path, first, chunks);
    else {
      if (first.length > 0) yield first;
      yield* chunks;
    }
  } catch (error) {
    throwIfAborted(options.signal);
    throw readError(path, error);
  } finally {
    file.destroy();
  }
}

async function fileSize(path: string): Promise<number | undefined> {
  try {
    const status = await stat(path);
    if (status.isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
    return status.isFile() ? status.size : undefined;
  } catch (error) {
    throw readError(path, error);
  }
}

async function* counted(file: Readable, count: (bytes: number) => void): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of file) {
    count((chunk as Uint8Array).length);
    yield chunk as Uint8Array;
  }
}

/** At least two bytes, if there are as many: a pipe may hand them out one by one. */
async function firstBytes(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let first = new Uint8Array(0);
  while (first.length < 2) {
    const { done, value } = await chunks.next();
    if (done) break;
    const longer = new Uint8Array(first.length + value.length);
    longer.set(first);
    longer.set(value, first.length);
    first = longer;
  }
  return first;
}

async function* gunzip(
  path: string,
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  const stream = createGunzip({ chunkSize: CHUNK });
  const feeding = feed(stream, first, rest);
  // Whoever reads from the stream learns of the error; nobody waits for the feeding when reading ends early.
  feeding.catch((error: unknown) => stream.destroy(error as Error));
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
    await feeding;
  } catch (error) {
    if (!codeOf(error).startsWith('Z_')) throw error;
    const problem =
      codeOf(error) === 'Z_BUF_ERROR'
        ? 'the gzip stream is cut off'
        : `the gzip stream is damaged: ${(error as Error).message}`;
    throw new ParseError({ file: path }, problem, { cause: error });
  } finally {
    stream.destroy();
  }
}

async function feed(
  stream: ReturnType<typeof createGunzip>,
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): Promise<void> {
  const write = (chunk: Uint8Array) =>
    new Promise<void>((resolve, reject) => {
      stream.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  try {
    await write(first);
    for await (const chunk of rest) await write(chunk);
    stream.end();
  } catch (error) {
    // Once nobody reads any more, the stream is destroyed, and writing to it fails: that is the end, not a failure.
    if (
      !(error instanceof SurprisalError) &&
      ['ERR_STREAM_DESTROYED', 'ERR_STREAM_PREMATURE_CLOSE'].includes(codeOf(error))
    )
      return;
    throw error;
  }
}
