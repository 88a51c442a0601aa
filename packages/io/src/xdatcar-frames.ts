import type { InfoValue, Structure } from '@surprisal/core';
import { CoordinateBuilder, reserveRows } from './column-builders.ts';
import { FieldScanner } from './field-scanner.ts';
import { interpretInfoValue, parseReal, stringValue } from './info-value.ts';
import type { LineReader } from './line-reader.ts';
import type { FrameReader } from './select-frames.ts';
import { structureOfFile } from './structure-of-file.ts';
import { placeInCell, readVaspHeader, speciesOfBlocks, type VaspHeader, type VaspOptions } from './vasp-header.ts';
import type { Warnings } from './warnings.ts';

/** The line above the atoms of a frame; VASP 5 writes the first, VASP 4 the second. */
const CONFIGURATION = /^\s*(?:(Direct|Cartesian)\s+configuration|Konfig)\s*=\s*(\S*)\s*$/i;

/** Frames of an XDATCAR of VASP: one header for all where the cell is fixed, one for each where it is not. */
export class XdatcarFrames implements FrameReader {
  readonly #lines: LineReader;
  readonly #warnings: Warnings;
  readonly #options: VaspOptions;
  readonly #scanner = new FieldScanner();
  #header: VaspHeader | undefined;

  constructor(lines: LineReader, warnings: Warnings, options: VaspOptions) {
    this.#lines = lines;
    this.#warnings = warnings;
    this.#options = options;
  }

  async read(): Promise<Structure | undefined> {
    const frame = await this.#readFrameLine();
    if (frame === undefined) return undefined;
    const { header, isDirect, configuration } = frame;
    const { atoms } = header;
    const lines = this.#lines;
    const scanner = this.#scanner;
    const builder = new CoordinateBuilder(3);
    let room = 0;
    for (let row = 0; row < atoms; row++) {
      if (!(lines.advance() || (await lines.more()))) throw this.#endOfFile(row, header);
      if (row === room) room = reserveRows([builder], room, atoms);
      scanner.reset(lines.bytes, lines.start, lines.end);
      const expected = builder.read(scanner, row);
      if (expected !== undefined) throw this.#badField(expected, row, atoms);
      if (scanner.next()) {
        throw lines.error(`atom ${row + 1} of ${atoms} has more than three fields`, scanner.text(), scanner.from);
      }
    }
    this.#checkEnd();
    const positions = builder.coordinates(atoms);
    placeInCell(positions, isDirect, header);
    const info = new Map<string, InfoValue>();
    if (header.comment !== '') info.set('comment', stringValue(header.comment));
    if (configuration !== undefined) info.set('configuration', configuration);
    return structureOfFile(
      {
        positions,
        species: speciesOfBlocks(header),
        cell: header.cell.slice(),
        pbc: [true, true, true],
        info,
      },
      this.#lines,
    );
  }

  async skip(): Promise<boolean> {
    const frame = await this.#readFrameLine();
    if (frame === undefined) return false;
    const lines = this.#lines;
    for (let row = 0; row < frame.header.atoms; row++) {
      if (!(lines.advance() || (await lines.more()))) throw this.#endOfFile(row, frame.header);
    }
    return true;
  }

  /** Goes to the line above the atoms of the next frame, past the header if there is one. */
  async #readFrameLine(): Promise<
    { header: VaspHeader; isDirect: boolean; configuration: InfoValue | undefined } | undefined
  > {
    const lines = this.#lines;
    const isFirst = this.#header === undefined;
    if (!(await this.#next())) return undefined;
    let blank = false;
    // The comment above a header may be blank, and so may be the end of a file.
    while (!isFirst && lines.isBlank()) {
      blank = true;
      if (!(await this.#next())) return undefined;
    }
    let match = CONFIGURATION.exec(lines.text());
    if (match === null) {
      this.#header = await this.#readHeader(blank, isFirst);
      if (!(await this.#next())) throw lines.error('the file ends where "Direct configuration=" was expected');
      match = CONFIGURATION.exec(lines.text());
    }
    const header = this.#header;
    if (match === null || header === undefined) {
      throw lines.error('"Direct configuration=" and its number were expected', lines.text().trim());
    }
    const [, kind, number = ''] = match;
    if (!/^(?:\d*|\*+)$/.test(number)) throw lines.error('the number of a configuration is a whole one', number);
    // Fortran writes stars where a number has too many digits for its place.
    const configuration = /^\d+$/.test(number) ? interpretInfoValue('configuration', number, 'bare') : undefined;
    return { header, isDirect: !/^c/i.test(kind ?? ''), configuration };
  }

  #readHeader(blank: boolean, isFirst: boolean): Promise<VaspHeader> {
    const lines = this.#lines;
    const text = lines.text();
    const isScale = blank && Number.isFinite(parseReal(text.trim()));
    if (!isFirst && !isScale && looksLikeAtom(text)) {
      throw lines.error(
        `a frame begins with "Direct configuration="; this may be one more atom than line ${this.#header?.line} declares`,
        text.trim(),
      );
    }
    return readVaspHeader(lines, this.#warnings, this.#options, isScale ? '' : text, isScale);
  }

  #endOfFile(row: number, { atoms, line }: VaspHeader): Error {
    return this.#lines.error(`the file ends after ${row} of the ${atoms} atoms that line ${line} declares`);
  }

  #badField(expected: string, row: number, atoms: number): Error {
    const { from, to } = this.#scanner;
    const where = `atom ${row + 1} of ${atoms}`;
    if (from === to)
      return this.#lines.error(`${where}: the line ends where ${expected} was expected`, this.#lines.text());
    return this.#lines.error(`${where}: ${expected} was expected`, this.#scanner.text(), from);
  }

  #checkEnd(): void {
    const { terminated, line } = this.#lines;
    if (!terminated) {
      this.#warnings.warn('unterminated', `line ${line}, the last, has no end; the file may be cut off there`);
    }
  }

  async #next(): Promise<boolean> {
    return this.#lines.advance() || (await this.#lines.more());
  }
}

/** Three numbers, as no program writes them for a comment. */
function looksLikeAtom(text: string): boolean {
  const words = text.trim().split(/\s+/);
  return words.length === 3 && words.every((word) => Number.isFinite(parseReal(word)));
}
