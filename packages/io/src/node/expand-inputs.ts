import { open, readdir, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { type Context, SurprisalError, throwIfAborted } from '@surprisal/core';
import { glob, isDynamicPattern } from 'tinyglobby';
import { detectFormat, formatOfName, HEAD_BYTES } from '../detect-format.ts';
import { type FrameSlice, parseFrameSlice } from '../frame-slice.ts';
import type { StructureFormat } from '../structure-formats.ts';
import { codeOf, readError } from './file-errors.ts';
import { matrixKindOfName } from './matrix-file.ts';

/** One file to read, as a path of the command line names it. */
export interface InputPath {
  readonly path: string;
  /** Which of its frames; undefined where the path does not say. */
  readonly frames?: FrameSlice | undefined;
  /** What to call it in a sentence: the path, with its frames as they were written. */
  readonly text: string;
}

/** How paths become files. */
export interface ExpandInputsOptions extends Pick<Context, 'signal'> {
  /** Told of each folder in which files were passed over. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** A path and what stands behind its last @. */
interface WithFrames {
  readonly path: string;
  readonly slice: string;
}

/** Formats that the first bytes tell beyond doubt. A file that begins with a number may be many things. */
const TOLD_BY_CONTENT: ReadonlySet<StructureFormat> = new Set(['cif', 'extxyz', 'lammps-dump']);
/** What a `.npy` file begins with. */
const NPY_MAGIC: readonly number[] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

const naturally = new Intl.Collator('en', { numeric: true });

/**
 * The files that some paths of a command line mean, in order.
 *
 * - A path to a file means this file, whatever characters are in it.
 * - Behind an `@`, the last one, may stand which frames are meant, as `traj.xyz@0:100:5`, `traj.xyz@-1` or `traj.xyz@:`.
 * - A path with `*`, `?`, `[…]`, `{…}` or `**` means all files that match it; hidden ones must be asked for by a dot.
 * - A folder means the files of structures and matrices directly in it, told by their names, or by their content where that
 *   leaves no doubt; others are passed over, and `onWarning` is told how many.
 *
 * Files of a pattern or a folder come in their natural order: `run2` before `run10`. A file that is named twice comes twice.
 *
 * @returns one or more for each path
 * @throws {SurprisalError} FILE_NOT_FOUND if there is no such file, no file matches, or a folder holds none; FILE_UNREADABLE;
 *   INVALID_ARGUMENT if what stands behind the @ of an existing file selects no frames; ABORTED
 *
 * @example
 * await expandInputs(['first.xyz@-1', 'runs/*.xyz', 'structures']);
 */
export async function expandInputs(paths: readonly string[], options: ExpandInputsOptions = {}): Promise<InputPath[]> {
  const inputs: InputPath[] = [];
  for (const text of paths) {
    throwIfAborted(options.signal);
    inputs.push(...(await expandInput(text, options)));
  }
  return inputs;
}

/** A path and the text behind its last `@`; undefined where it has none, or nothing before it. */
export function splitFrames(text: string): WithFrames | undefined {
  const at = text.lastIndexOf('@');
  return at <= 0 ? undefined : { path: text.slice(0, at), slice: text.slice(at + 1) };
}

async function expandInput(text: string, options: ExpandInputsOptions): Promise<InputPath[]> {
  if (text === '') throw new SurprisalError('FILE_NOT_FOUND', 'the path of an input is empty; give that of a file');
  const literal = await existing(text, text, undefined, options);
  if (literal !== undefined) return literal;
  const split = splitFrames(text);
  if (split !== undefined) {
    const file = await existing(split.path, text, split.slice, options);
    if (file !== undefined) return file;
  }
  const whole = await matching(text, text, undefined, options);
  if (whole !== undefined && whole.length > 0) return whole;
  const part = split === undefined ? undefined : await matching(split.path, text, split.slice, options);
  if (part !== undefined && part.length > 0) return part;
  if (whole !== undefined || part !== undefined) {
    throw new SurprisalError('FILE_NOT_FOUND', `no file matches ${text}`, { details: { path: text } });
  }
  // The sentence names the file that was looked for: the part before the @ where frames stand behind it.
  const wanted = split !== undefined && isSlice(split.slice) ? split.path : text;
  throw readError(wanted, Object.assign(new Error('there is no such file'), { code: 'ENOENT' }));
}

/** What stands behind the @ of a path. */
function framesBehind(text: string, slice: string): FrameSlice {
  try {
    return parseFrameSlice(slice);
  } catch (error) {
    if (!(error instanceof SurprisalError)) throw error;
    throw new SurprisalError(error.code, `${text}: ${error.message}`, {
      details: { path: text, frames: slice },
      cause: error,
    });
  }
}

/** The file or the folder of this path; undefined where there is none. */
async function existing(
  path: string,
  text: string,
  slice: string | undefined,
  options: ExpandInputsOptions,
): Promise<InputPath[] | undefined> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(path)).isDirectory();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE', 'EINVAL'].includes(codeOf(error)))
      return undefined;
    throw readError(path, error);
  }
  const frames = slice === undefined ? undefined : framesBehind(text, slice);
  if (!isFolder) return [{ path, frames, text }];
  const files = await filesOfFolder(path, options);
  return files.map((file) => ({ path: file, frames, text: named(file, slice) }));
}

