import { createGzip } from 'node:zlib';
import { type Structure, SurprisalError } from '@surprisal/core';
import { formatOfName } from '../detect-format.ts';
import { formatStructures } from '../format-structures.ts';
import { STRUCTURE_FORMATS, type StructureFormat } from '../structure-formats.ts';
import { type FileSink, type WriteOptions, writeFileSafely } from './write-file-safely.ts';

/** How structures are written to a file. */
export interface WriteStructuresOptions extends WriteOptions {
  /** Default: by the name, as `detectFormat` tells it. */
  readonly format?: StructureFormat | undefined;
  /** Told once of each thing that the format cannot hold or holds under another name. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/**
 * Writes structures to a file, one after the other, as they come; gzipped where its name ends in `.gz`.
 *
 * @throws {SurprisalError} UNKNOWN_FORMAT if neither `format` nor the name give a format that is written;
 *   INVALID_ARGUMENT if the format cannot hold a structure, or not so many; EMPTY_INPUT if there is none; and as {@link writeFileSafely}
 *
 * @example
 * await writeStructures('copy.xyz.gz', openStructures('run.lammpstrj'));
 */
export async function writeStructures(
  path: string,
  structures: AsyncIterable<Structure> | Iterable<Structure>,
  options: WriteStructuresOptions = {},
): Promise<void> {
  const format = options.format ?? formatOfName(path);
  if (format === undefined) throw unknownFormat(path);
  const writeFrames = async (sink: FileSink) => {
    const pieces = formatStructures(structures, { format, file: path, onWarning: options.onWarning });
    for await (const text of pieces) await sink.write(text);
  };
  await writeFileSafely(path, options, (sink) =>
    /\.gz$/i.test(path) ? writeGzipped(sink, writeFrames) : writeFrames(sink),
  );
}

function unknownFormat(path: string): SurprisalError {
  const endings = STRUCTURE_FORMATS.filter(({ write }) => write !== undefined)
    .flatMap(({ extensions }) => extensions)
    .map((extension) => `.${extension}`);
  return new SurprisalError(
    'UNKNOWN_FORMAT',
    `${path}: its name does not say in which format to write structures; known are ${endings.join(', ')}, and .gz behind them`,
    { details: { path } },
  );
}

/** Compresses what `write` writes on its way into a sink. */
async function writeGzipped(sink: FileSink, write: (inner: FileSink) => Promise<void>): Promise<void> {
  const gzip = createGzip();
  const drained = (async () => {
    for await (const chunk of gzip) await sink.write(chunk as Uint8Array);
  })();
  // Reported where it is awaited below; until then it must not count as unhandled.
  drained.catch(() => undefined);
  try {
    await write({
      write: (chunk) =>
        new Promise((resolve, reject) => {
          gzip.write(chunk, (error) => (error ? reject(error) : resolve()));
        }),
    });
    gzip.end();
  } catch (error) {
    gzip.destroy();
    await drained.catch((cause: unknown) => {
      if (cause instanceof SurprisalError) throw cause;
    });
    throw error;
  }
  await drained;
}
