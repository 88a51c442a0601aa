import { throwIfAborted } from '@surprisal/core';
import type { Run } from './run.ts';

/**
 * Shows the result: one JSON document, or lines for a person; and writes the document to `--output` where that is a
 * `.json` file of its own.
 *
 * @param lines  blocks of text
 */
export async function publish(run: Run, document: object, lines: () => readonly string[]): Promise<void> {
  if (run.options.output !== undefined) await writeDocument(run, document);
  await printResult(run, document, lines);
}

/** Shows the result and writes nothing. */
export async function printResult(run: Run, document: object, lines: () => readonly string[]): Promise<void> {
  throwIfAborted(run.signal);
  run.finish();
  await run.streams.print(run.options.json ? toJson(document) : lines().join('\n'));
}

async function writeDocument({ options, signal }: Run, document: object): Promise<void> {
  const { writeFileSafely } = await import('@surprisal/io/node');
  await writeFileSafely(options.output as string, { overwrite: options.overwrite, signal }, async (sink) => {
    await sink.write(toJson(document));
  });
}

function toJson(document: object): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}
