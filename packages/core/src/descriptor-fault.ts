import type { Descriptor, Precision } from './descriptor.ts';
import type { Matrix } from './matrix.ts';

/**
 * What keeps a value from being a {@link Descriptor}, as a sentence for its author; undefined where nothing does.
 *
 * Only what it declares is looked at: whether `compute` keeps its promises shows when it runs.
 *
 * @example
 * descriptorFault({ name: 'mine', columns: 0 }); // 'columns is 0; it must be a whole number from 1 on'
 */
export function descriptorFault(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) {
    return `it is ${value === null ? 'null' : `a ${typeof value}`}; it must be an object with name, columns, cutoff, parameters and compute`;
  }
  const { name, columns, cutoff, parameters, compute } = value as Partial<Record<keyof Descriptor, unknown>>;
  if (typeof name !== 'string' || name === '') return `name is ${shown(name)}; it must be a word for results`;
  if (!Number.isSafeInteger(columns) || (columns as number) < 1) {
    return `columns is ${shown(columns)}; it must be a whole number from 1 on`;
  }
  if (typeof cutoff !== 'number' || !(cutoff > 0 && cutoff < Number.POSITIVE_INFINITY)) {
    return `cutoff is ${shown(cutoff)}; it must be a length above 0 (Å)`;
  }
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) {
    return `parameters is ${shown(parameters)}; it must be an object of numbers, words and booleans, empty if there are none`;
  }
  for (const [parameter, setting] of Object.entries(parameters)) {
    if (!['number', 'string', 'boolean'].includes(typeof setting)) {
      return `parameters.${parameter} is ${shown(setting)}; it must be a number, a word or a boolean`;
    }
  }
  if (typeof compute !== 'function') return `compute is ${shown(compute)}; it must be a function`;
  return undefined;
}

/**
 * What keeps a matrix from being what a descriptor was asked for, as a sentence for its author; undefined where nothing does.
 *
 * @param rows  atoms of all structures that were given
 */
export function descriptorMatrixFault(
  value: unknown,
  { columns }: Pick<Descriptor, 'columns'>,
  rows: number,
  precision: Precision = 'f64',
): string | undefined {
  if (typeof value !== 'object' || value === null) {
    return `compute gave ${shown(value)}; it must give a matrix, as createMatrix makes one`;
  }
  const matrix = value as Partial<Matrix>;
  if (matrix.columns !== columns) {
    return `compute gave ${shown(matrix.columns)} columns; it must give as many as the descriptor declares, ${columns}`;
  }
  if (matrix.rows !== rows) {
    return `compute gave ${shown(matrix.rows)} rows; it must give one for each of the ${rows} atoms`;
  }
  const kind = precision === 'f32' ? Float32Array : Float64Array;
  if (!(matrix.data instanceof kind)) {
    return `compute gave its numbers as ${kindOf(matrix.data)}; it must give a ${kind.name} for the precision ${precision}`;
  }
  if (matrix.data.length !== rows * columns) {
    return `compute gave ${matrix.data.length} numbers; ${rows} rows of ${columns} columns have ${rows * columns}`;
  }
  const wrong = matrix.data.findIndex((number) => !Number.isFinite(number));
  if (wrong >= 0) {
    return `compute gave ${matrix.data[wrong]} in row ${Math.floor(wrong / columns) + 1}, column ${(wrong % columns) + 1}; every number must be finite`;
  }
  return undefined;
}

/** A value in a sentence. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === 'function') return 'a function';
  return typeof value === 'object' && value !== null ? kindOf(value) : String(value);
}

function kindOf(value: unknown): string {
  const kind = typeof value === 'object' && value !== null ? value.constructor?.name : undefined;
  if (kind === undefined || kind === 'Object')
    return typeof value === 'object' && value !== null ? 'an object' : shown(value);
  return /^[AEIOU]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}
