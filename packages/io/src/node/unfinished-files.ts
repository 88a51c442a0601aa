import { rmSync } from 'node:fs';

/** Paths of the files that are being written at this moment. */
const paths = new Set<string>();

/** Takes note of a file that is not whole yet, from before it is opened on, so that it does not outlive the process. */
export function noteUnfinished(path: string): void {
  if (paths.size === 0) process.on('exit', removeUnfinishedFiles);
  paths.add(path);
}

/** The file is whole, or gone. */
export function forgetUnfinished(path: string): void {
  if (paths.delete(path) && paths.size === 0) process.off('exit', removeUnfinishedFiles);
}

/**
 * Removes the temporary files of every write that is under way, at once: for a process that must end now and cannot wait
 * until its writes have failed in good order. The end of a process through `process.exit` needs no such call.
 *
 * @example
 * removeUnfinishedFiles();
 * process.kill(process.pid, 'SIGKILL');
 */
export function removeUnfinishedFiles(): void {
  for (const path of paths) {
    try {
      rmSync(path, { force: true });
    } catch {
      // The process ends; nobody could do more about the file.
    }
  }
  paths.clear();
}
