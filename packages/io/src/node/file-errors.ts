import { type ErrorCode, SurprisalError } from '@surprisal/core';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than is allowed here',
  EIO: 'the device fails',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'the name is too long',
};

/** Why a system call failed, as a clause. */
function reason(error: unknown): string {
  const code = codeOf(error);
  return REASONS[code] ?? (error instanceof Error ? error.message : String(error));
}

/** The error code of the operating system, such as `ENOENT`; empty where there is none. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** A failed attempt to read a file, as FILE_NOT_FOUND or FILE_UNREADABLE; errors of surprisal pass. */
export function readError(path: string, error: unknown): SurprisalError {
  if (error instanceof SurprisalError) return error;
  const code: ErrorCode = ['ENOENT', 'ENOTDIR'].includes(codeOf(error)) ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE';
  return new SurprisalError(code, `cannot read ${path}: ${reason(error)}`, { cause: error, details: { path } });
}

/** A failed attempt to write a file, as FILE_UNWRITABLE; errors of surprisal pass. */
export function writeError(path: string, error: unknown): SurprisalError {
  if (error instanceof SurprisalError) return error;
  return new SurprisalError('FILE_UNWRITABLE', `cannot write ${path}: ${reason(error)}`, {
    cause: error,
    details: { path },
  });
}

/** The refusal to replace a file. */
export function existsError(path: string, cause?: unknown): SurprisalError {
  return new SurprisalError('FILE_EXISTS', `${path} exists; allow to overwrite it, or choose another name`, {
    cause,
    details: { path },
  });
}
