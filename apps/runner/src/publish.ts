import { throwIfAborted } from '@surprisal/core';
import type { Run } from './run.ts';
import { arraysOf, type Table, writeCsv, writeNpz } from './table-file.ts';

/** A result in the shapes in which it is wanted. */
export interface Presentation {
  /** Blocks of text for a person. */
  lines(): readonly string[];
  /** What goes to a `.csv` or `.npz` file; the command that has none takes `.json` alone. */
  table?(): Table;
}

/**
 * Shows the result: one JSON document, or lines for a person; and writes it to `--output`, as the document where that is a
 * `.json` file, else as a table.
 */
export async function publish(run: Run, document: object, { lines, table }: Presentation): Promise<void> {
  const { output } = run.options;
  if (output !== undefined) {
    const name = output.toLowerCase();
    if (table !== undefined && name.endsWith('.csv')) await writeCsv(run, table());
    else if (table !== undefined && name.endsWith('.npz')) await writeNpz(run, arraysOf(table()));
    else await writeDocument(run, document);
  }
  await printResult(run, document, lines);
}

/** Shows the result and writes nothing. */
export async function printResult(run: Run, document: object, lines: () => readonly string[]): Promise<void> {
  throwIfAborted(run.signal);
  run.inputsWereRead();
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