/** The files that match a pattern; undefined where it is none. */
async function matching(
  pattern: string,
  text: string,
  slice: string | undefined,
  { signal }: ExpandInputsOptions,
): Promise<InputPath[] | undefined> {
  if (!isDynamicPattern(pattern)) return undefined;
  let files: string[];
  try {
    files = await glob(pattern, {
      absolute: isAbsolute(pattern),
      expandDirectories: false,
      ...(signal !== undefined && { signal }),
    });
  } catch (error) {
    throwIfAborted(signal);
    throw new SurprisalError('INVALID_ARGUMENT', `${text} is no pattern of paths: ${(error as Error).message}`, {
      cause: error,
      details: { path: text },
    });
  }
  throwIfAborted(signal);
  const frames = slice === undefined || files.length === 0 ? undefined : framesBehind(text, slice);
  return files.toSorted(inNaturalOrder).map((path) => ({ path, frames, text: named(path, slice) }));
}

async function filesOfFolder(folder: string, { signal, onWarning }: ExpandInputsOptions): Promise<string[]> {
  const files: string[] = [];
  let others = 0;
  try {
    for (const name of (await readdir(folder)).toSorted(inNaturalOrder)) {
      throwIfAborted(signal);
      const path = join(folder, name);
      if (name.startsWith('.') || !(await stat(path)).isFile()) continue;
      if (await isReadable(path)) files.push(path);
      else others++;
    }
  } catch (error) {
    throw readError(folder, error);
  }
  if (files.length === 0) {
    throw new SurprisalError('FILE_NOT_FOUND', `the folder ${folder} holds no files of structures or matrices`, {
      details: { path: folder, others },
    });
  }
  if (others > 0) {
    onWarning?.(
      `${folder}: ${others} of its ${files.length + others} files hold${others === 1 ? 's' : ''} neither structures nor ` +
        'a matrix, as it seems, and are passed over',
    );
  }
  return files;
}

async function isReadable(path: string): Promise<boolean> {
  if (formatOfName(path) !== undefined || matrixKindOfName(path) !== undefined) return true;
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const head = buffer.subarray(0, bytesRead);
    const format = detectFormat(head, '');
    return (format !== undefined && TOLD_BY_CONTENT.has(format)) || NPY_MAGIC.every((byte, at) => head[at] === byte);
  } finally {
    await handle.close();
  }
}

function isSlice(text: string): boolean {
  try {
    parseFrameSlice(text);
    return true;
  } catch {
    return false;
  }
}

function named(path: string, slice: string | undefined): string {
  return slice === undefined ? path : `${path}@${slice}`;
}

function inNaturalOrder(a: string, b: string): number {
  return naturally.compare(a, b) || (a < b ? -1 : 1);
}
