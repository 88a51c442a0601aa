import { SurprisalError } from '@surprisal/core';
import { checkBox } from './check-box.ts';
import { CHEMICAL_SYMBOLS } from './chemical-symbols.ts';
import { MOST_SPECIES, mergeSpecies } from './column-builders.ts';
import { parseReal } from './info-value.ts';
import type { LineReader } from './line-reader.ts';
import { splitFields } from './split-fields.ts';
import type { Warnings } from './warnings.ts';

/** What VASP files leave open. */
export interface VaspOptions {
  /** Symbols of the blocks of atoms, from 1, of a file that does not name them. */
  readonly species?: Readonly<Record<number, string>> | undefined;
}

/** The lines with which POSCAR and XDATCAR begin. */
export interface VaspHeader {
  readonly comment: string;
  /** (3×3) rows are the cell vectors, Å, scaled. */
  readonly cell: Float64Array;
  /** What Cartesian coordinates are multiplied with along x, y, z. */
  readonly scale: readonly [number, number, number];
  /** Symbols of the blocks of atoms; one symbol may name several. */
  readonly symbols: readonly string[];
  /** Atoms of each block. */
  readonly counts: readonly number[];
  /** Atoms of all. */
  readonly atoms: number;
  /** The line that declares the counts. */
  readonly line: number;
}

