import { createGzip } from 'node:zlib';
import { type Structure, SurprisalError } from '@surprisal/core';
import { type FormatExtxyzOptions, formatExtxyz } from '../format-extxyz.ts';
import { Warnings } from '../warnings.ts';
import { type FileSink, type WriteOptions, writeFileSafely } from './write-file-safely.ts';

/** How structures are written to a file. */
export interface WriteStructuresOptions extends WriteOptions, FormatExtxyzOptions {}

/**
 * Writes structures as extended XYZ to `.xyz` or `.extxyz`, gzipped where `.gz` follows; one after the other, as they come.
 *
 * @throws {SurprisalError} UNKNOWN_FORMAT for other extensions; INVALID_ARGUMENT as `formatExtxyz`; and as
 *   {@link writeFileSafely}
 *
 * @example
 * await writeStructures('copy.xyz.gz', openStructures('run.lammpstrj'));
 */
export async function writeStructures(
  path: string,
  structures: AsyncIterable<Structure> | Iterable<Structure>,
  options: WriteStructuresOptions = {},
): Promise<void> {
  const extension = /\.(?:xyz|extxyz)(\.gz)?$/i.exec(path);
  if (extension === null) {
    throw new SurprisalError(
      'UNKNOWN_FORMAT',
      `${path}: structures are written to a file that ends in .xyz or .extxyz, or .gz behind it`,
      {
        details: { path },
      },
    );
  }
  const warnings = new Warnings(path, options.onWarning);
  const writeFrames = async (sink: FileSink) => {
    for await (const structure of structures) {
      const pieces = formatExtxyz(structure, { onWarning: (message) => warnings.warn(message, message) });
      for (const text of pieces) await sink.write(text);
    }
  };
  await writeFileSafely(path, options, async (sink) => {
    if (extension[1] === undefined) await writeFrames(sink);
    else await writeGzipped(sink, writeFrames);
  });
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
