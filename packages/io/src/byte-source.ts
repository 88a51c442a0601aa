import { ParseError } from '@surprisal/core';

/** Bytes that can be read anywhere: a file, or an array in memory. */
export interface ByteSource {
  /** The name of the file, for errors. */
  readonly file: string;
  readonly size: number;
  /**
   * Fills `target` with the bytes from `offset` on.
   *
   * @throws {SurprisalError} PARSE_ERROR if the source ends before that
   */
  readInto(target: Uint8Array, offset: number): Promise<void>;
}

/** An array as a source. */
export function memorySource(bytes: Uint8Array, file: string): ByteSource {
  return {
    file,
    size: bytes.length,
    readInto(target, offset) {
      const part = bytes.subarray(offset, offset + target.length);
      if (part.length < target.length) throw new ParseError({ file }, 'the file is cut off');
      target.set(part);
      return Promise.resolve();
    },
  };
}

/** Some bytes of a source, in an array of their own. */
export async function readBytes(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await source.readInto(bytes, offset);
  return bytes;
}
