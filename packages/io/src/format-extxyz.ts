import { atomCount, type Column, type Structure, SurprisalError } from '@surprisal/core';
import { formatInfoValue, formatKey, formatReal } from './info-value.ts';

/** Characters of text that are handed out at a time. */
const CHUNK = 64 * 1024;
const KINDS = { real: 'R', integer: 'I', logical: 'L', string: 'S' } as const;
const OWN_COLUMNS: ReadonlySet<string> = new Set(['species', 'pos']);
const OWN_KEYS = /^(?:lattice|properties|pbc)$/i;
const WORD = /^\S+$/;

/**
 * One frame of extended XYZ, in pieces of text: species, positions, every column and every value of the frame, so that
 * reading it again gives the same structure, to the last bit.
 *
 * @throws {SurprisalError} INVALID_ARGUMENT if a name or a string cannot stand in the format: white space in a per-atom
 *   string, a colon in the name of a column, a value named Lattice, Properties or pbc
 *
 * @example
 * const text = [...formatExtxyz(structure)].join('');
 */
export function* formatExtxyz(structure: Structure): Generator<string, void> {
  const atoms = atomCount(structure);
  const fields = [speciesFields(structure), realFields(structure.positions, 3)];
  for (const [name, column] of structure.columns) fields.push(columnFields(name, column));
  let text = `${atoms}\n${commentLine(structure)}\n`;
  for (let atom = 0; atom < atoms; atom++) {
    let row = (fields[0] as RowFormatter)(atom);
    for (let at = 1; at < fields.length; at++) row += ` ${(fields[at] as RowFormatter)(atom)}`;
    text += `${row}\n`;
    if (text.length >= CHUNK) {
      yield text;
      text = '';
    }
  }
  if (text !== '') yield text;
}

/** The fields of one atom in a group of columns. */
type RowFormatter = (atom: number) => string;

function commentLine(structure: Structure): string {
  const { cell, pbc, columns, info } = structure;
  const parts: string[] = [];
  if (cell !== null) parts.push(`Lattice="${Array.from(cell, formatReal).join(' ')}"`);
  const properties = ['species:S:1:pos:R:3'];
  for (const [name, column] of columns) properties.push(`${name}:${KINDS[column.kind]}:${column.width}`);
  parts.push(`Properties=${formatKey(properties.join(':'))}`);
  for (const [key, value] of info) {
    if (OWN_KEYS.test(key) || key === '') {
      throw new SurprisalError('INVALID_ARGUMENT', `"${key}" cannot name a value of a frame in extended XYZ`);
    }
    parts.push(`${formatKey(key)}=${formatInfoValue(key, value)}`);
  }
  parts.push(`pbc="${pbc.map((periodic) => (periodic ? 'T' : 'F')).join(' ')}"`);
  return parts.join(' ');
}

function columnFields(name: string, column: Column): RowFormatter {
  if (OWN_COLUMNS.has(name) || name === 'positions' || /[:\s]/.test(name) || name === '' || column.width < 1) {
    throw new SurprisalError('INVALID_ARGUMENT', `"${name}" cannot name a column in extended XYZ; rename it`);
  }
  const { width } = column;
  if (column.kind === 'real') return realFields(column.values, width);
  if (column.kind === 'integer') return fieldsOf(width, (at) => String(column.values[at]));
  if (column.kind === 'logical') return fieldsOf(width, (at) => (column.values[at] === 0 ? 'F' : 'T'));
  return fieldsOf(width, (at) => word(column.values[at] as string, name));
}

function speciesFields(structure: Structure): RowFormatter {
  const { symbols, index } = structure.species;
  for (const symbol of symbols) word(symbol, 'species');
  return (atom) => symbols[index[atom] as number] as string;
}

function realFields(values: Float64Array, width: number): RowFormatter {
  return fieldsOf(width, (at) => formatReal(values[at] as number));
}

function fieldsOf(width: number, field: (at: number) => string): RowFormatter {
  return (atom) => {
    const from = atom * width;
    let text = field(from);
    for (let at = from + 1; at < from + width; at++) text += ` ${field(at)}`;
    return text;
  };
}

function word(text: string, column: string): string {
  if (WORD.test(text)) return text;
  throw new SurprisalError(
    'INVALID_ARGUMENT',
    `column "${column}" holds ${JSON.stringify(text)}; a string of an atom must have no white space in extended XYZ`,
    { details: { column, text } },
  );
}
