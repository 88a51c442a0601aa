import { test } from 'vitest';

/**
 * The folder of data that is too large to ship, named by the environment variable SURPRISAL_DATA; undefined where it is
 * not set or empty.
 */
export function outsideData(): string | undefined {
  const folder = process.env['SURPRISAL_DATA'];
  return folder === undefined || folder === '' ? undefined : folder;
}

/**
 * A test over outside data; without the data it is reported as skipped, with the reason.
 *
 * @param body  receives the folder
 *
 * @example
 * outsideTest('reads every dump', async (folder) => {
 *   await readAll(join(folder, 'lammps'));
 * });
 */
export function outsideTest(name: string, body: (folder: string) => void | Promise<void>): void {
  test(name, async (context) => {
    const folder = outsideData();
    if (folder === undefined) {
      return context.skip('SURPRISAL_DATA is not set; set it to the folder of outside data to run this test');
    }
    await body(folder);
  });
}

/** Whether tests of many minutes run too: SURPRISAL_LONG=1. */
export const longTests: boolean = process.env['SURPRISAL_LONG'] === '1';
