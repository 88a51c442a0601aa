import { atomCount, type Column, type Structure, SurprisalError } from '@surprisal/core';
import { columnNames, infoNames } from './extxyz-names.ts';
import { formatInfoValue, formatKey, formatReal } from './info-value.ts';
import { isField } from './split-fields.ts';
import { fieldsOf, type TextField, textRows, wholeField } from './text-rows.ts';

const KINDS = { real: 'R', integer: 'I', logical: 'L', string: 'S' } as const;

/** How a frame is written. */
export interface FormatExtxyzOptions {
  /** Told of each column and each value that is written under another name. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/**
 * One frame of extended XYZ, in pieces of text: species, positions, every column and every value of the frame, so that
 * reading it again gives the same structure, to the last bit. What has a name that cannot stand in the format (a second
 * `pos`, a colon in the name of a column, a value called Lattice) is written under one that can, with an underscore more.
 *
 * @throws {SurprisalError} INVALID_ARGUMENT if a string cannot stand in the format: white space in a per-atom string
 *
 * @example
 * const text = [...formatExtxyz(structure)].join('');
 */
export function* formatExtxyz(structure: Structure, options: FormatExtxyzOptions = {}): Generator<string, void> {
  const atoms = atomCount(structure);
  const fields: TextField[] = [speciesField(structure), { values: structure.positions, width: 3 }];
  for (const [name, column] of structure.columns) fields.push(columnField(name, column));
  yield* textRows(`${atoms}\n${commentLine(structure, options)}\n`, atoms, fields);
}

function commentLine(structure: Structure, { onWarning }: FormatExtxyzOptions): string {
  const { cell, pbc, columns, info } = structure;
  const parts: string[] = [];
  if (cell !== null) parts.push(`Lattice="${Array.from(cell, formatReal).join(' ')}"`);
  const properties = ['species:S:1:pos:R:3'];
  const rename = (what: string, name: string, names: ReadonlyMap<string, string>): string => {
    const written = names.get(name) as string;
    if (written !== name) {
      onWarning?.(`the ${what} "${name}" is written as "${written}": such a name cannot stand in extended XYZ`);
    }
    return written;
  };
  const namesOfColumns = columnNames(columns.keys());
  for (const [name, column] of columns) {
    properties.push(`${rename('column', name, namesOfColumns)}:${KINDS[column.kind]}:${column.width}`);
  }
  parts.push(`Properties=${formatKey(properties.join(':'))}`);
  const namesOfValues = infoNames(info.keys());
  for (const [key, value] of info) {
    parts.push(`${formatKey(rename('value', key, namesOfValues))}=${formatInfoValue(key, value)}`);
  }
  parts.push(`pbc="${pbc.map((periodic) => (periodic ? 'T' : 'F')).join(' ')}"`);
  return parts.join(' ');
}

function columnField(name: string, column: Column): TextField {
  if (column.width < 1) {
    throw new SurprisalError(
      'INVALID_ARGUMENT',
      `column "${name}" is ${column.width} fields wide; it needs one or more`,
    );
  }
  const { width } = column;
  if (column.kind === 'real') return { values: column.values, width };
  if (column.kind === 'integer') return wholeField(column.values, width);
  if (column.kind === 'logical') return fieldsOf(width, (at) => (column.values[at] === 0 ? 'F' : 'T'));
  return fieldsOf(width, (at) => word(column.values[at] as string, name));
}

function speciesField({ species }: Structure): TextField {
  for (const symbol of species.symbols) word(symbol, 'species');
  return { words: species.symbols, index: species.index };
}

function word(text: string, column: string): string {
  if (isField(text)) return text;
  throw new SurprisalError(
    'INVALID_ARGUMENT',
    `column "${column}" holds ${JSON.stringify(text)}; a string of an atom must have no white space in extended XYZ`,
    { details: { column, text } },
  );
}
