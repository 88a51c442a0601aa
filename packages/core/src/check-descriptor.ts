import type { Descriptor, DescriptorPart, Precision } from './descriptor.ts';
import { createMatrix, type Matrix } from './matrix.ts';
import { atomCount, type Structure } from './structure.ts';
import { SurprisalError } from './surprisal-error.ts';

/**
 * A value as a descriptor, if it declares all that one has. Whether `compute` keeps its promises shows when it runs.
 *
 * @throws {SurprisalError} INVALID_DESCRIPTOR over the first field that is wrong, in words for its author
 *
 * @example
 * checkDescriptor({ name: 'mine', columns: 0 }); // throws: columns is 0; it must be a whole number from 1 on
 */
export function checkDescriptor(value: unknown): Descriptor {
  if (typeof value !== 'object' || value === null) {
    refuse(`it is ${shown(value)}; it must be an object with name, columns, cutoff, parameters and compute`);
  }
  const { name, columns, cutoff, parameters, compute, computeParts } = value as Partial<
    Record<keyof Descriptor, unknown>
  >;
  if (typeof name !== 'string' || name === '') refuse(`name is ${shown(name)}; it must be a word for results`);
  if (!Number.isSafeInteger(columns) || (columns as number) < 1) {
    refuse(`columns is ${shown(columns)}; it must be a whole number from 1 on`);
  }
  if (typeof cutoff !== 'number' || !(cutoff > 0 && cutoff < Number.POSITIVE_INFINITY)) {
    refuse(`cutoff is ${shown(cutoff)}; it must be a length above 0 (Å)`);
  }
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) {
    refuse(
      `parameters is ${shown(parameters)}; it must be an object of numbers, words and booleans, {} if there are none`,
    );
  }
  for (const [parameter, setting] of Object.entries(parameters)) {
    if (['number', 'string', 'boolean'].includes(typeof setting)) continue;
    refuse(`parameters.${parameter} is ${shown(setting)}; it must be a number, a word or a boolean`);
  }
  if (typeof compute !== 'function') refuse(`compute is ${shown(compute)}; it must be a function`);
  if (computeParts !== undefined && typeof computeParts !== 'function') {
    refuse(`computeParts is ${shown(computeParts)}; it must be a function, or be left out`);
  }
  return value as Descriptor;
}

/**
 * A part of what a descriptor computed, if it is what it was asked for: rows of atoms of the structure, at the most so many.
 *
 * @throws {SurprisalError} INVALID_DESCRIPTOR as {@link checkDescriptorMatrix}
 */
export function checkDescriptorPart(
  value: unknown,
  descriptor: Pick<Descriptor, 'columns'>,
  structure: Structure,
  rows: number,
  precision?: Precision,
): DescriptorPart {
  const { atoms, matrix } = Object(value) as Partial<DescriptorPart>;
  if (!(atoms instanceof Uint32Array) || atoms.length === 0 || atoms.length > rows) {
    refuse(`computeParts gave ${shown(atoms)} as atoms; it must give a Uint32Array of 1 to ${rows} atoms`);
  }
  const count = atomCount(structure);
  const absent = atoms.find((atom) => atom >= count);
  if (absent !== undefined) refuse(`computeParts gave a row for atom ${absent}, counted from 0, of ${count}`);
  return { atoms, matrix: checkRows(matrix, descriptor, atoms.length, precision, (row) => [0, atoms[row] as number]) };
}

/**
 * What a descriptor computed, if it is what it was asked for.
 *
 * @param value       what `compute` resolved to
 * @param structures  what it was given
 * @returns (atoms×columns), over the same array
 * @throws {SurprisalError} INVALID_DESCRIPTOR over the first thing that is wrong, in words for its author; its `details` name
 *   the structure and the atom where a number is not finite
 *
 * @example
 * const x = checkDescriptorMatrix(await mine.compute([water]), mine, [water]);
 */
export function checkDescriptorMatrix(
  value: unknown,
  { columns }: Pick<Descriptor, 'columns'>,
  structures: readonly Structure[],
  precision: Precision = 'f64',
): Matrix {
  const rows = structures.reduce((sum, structure) => sum + atomCount(structure), 0);
  return checkRows(value, { columns }, rows, precision, (row) => placeOf(row, structures));
}

/** @param placeOfRow  structure and atom of a row */
function checkRows(
  value: unknown,
  { columns }: Pick<Descriptor, 'columns'>,
  rows: number,
  precision: Precision = 'f64',
  placeOfRow: (row: number) => readonly [structure: number, atom: number],
): Matrix {
  if (typeof value !== 'object' || value === null) {
    refuse(`compute gave ${shown(value)}; it must give a matrix, as createMatrix makes one`);
  }
  const matrix = value as Partial<Matrix>;
  if (matrix.columns !== columns) {
    refuse(`compute gave ${shown(matrix.columns)} columns; it must give as many as are declared, ${columns}`);
  }
  if (matrix.rows !== rows) {
    refuse(`compute gave ${shown(matrix.rows)} rows; it must give one for each atom of all structures, ${rows}`);
  }
  const kind = precision === 'f32' ? Float32Array : Float64Array;
  const { data } = matrix;
  if (!(data instanceof kind)) {
    refuse(
      `compute gave its numbers as ${shown(data)}; it must give a ${kind.name} where the precision is ${precision}`,
    );
  }
  if (data.length !== rows * columns) {
    refuse(`compute gave ${data.length} numbers; ${rows} rows of ${columns} columns have ${rows * columns}`);
  }
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    const [structure, atom] = placeOfRow(Math.floor(i / columns));
    refuse(
      `compute gave ${data[i]} for atom ${atom + 1} of structure ${structure + 1}, column ${(i % columns) + 1}; every number must be finite`,
      { structure, atom },
    );
  }
  return createMatrix(rows, columns, data);
}

function placeOf(row: number, structures: readonly Structure[]): [structure: number, atom: number] {
  let atom = row;
  let structure = 0;
  while (atom >= atomCount(structures[structure] as Structure)) {
    atom -= atomCount(structures[structure] as Structure);
    structure++;
  }
  return [structure, atom];
}

function refuse(problem: string, details: Readonly<Record<string, unknown>> = {}): never {
  throw new SurprisalError('INVALID_DESCRIPTOR', problem, { details });
}

/** A value in a sentence, whatever it is. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  const kind = value.constructor?.name;
  if (kind === undefined || kind === 'Object') return 'an object';
  return /^[AEIOU]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}
