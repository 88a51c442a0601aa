import { randomBytes } from 'node:crypto';
import { constants, type FileHandle, link, lstat, open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SurprisalError, throwIfAborted } from '@surprisal/core';
import { codeOf, existsError, writeError } from './file-errors.ts';
import { forgetUnfinished, noteUnfinished } from './unfinished-files.ts';

/** How a file is written. */
export interface WriteOptions {
  /** Replace an existing file. Default false. */
  readonly overwrite?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Where the content of a file goes, piece by piece. */
export interface FileSink {
  /**
   * Takes the next piece; it is the caller's again when the promise is fulfilled. Text is written as UTF-8.
   *
   * @throws {SurprisalError} FILE_UNWRITABLE, ABORTED
   */
  write(chunk: Uint8Array | string): Promise<void>;
}

/** Small pieces are gathered up to this many bytes. */
const BUFFER = 256 * 1024;
/** Characters, of four bytes at the most, that the name of a temporary file takes over; names have up to 255 bytes. */
const LONGEST_STEM = 50;

/**
 * Writes a file so that it appears whole or not at all: into a file of its own beside the target, flushed to disk, then
 * renamed. Whatever goes wrong before, the target is as it was and nothing is left beside it. A file that is replaced
 * hands its permissions on.
 *
 * Without `overwrite` the last step does not replace a target either that has come into being meanwhile.
 *
 * @throws {SurprisalError} FILE_EXISTS if there is a target and `overwrite` is not set; FILE_UNWRITABLE; ABORTED; and
 *   what `write` throws
 *
 * @example
 * await writeFileSafely('result.json', { overwrite: true }, (sink) => sink.write('{}\n'));
 */
export async function writeFileSafely(
  path: string,
  options: WriteOptions,
  write: (sink: FileSink) => Promise<void>,
): Promise<void> {
  const { overwrite = false, signal } = options;
  throwIfAborted(signal);
  const { target, mode } = await checkTarget(path, overwrite);
  const temporary = temporaryName(target);
  let handle: FileHandle | undefined;
  noteUnfinished(temporary);
  try {
    const opened = await system(path, () => open(temporary, 'wx', mode));
    handle = opened;
    if (mode !== undefined) await system(path, () => keepMode(opened, mode));
    const sink = new BufferedSink(path, handle, signal);
    await write(sink);
    await sink.flush();
    await system(path, () => opened.sync());
    await system(path, () => opened.close());
    handle = undefined;
    throwIfAborted(signal);
    await system(path, () => (overwrite ? rename(temporary, target) : publishNew(temporary, target)));
    await syncFolder(dirname(target));
  } finally {
    await handle?.close().catch(() => undefined);
    await rm(temporary, { force: true }).catch(() => undefined);
    forgetUnfinished(temporary);
  }
}

/** A name beside the target that is its own and not longer than names may be, however long that of the target is. */
function temporaryName(target: string): string {
  const stem = [...basename(target)].slice(0, LONGEST_STEM).join('');
  return join(dirname(target), `${stem}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`);
}

interface Target {
  readonly target: string;
  /** Permissions of the file that is to be replaced. */
  readonly mode: number | undefined;
}

/** The path that is to be replaced: links are followed, and only files are replaced. */
async function checkTarget(path: string, overwrite: boolean): Promise<Target> {
  try {
    const status = await lstat(path);
    if (!overwrite) throw existsError(path);
    const target = status.isSymbolicLink() ? await realpath(path) : path;
    const replaced = status.isSymbolicLink() ? await lstat(target) : status;
    if (!replaced.isFile()) {
      throw new SurprisalError('FILE_UNWRITABLE', `cannot write ${path}: it exists and is not a file`, {
        details: { path },
      });
    }
    return { target, mode: replaced.mode & 0o777 };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { target: path, mode: undefined };
    throw writeError(path, error);
  }
}

/** Gives the file exactly these permissions, from which the process's umask may have taken some. */
async function keepMode(handle: FileHandle, mode: number): Promise<void> {
  try {
    await handle.chmod(mode);
  } catch (error) {
    // Some file systems have no permissions to give; then there were none to keep.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'].includes(codeOf(error))) throw error;
  }
}

/** Gives the file its name unless there is one of that name already, in one step. */
async function publishNew(temporary: string, target: string): Promise<void> {
  try {
    await link(temporary, target);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw existsError(target, error);
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL', 'EACCES'].includes(codeOf(error)))
      throw error;
    // A file system without hard links: claim the name with an empty file, then replace that.
    await claim(target);
    await rename(temporary, target);
  }
}

async function claim(target: string): Promise<void> {
  try {
    await (await open(target, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY)).close();
  } catch (error) {
    throw codeOf(error) === 'EEXIST' ? existsError(target, error) : error;
  }
}

/** Makes the new name last; where folders cannot be flushed, the file itself has been. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    return;
  }
}

async function system<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw writeError(path, error);
  }
}

class BufferedSink implements FileSink {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #signal: AbortSignal | undefined;
  readonly #encoder = new TextEncoder();
  #pieces: Uint8Array[] = [];
  #gathered = 0;

  constructor(path: string, handle: FileHandle, signal: AbortSignal | undefined) {
    this.#path = path;
    this.#handle = handle;
    this.#signal = signal;
  }

  async write(chunk: Uint8Array | string): Promise<void> {
    throwIfAborted(this.#signal);
    // Bytes are copied while they are gathered, since the caller may use its array again.
    const isLarge = typeof chunk !== 'string' && chunk.length >= BUFFER;
    const bytes = typeof chunk === 'string' ? this.#encoder.encode(chunk) : isLarge ? chunk : chunk.slice();
    this.#pieces.push(bytes);
    this.#gathered += bytes.length;
    if (this.#gathered >= BUFFER) await this.flush();
  }

  async flush(): Promise<void> {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#gathered = 0;
    for (const piece of pieces) await this.#writeAll(piece);
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      throwIfAborted(this.#signal);
      const length = Math.min(bytes.length - at, 16 * 1024 * 1024);
      const { bytesWritten } = await system(this.#path, () => this.#handle.write(bytes, at, length));
      at += bytesWritten;
    }
  }
}
