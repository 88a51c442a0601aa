import { type FileHandle, open } from 'node:fs/promises';
import { throwIfAborted } from '@surprisal/core';
import { roomyMemory } from '../roomy-chunks.ts';

/** Bytes of a chunk: enough work for several threads, and little memory. */
const CHUNK = 4 * 1024 * 1024;
/** Room in front of a chunk for the beginning of a line that the chunk before ends with. */
const ROOM = 64 * 1024;

/**
 * The bytes of a file in large chunks, each read while whoever asked for the one before works on that. A chunk stays as it is
 * until the second one behind it is asked for.
 *
 * @param size  of the file, so that a small one takes little memory; it may have grown
 */
export async function* fileChunks(
  path: string,
  size: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void> {
  const file = await open(path, 'r');
  const length = Math.min(CHUNK, size + 1);
  const memories: Uint8Array[] = [];
  let turn = 0;
  const readNext = (): Promise<Uint8Array> => {
    const place = turn++ % 3;
    memories[place] ??= roomyMemory(ROOM + length);
    return fill(file, memories[place].subarray(ROOM));
  };
  let next = readNext();
  try {
    for (;;) {
      const chunk = await next;
      throwIfAborted(signal);
      const isLast = chunk.length < length;
      if (!isLast) next = readNext();
      // Whoever gets the chunk may be a while, and nobody listens meanwhile.
      next.catch(() => undefined);
      if (chunk.length > 0) yield chunk;
      if (isLast) return;
    }
  } finally {
    // A file must not be closed while it is read.
    await next.catch(() => undefined);
    await file.close();
  }
}

/** As many of the next bytes as there are, and as there is room for. */
async function fill(file: FileHandle, room: Uint8Array): Promise<Uint8Array> {
  let filled = 0;
  while (filled < room.length) {
    const { bytesRead } = await file.read(room, filled, room.length - filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return room.subarray(0, filled);
}