const WHOLE = /^\+?\d+$/;
/** The line before the atoms, which no name of a species looks like. */
const MODE = /^(direct|cartesian|kartesisch|selective)$/i;
/** What stands behind one of these is a comment. */
const COMMENT_MARK = /[#!]/;

/**
 * Reads the header of a POSCAR or XDATCAR behind its comment line: scale, cell vectors, species, counts.
 *
 * @param comment  the first line
 * @param scaleIsRead  whether the line of the scale is the current one already
 * @throws {SurprisalError} PARSE_ERROR, or INVALID_ARGUMENT if `species` says nothing of a block
 */
export async function readVaspHeader(
  lines: LineReader,
  warnings: Warnings,
  options: VaspOptions,
  comment: string,
  scaleIsRead = false,
): Promise<VaspHeader> {
  const scaleText = scaleIsRead ? lines.text() : await nextLine(lines, 'the scale of the cell');
  const factors = numbersOf(scaleText);
  if (
    !(factors.length === 1 || factors.length === 3) ||
    !factors.every((factor) => Number.isFinite(factor) && factor !== 0)
  ) {
    throw lines.error(
      'the second line must be the scale of the cell: one number that is not 0, or three',
      scaleText.trim(),
    );
  }
  if (factors.length === 3 && !factors.every((factor) => factor > 0)) {
    throw lines.error(
      'three scales, along x, y and z, must be positive; only a single one, a volume, is negative',
      scaleText.trim(),
    );
  }
  const [volume = 0] = factors;
  if (volume < 0) {
    warnings.warn(
      'volume',
      `line ${lines.line}: the scale is negative and is taken for the volume of the cell, ${-volume} Å³`,
    );
  }
  const vectors = new Float64Array(9);
  for (let axis = 0; axis < 3; axis++) {
    const text = await nextLine(lines, `cell vector ${'abc'[axis]}`);
    const numbers = numbersOf(text);
    if (numbers.length !== 3 || !numbers.every(Number.isFinite)) {
      throw lines.error(`cell vector ${'abc'[axis]} must be three finite numbers`, text.trim());
    }
    vectors.set(numbers, 3 * axis);
  }
  checkBox(vectors, [true, true, true], lines);
  const scale = scaleOf(factors, vectors);
  const cell = vectors.map((component, at) => component * (scale[at % 3] as number));
  checkBox(cell, [true, true, true], lines);
  const { names, counts } = await readBlocks(lines);
  const atoms = counts.reduce((sum, count) => sum + count, 0);
  if (!Number.isSafeInteger(atoms)) throw lines.error('the counts of atoms are too large', lines.text().trim());
  if (atoms === 0) throw lines.error('there are no atoms', lines.text().trim());
  const symbols = names?.map(symbolOfPotential) ?? namesOfBlocks(counts, comment, lines, warnings, options);
  return { comment: comment.trim(), cell, scale, symbols, counts, atoms, line: lines.line };
}

/** The species of all atoms, block after block; call it once the atoms have been seen, since counts may be false. */
export function speciesOfBlocks({ symbols, counts, atoms }: VaspHeader): ReturnType<typeof mergeSpecies> {
  const index = new Uint16Array(atoms);
  let from = 0;
  for (const [block, count] of counts.entries()) {
    index.fill(block, from, from + count);
    from += count;
  }
  // Blocks without atoms leave no species behind.
  const used = symbols.map((symbol, block) => ((counts[block] as number) > 0 ? symbol : ''));
  const merged = mergeSpecies(used, index);
  const empty = merged.symbols.indexOf('');
  if (empty < 0) return merged;
  for (let atom = 0; atom < atoms; atom++) if ((merged.index[atom] as number) > empty) (merged.index[atom] as number)--;
  return { symbols: merged.symbols.filter((symbol) => symbol !== ''), index: merged.index };
}

/** Positions in place of fractions of the cell vectors, or of Cartesian coordinates without their scale. */
export function placeInCell(coordinates: Float64Array, isDirect: boolean, { cell, scale }: VaspHeader): void {
  const [ax, ay, az, bx, by, bz, cx, cy, cz] = cell as unknown as NineNumbers;
  const [sx, sy, sz] = scale;
  for (let at = 0; at < coordinates.length; at += 3) {
    const u = coordinates[at] as number;
    const v = coordinates[at + 1] as number;
    const w = coordinates[at + 2] as number;
    coordinates[at] = isDirect ? u * ax + v * bx + w * cx : u * sx;
    coordinates[at + 1] = isDirect ? u * ay + v * by + w * cy : v * sy;
    coordinates[at + 2] = isDirect ? u * az + v * bz + w * cz : w * sz;
  }
}

/** The words of a line, without a comment behind `#` or `!`. */
function wordsOf(text: string): string[] {
  const mark = text.search(COMMENT_MARK);
  return splitFields(mark < 0 ? text : text.slice(0, mark));
}

function numbersOf(text: string): number[] {
  return wordsOf(text).map(parseReal);
}

function scaleOf(factors: readonly number[], vectors: Float64Array): VaspHeader['scale'] {
  const [x, y = x, z = x] = factors as [number, number?, number?];
  if (x > 0) return [x, y, z];
  const [ax, ay, az, bx, by, bz, cx, cy, cz] = vectors as unknown as NineNumbers;
  const volume = Math.abs(ax * (by * cz - bz * cy) - ay * (bx * cz - bz * cx) + az * (bx * cy - by * cx));
  const scale = Math.cbrt(-x / volume);
  return [scale, scale, scale];
}

/** The names of the blocks, if there are any, and their counts; both may go over several lines. */
async function readBlocks(lines: LineReader): Promise<{ names: string[] | undefined; counts: number[] }> {
  const expected = 'the species or the counts of atoms';
  let words = wordsOf(await nextLine(lines, expected));
  let names: string[] | undefined;
  while (words.length > 0 && !WHOLE.test(words[0] as string)) {
    names ??= [];
    for (const word of words) names.push(word);
    if (MODE.test(words[0] as string)) {
      throw lines.error('the counts of atoms were expected before Direct or Cartesian', lines.text().trim());
    }
    const number = words.find((word) => Number.isFinite(parseReal(word)));
    if (number !== undefined) throw lines.error('the counts of atoms must be whole numbers, and species words', number);
    if (names.length > MOST_SPECIES) throw lines.error(`there are more than ${MOST_SPECIES} species`);
    words = wordsOf(await nextLine(lines, 'the counts of atoms'));
  }
  if (words.length === 0) throw lines.error(`${expected} were expected, not a blank line`);
  const counts: number[] = [];
  for (;;) {
    for (const word of words) {
      const count = WHOLE.test(word) ? Number(word) : Number.NaN;
      if (!Number.isSafeInteger(count)) throw lines.error('the counts of atoms must be whole numbers', word);
      counts.push(count);
    }
    if (counts.length >= (names?.length ?? 0)) break;
    const text = await nextLine(lines, 'the counts of atoms');
    words = wordsOf(text);
    if (!WHOLE.test(words[0] ?? '')) break;
  }
  if (names !== undefined && counts.length !== names.length) {
    throw lines.error(`there are ${names.length} species and ${counts.length} counts of atoms`, lines.text().trim());
  }
  if (counts.length > MOST_SPECIES) throw lines.error(`there are more than ${MOST_SPECIES} counts of atoms`);
  return { names, counts };
}

/** The element of a potential such as Fe_pv or Fe_pv/9f3a: what stands before the mark, if that is an element. */
function symbolOfPotential(name: string): string {
  const symbol = /^[^_/]+/.exec(name)?.[0] ?? name;
  return CHEMICAL_SYMBOLS.includes(symbol) ? symbol : name.replace(/\/.*$/, '') || name;
}

/** Names for the blocks of a file that has none: the ones that are given, else those in the first line, else X1, X2, …. */
function namesOfBlocks(
  counts: readonly number[],
  comment: string,
  lines: LineReader,
  warnings: Warnings,
  { species }: VaspOptions,
): string[] {
  if (species !== undefined) {
    return counts.map((_, block) => {
      const symbol = species[block + 1];
      if (symbol !== undefined) return symbol;
      throw new SurprisalError(
        'INVALID_ARGUMENT',
        `${lines.file}: there is a block ${block + 1} of atoms, of which the given species say nothing; add ${block + 1}`,
        { details: { type: block + 1, species } },
      );
    });
  }
  const said = symbolsInComment(comment, counts);
  if (said !== undefined) {
    warnings.warn(
      'species',
      `the file does not name its species; they are taken from its first line: ${said.join(', ')}`,
    );
    return said;
  }
  warnings.warn('species', 'the file does not name its species; they are named X1, X2, …');
  return counts.map((_, block) => `X${block + 1}`);
}

/** The first line as a list of as many elements as there are blocks, alone (Mn O) or with the counts (Mn12 O12). */
function symbolsInComment(comment: string, counts: readonly number[]): string[] | undefined {
  const words = comment
    .replace(/^\s*[#!]/, '')
    .trim()
    .split(/\s+/);
  if (words.length !== counts.length) return undefined;
  const symbols: string[] = [];
  for (const [block, word] of words.entries()) {
    const [, symbol = '', count = ''] = /^([A-Z][a-z]?)(\d*)$/.exec(word) ?? [];
    if (CHEMICAL_SYMBOLS.indexOf(symbol) < 1 || (count !== '' && Number(count) !== counts[block])) return undefined;
    symbols.push(symbol);
  }
  return symbols;
}

async function nextLine(lines: LineReader, expected: string): Promise<string> {
  if (lines.advance() || (await lines.more())) return lines.text();
  throw lines.error(`the file ends where ${expected} ${expected.endsWith('s') ? 'were' : 'was'} expected`);
}

type NineNumbers = [number, number, number, number, number, number, number, number, number];
