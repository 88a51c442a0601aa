import { SurprisalError } from '@surprisal/core';
import { UsageError } from './usage-error.ts';

/** What the command's exit codes mean. */
export const EXIT = {
  ok: 0,
  /** The content of a file, or something that went wrong while the work was under way. */
  failed: 1,
  /** The command line, a path that is missing or cannot be read, a target that exists. */
  usage: 2,
} as const;

const USAGE_CODES: ReadonlySet<string> = new Set([
  'FILE_EXISTS',
  'FILE_NOT_FOUND',
  'FILE_UNREADABLE',
  'INVALID_BANDWIDTH',
]);

/** The exit code with which the command ends over an error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof SurprisalError && USAGE_CODES.has(error.code)) return EXIT.usage;
  return EXIT.failed;
}
