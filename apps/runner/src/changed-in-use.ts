import { SurprisalError } from '@surprisal/core';

/** The error of a file that holds something else when it is read once more. */
export function changedInUse(path: string): SurprisalError {
  return new SurprisalError('PARSE_ERROR', `${path} changed while it was in use; run this again`, {
    details: { file: path },
  });
}
