import { access, constants, lstat, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { CommandOptions } from './option-values.ts';
import { UsageError } from './usage-error.ts';

/**
 * Looks at every input before any work.
 *
 * @throws {UsageError} if one is missing, is a folder, or cannot be read
 */
export async function checkInputs(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const status = await stat(path).catch((error) => {
      throw new UsageError(`${path}: ${reasonOf(error)}; check the path`);
    });
    if (status.isDirectory()) throw new UsageError(`${path}: this is a folder; name the files in it`);
    await access(path, constants.R_OK).catch((error) => {
      throw new UsageError(`${path}: ${reasonOf(error)}; check its permissions`);
    });
  }
}

/**
 * The ending of the target.
 *
 * @param endings  file endings that the command can write, such as `.npy`
 * @returns undefined where nothing is to be written
 * @throws {UsageError} if the ending is none of them
 */
export function endingOf<Ending extends string>(
  output: string | undefined,
  endings: readonly Ending[],
): Ending | undefined {
  if (output === undefined) return undefined;
  // Longer endings first: .xyz.gz is not .gz.
  const ending = endings
    .toSorted((a, b) => b.length - a.length)
    .find((candidate) => output.toLowerCase().endsWith(candidate));
  if (ending === undefined) {
    throw new UsageError(`${output}: the ending says how to write it; this command writes ${endings.join(', ')}`);
  }
  return ending;
}

/**
 * Looks at the target before any work.
 *
 * @param inputs  paths of what will be read
 * @throws {UsageError} if the folder cannot be written, the target exists and may not be replaced, or is itself an input
 */
export async function checkTarget(
  { output, overwrite }: Pick<CommandOptions, 'output' | 'overwrite'>,
  inputs: readonly string[],
): Promise<void> {
  if (output === undefined) return;
  if (output === '') throw new UsageError('the name of the output is empty; give the path of a file');
  const folder = dirname(output);
  // A path through a file is no lack of permission, which is how the system calls it.
  const isFolder = await stat(folder).then(
    (status) => status.isDirectory(),
    () => true,
  );
  if (!isFolder) throw new UsageError(`${output} cannot be written: ${folder} is no folder`);
  await access(folder, constants.W_OK | constants.X_OK).catch((error) => {
    throw new UsageError(`${output} cannot be written: ${folder}: ${reasonOf(error)}`);
  });
  const found = await lstat(output).catch((error) => {
    if (error.code === 'ENOENT') return undefined;
    throw new UsageError(`${output} cannot be written: ${reasonOf(error)}`);
  });
  if (found === undefined) return;
  await refuseInput(output, inputs);
  if (!overwrite) throw new UsageError(`${output} exists; choose another name, or replace it with --overwrite`);
  const status = await stat(output).catch(() => undefined);
  if (status !== undefined && !status.isFile()) {
    throw new UsageError(`${output} exists and is no regular file; choose another name`);
  }
}

/** An input that is replaced is lost, and with it what the result was made of. */
async function refuseInput(output: string, inputs: readonly string[]): Promise<void> {
  const target = await stat(output).catch(() => undefined);
  for (const path of target === undefined ? [] : inputs) {
    const input = await stat(path);
    if (input.dev === target?.dev && input.ino === target.ino) {
      throw new UsageError(`${output} is one of the inputs; write to another file`);
    }
  }
}

/** Whether a path names a regular file, not a pipe or a device. */
export async function isRegularFile(path: string): Promise<boolean> {
  return (await stat(path)).isFile();
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is no folder',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
};

function reasonOf(error: NodeJS.ErrnoException): string {
  return REASONS[error.code ?? ''] ?? error.message;
}
