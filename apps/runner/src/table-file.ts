import type { Matrix } from '@surprisal/core';
import { writeArrays, writeFileSafely } from '@surprisal/io/node';
import type { Run } from './run.ts';

/** Endings of the files to which a result with a table can be written. */
export const TABLE_ENDINGS = ['.json', '.csv', '.npz'] as const;

/** A table that programs read: named columns of one length. */
export interface Table {
  readonly columns: readonly TableColumn[];
}

/** A column of numbers or words. */
export interface TableColumn {
  readonly name: string;
  readonly values: ArrayLike<number | string | null>;
}

/** Rows are turned into text this many at a time. */
const CHUNK = 4096;

/** Writes a table as CSV (RFC 4180, a header, an empty field where there is no value). */
export async function writeCsv({ options, signal }: Run, { columns }: Table): Promise<void> {
  const rows = columns[0]?.values.length ?? 0;
  await writeFileSafely(options.output as string, { overwrite: options.overwrite, signal }, async (sink) => {
    await sink.write(`${columns.map(({ name }) => csvField(name)).join(',')}\n`);
    for (let from = 0; from < rows; from += CHUNK) {
      let text = '';
      for (let row = from; row < Math.min(rows, from + CHUNK); row++) {
        text += `${columns.map(({ values }) => csvField(values[row] ?? '')).join(',')}\n`;
      }
      await sink.write(text);
    }
  });
}

/** Writes arrays as `.npz`, each under its name; numpy.load reads it. */
export async function writeNpz(
  { options, signal }: Run,
  arrays: Readonly<Record<string, Matrix | Float64Array>>,
): Promise<void> {
  await writeArrays(options.output as string, arrays, { overwrite: options.overwrite, signal });
}

/** The numbers of a table as arrays; words have none. */
export function numericColumns({ columns }: Table): Record<string, Float64Array> {
  const arrays: Record<string, Float64Array> = {};
  for (const { name, values } of columns) {
    const numbers = Float64Array.from({ length: values.length }, (_, i) => {
      const value = values[i];
      return typeof value === 'number' ? value : Number.NaN;
    });
    const hasWords = Array.from({ length: values.length }, (_, i) => values[i]).some(
      (value) => typeof value === 'string',
    );
    if (!hasWords) arrays[name] = numbers;
  }
  return arrays;
}

/** A field of CSV, in quotes where it needs them. */
export function csvField(value: number | string): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
