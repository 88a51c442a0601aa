import type { NpzArray } from '@surprisal/io';
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
export async function writeNpz({ options, signal }: Run, arrays: Readonly<Record<string, NpzArray>>): Promise<void> {
  await writeArrays(options.output as string, arrays, { overwrite: options.overwrite, signal });
}

/** The columns of a table as arrays: of words where it holds any, else of numbers, NaN where there is none. */
export function arraysOf({ columns }: Table): Record<string, NpzArray> {
  return Object.fromEntries(
    columns.map(({ name, values }) => {
      const fields = Array.from({ length: values.length }, (_, i) => values[i]);
      return fields.some((field) => typeof field === 'string')
        ? [name, fields.map((field) => String(field ?? ''))]
        : [name, Float64Array.from(fields, (field) => (field == null ? Number.NaN : Number(field)))];
    }),
  );
}

/** A field of CSV, in quotes where it needs them. */
export function csvField(value: number | string): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
