import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type Context, ParseError, type Structure, SurprisalError, throwIfAborted } from '@surprisal/core';
import { type CompressionLimit, checkCompressionRatio } from '../compression-limit.ts';
import { type ReadOptions, readStructures } from '../read-structures.ts';
import { codeOf, readError } from './file-errors.ts';

/** How a structure file is read. */
export interface OpenOptions extends ReadOptions, CompressionLimit, Pick<Context, 'onProgress'> {}

const CHUNK = 512 * 1024;

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
  const file = createReadStream(path, { highWaterMark: CHUNK, signal: options.signal });
  let done = 0;
  try {
    const chunks = counted(file, (bytes) => {
      done += bytes;
      options.onProgress?.({ stage: 'read', done, total, unit: 'bytes' });
    });
    const first = await firstBytes(chunks);
    const isGzip = first[0] === 0x1f && (first[1] === 0x8b || first.length === 1);
    if (isGzip) {
      yield* gunzip(path, first, chunks, options);
      return;
    }
    if (/\.gz$/i.test(path) && first.length > 0) {
      options.onWarning?.(`${path}: the name ends in .gz, but the file is not gzipped; read as it is`);
    }
    if (first.length > 0) yield first;
    yield* chunks;
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
  limit: CompressionLimit,
): AsyncGenerator<Uint8Array, void> {
  const stream = createGunzip({ chunkSize: CHUNK });
  const tail = new TailWatch();
  const feeding = feed(stream, first, rest, tail);
  // Whoever reads from the stream learns of the error; nobody waits for the feeding when reading ends early.
  feeding.catch((error: unknown) => stream.destroy(error as Error));
  let expanded = 0;
  try {
    for await (const chunk of stream) {
      const bytes = chunk as Uint8Array;
      if (expanded === 0 && bytes[0] === 0x1f && bytes[1] === 0x8b) throw twiceCompressed(path);
      expanded += bytes.length;
      checkCompressionRatio(path, stream.bytesWritten, expanded, limit);
      yield bytes;
    }
    await feeding;
    // Zeros fill a block of a tape; behind them nothing is looked for, so nothing may be there.
    if (tail.lastWritten >= stream.bytesWritten) throw new ParseError({ file: path }, NOT_GZIP_BEHIND);
  } catch (error) {
    if (!codeOf(error).startsWith('Z_')) throw error;
    throw new ParseError({ file: path }, gzipProblem(error as Error), { cause: error });
  } finally {
    stream.destroy();
  }
}

const NOT_GZIP_BEHIND =
  'behind the gzip stream comes something that is not gzip; the file may be damaged, or two files in one: decompress the ' +
  'part that is meant';

function gzipProblem(error: Error): string {
  if (codeOf(error) === 'Z_BUF_ERROR') return 'the gzip stream is cut off';
  // The first header has been looked at, so it is a later one.
  if (error.message === 'incorrect header check') return NOT_GZIP_BEHIND;
  return `the gzip stream is damaged: ${error.message}`;
}

function twiceCompressed(path: string): SurprisalError {
  return new SurprisalError('UNSUPPORTED', `${path}: the file is gzipped twice; decompress it once, with gunzip`, {
    details: { path },
  });
}

/** Where in what was fed to a stream the last byte lies that is not zero. */
class TailWatch {
  lastWritten = -1;
  #fed = 0;

  see(chunk: Uint8Array): void {
    let at = chunk.length - 1;
    while (at >= 0 && chunk[at] === 0) at--;
    if (at >= 0) this.lastWritten = this.#fed + at;
    this.#fed += chunk.length;
  }
}

async function feed(
  stream: ReturnType<typeof createGunzip>,
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
  tail: TailWatch,
): Promise<void> {
  const write = (chunk: Uint8Array) =>
    new Promise<void>((resolve, reject) => {
      tail.see(chunk);
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
