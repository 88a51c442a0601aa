import { open, stat } from 'node:fs/promises';
import { detectFormat, HEAD_BYTES } from '../detect-format.ts';
import { readError } from './file-errors.ts';

/** The kinds of files that hold a matrix. */
export type MatrixFileKind = 'npy' | 'npz';

/**
 * Whether a file holds a matrix, as {@link matrixFileKind} says.
 *
 * @throws {SurprisalError} FILE_NOT_FOUND, FILE_UNREADABLE
 */
export async function isMatrixFile(path: string): Promise<boolean> {
  return (await matrixFileKind(path)) !== undefined;
}

/**
 * The kind of matrix that a file holds: by its first bytes, and where they say nothing, or cannot be read twice as those of
 * a pipe, by the extension of its name.
 *
 * @returns undefined for anything else, such as structures
 * @throws {SurprisalError} FILE_NOT_FOUND, FILE_UNREADABLE
 */
export async function matrixFileKind(path: string): Promise<MatrixFileKind | undefined> {
  const named = matrixKindOfName(path);
  try {
    if (!(await stat(path)).isFile()) return named;
    const head = await firstBytes(path);
    if (startsWith(head, [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59])) return 'npy';
    if (startsWith(head, [0x50, 0x4b, 0x03, 0x04])) return 'npz';
    const isStructures = startsWith(head, [0x1f, 0x8b]) || detectFormat(head, '') !== undefined;
    return isStructures ? undefined : named;
  } catch (error) {
    throw readError(path, error);
  }
}

/** The kind of matrix file that a name asks for. */
export function matrixKindOfName(path: string): MatrixFileKind | undefined {
  const extension = /\.(npy|npz)$/i.exec(path)?.[1]?.toLowerCase();
  return extension === 'npy' || extension === 'npz' ? extension : undefined;
}

async function firstBytes(path: string): Promise<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function startsWith(head: Uint8Array, bytes: readonly number[]): boolean {
  return bytes.every((byte, at) => head[at] === byte);
}
