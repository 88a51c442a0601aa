import { createGunzip, type Gunzip } from 'node:zlib';
import { ParseError, SurprisalError } from '@surprisal/core';
import { type CompressionLimit, checkCompressionRatio } from '../compression-limit.ts';
import { codeOf } from './file-errors.ts';

/** How bytes are decompressed. */
export interface DecompressOptions extends CompressionLimit {
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** Plain bytes that are made at a time. */
const CHUNK = 512 * 1024;

/**
 * The bytes of a file, decompressed where they are gzipped, as their beginning tells; several gzip members are read as one.
 *
 * @throws {SurprisalError} PARSE_ERROR if the stream is cut off, damaged, or followed by something else; UNSUPPORTED if it
 *   expands beyond belief or is compressed twice
 */
export async function* decompress(
  path: string,
  chunks: AsyncIterableIterator<Uint8Array>,
  options: DecompressOptions,
): AsyncGenerator<Uint8Array, void> {
  const first = await firstBytes(chunks);
  if (first[0] === 0x1f && (first[1] === 0x8b || first.length === 1)) {
    yield* gunzip(path, first, chunks, options);
    return;
  }
  if (/\.gz$/i.test(path) && first.length > 0) {
    options.onWarning?.(`${path}: the name ends in .gz, but the file is not gzipped; read as it is`);
  }
  if (first.length > 0) yield first;
  yield* chunks;
}

/** At least two bytes, if there are as many: a pipe may hand them out one by one. */
async function firstBytes(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let first: Uint8Array = new Uint8Array(0);
  while (first.length < 2) {
    const { done, value } = await chunks.next();
    if (done) break;
    if (first.length === 0) {
      first = value;
      continue;
    }
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
  const feed = new Feed(stream);
  const feeding = feed.run(first, rest);
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
    if (feed.lastWritten >= stream.bytesWritten) throw new ParseError({ file: path }, NOT_GZIP_BEHIND);
  } catch (error) {
    if (!codeOf(error).startsWith('Z_')) throw error;
    throw new ParseError({ file: path }, gzipProblem(error as Error), { cause: error });
  } finally {
    feed.isWanted = false;
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

/** Hands compressed bytes to a stream until it has seen its end, and looks at those that are left. */
class Feed {
  /** Where the last byte lies that is not zero, of all that were met. */
  lastWritten = -1;
  /** Whether anybody reads what comes out. */
  isWanted = true;
  readonly #stream: Gunzip;
  readonly #over: Promise<false>;
  #met = 0;

  constructor(stream: Gunzip) {
    this.#stream = stream;
    // A stream that ends while bytes are left never calls back for them.
    this.#over = new Promise((resolve) => {
      for (const event of ['end', 'close']) stream.once(event, () => resolve(false));
    });
  }

  async run(first: Uint8Array, rest: AsyncIterable<Uint8Array>): Promise<void> {
    let isOpen = await this.#take(first, true);
    for await (const chunk of rest) {
      if (!this.isWanted) return;
      isOpen = await this.#take(chunk, isOpen);
    }
    this.#stream.end();
  }

  /** @returns whether the stream takes more */
  async #take(chunk: Uint8Array, isOpen: boolean): Promise<boolean> {
    let last = chunk.length - 1;
    while (last >= 0 && chunk[last] === 0) last--;
    if (last >= 0) this.lastWritten = this.#met + last;
    this.#met += chunk.length;
    return isOpen && (await Promise.race([this.#write(chunk), this.#over]));
  }

  #write(chunk: Uint8Array): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#stream.write(chunk, (error) => {
        if (!error) resolve(true);
        // Once nobody reads any more, the stream is destroyed, and writing to it fails: that is the end, not a failure.
        else if (['ERR_STREAM_DESTROYED', 'ERR_STREAM_PREMATURE_CLOSE'].includes(codeOf(error))) resolve(false);
        else reject(error);
      });
    });
  }
}
