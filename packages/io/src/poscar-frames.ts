import type { Column, InfoValue, Structure } from '@surprisal/core';
import { type ColumnBuilder, CoordinateBuilder, LogicalBuilder, RealBuilder, reserveRows } from './column-builders.ts';
import { FieldScanner } from './field-scanner.ts';
import { stringValue } from './info-value.ts';
import type { LineReader } from './line-reader.ts';
import type { FrameReader } from './select-frames.ts';
import { structureOfFile } from './structure-of-file.ts';
import { placeInCell, readVaspHeader, speciesOfBlocks, type VaspHeader, type VaspOptions } from './vasp-header.ts';
import type { Warnings } from './warnings.ts';

/** The one structure of a POSCAR or CONTCAR of VASP. */
export class PoscarFrames implements FrameReader {
  readonly #lines: LineReader;
  readonly #warnings: Warnings;
  readonly #options: VaspOptions;
  readonly #scanner = new FieldScanner();
  #done = false;

  constructor(lines: LineReader, warnings: Warnings, options: VaspOptions) {
    this.#lines = lines;
    this.#warnings = warnings;
    this.#options = options;
  }

  async read(): Promise<Structure | undefined> {
    if (this.#done) return undefined;
    this.#done = true;
    const lines = this.#lines;
    if (!(await this.#next())) return undefined;
    const header = await readVaspHeader(lines, this.#warnings, this.#options, lines.text());
    const mode = await this.#readMode();
    const positions = new CoordinateBuilder(3);
    const selective = mode.isSelective ? new LogicalBuilder(3) : undefined;
    const builders = selective === undefined ? [positions] : [positions, selective];
    await this.#readRows(header, builders);
    const columns = new Map<string, Column>();
    if (selective !== undefined) columns.set('selective', selective.column(header.atoms));
    const velocities = await this.#readRest(header);
    if (velocities !== undefined) columns.set('velocities', velocities.column(header.atoms));
    const coordinates = positions.coordinates(header.atoms);
    placeInCell(coordinates, mode.isDirect, header);
    const info = new Map<string, InfoValue>();
    if (header.comment !== '') info.set('comment', stringValue(header.comment));
    return structureOfFile(
      {
        positions: coordinates,
        species: speciesOfBlocks(header),
        cell: header.cell,
        pbc: [true, true, true],
        columns,
        info,
      },
      this.#lines,
    );
  }

  async skip(): Promise<boolean> {
    return (await this.read()) !== undefined;
  }

  /** Selective dynamics or not, and the kind of coordinates. */
  async #readMode(): Promise<{ isSelective: boolean; isDirect: boolean }> {
    const expected = 'Direct or Cartesian';
    let word = await this.#word(expected);
    const isSelective = /^s/i.test(word);
    if (isSelective) word = await this.#word(expected);
    if (/^d/i.test(word)) return { isSelective, isDirect: true };
    if (/^[ck]/i.test(word)) return { isSelective, isDirect: false };
    throw this.#lines.error(
      isSelective ? 'Direct or Cartesian was expected' : 'Selective dynamics, Direct or Cartesian was expected',
      this.#lines.text().trim(),
    );
  }

  async #word(expected: string): Promise<string> {
    if (!(await this.#next())) throw this.#lines.error(`the file ends where ${expected} was expected`);
    return this.#lines.text().trim();
  }

  async #readRows(header: VaspHeader, builders: readonly ColumnBuilder[]): Promise<void> {
    const lines = this.#lines;
    const scanner = this.#scanner;
    const { atoms, counts, symbols } = header;
    let room = 0;
    let block = 0;
    let blockEnds = counts[0] as number;
    for (let row = 0; row < atoms; row++) {
      if (!(lines.advance() || (await lines.more()))) {
        throw lines.error(`the file ends after ${row} of the ${atoms} atoms that line ${header.line} declares`);
      }
      while (row >= blockEnds) blockEnds += counts[++block] as number;
      if (row === room) room = reserveRows(builders, room, atoms);
      scanner.reset(lines.bytes, lines.start, lines.end);
      for (const [at, builder] of builders.entries()) {
        const expected = builder.read(scanner, row);
        if (expected !== undefined)
          this.#refuseField(expected, `atom ${row + 1} of ${atoms}`, at === 0 ? 'coordinates' : 'selective');
      }
      // Programs put the symbol behind the coordinates; VASP does not read it.
      if (scanner.next() && scanner.text() !== symbols[block]) {
        this.#warnings.warn(
          'behind',
          `line ${lines.line}: what stands behind the coordinates is not read ("${scanner.text()}" is the first of it)`,
        );
      }
    }
    this.#checkEnd();
  }

  /** What stands behind the atoms: velocities are read, the rest is passed over with a word. */
  async #readRest(header: VaspHeader): Promise<RealBuilder | undefined> {
    const lines = this.#lines;
    if (!(await this.#next())) return undefined;
    let initial = lines.text().trim();
    if (/^l/i.test(initial)) {
      await this.#skipLatticeVelocities();
      if (!(await this.#next())) return undefined;
      initial = lines.text().trim();
    }
    if (initial !== '' && !/^[ckd]/i.test(initial)) {
      throw lines.error(
        `behind the ${header.atoms} atoms that line ${header.line} declares stands neither a blank line nor the heading of velocities`,
        initial,
      );
    }
    const isDirect = /^d/i.test(initial);
    if (initial === '') {
      // Blank lines at the end of a file are not the beginning of velocities.
      do {
        if (!(await this.#next())) return undefined;
      } while (lines.isBlank());
    } else if (!(await this.#next())) {
      throw lines.error(`the file ends where the velocities of ${header.atoms} atoms were expected`);
    }
    const velocities = await this.#readVelocities(header);
    while (await this.#next()) {
      if (lines.isBlank()) continue;
      this.#warnings.warn(
        'predictor',
        `what stands behind the velocities, from line ${lines.line} on (such as the predictor and corrector), is not read`,
      );
      while (await this.#next());
    }
    if (!isDirect) return velocities;
    this.#warnings.warn(
      'direct velocities',
      'the velocities are in fractions of the cell vectors per time step, which the file does not give; left out',
    );
    return undefined;
  }

  /** The first of the velocities is the current line. */
  async #readVelocities(header: VaspHeader): Promise<RealBuilder> {
    const lines = this.#lines;
    const scanner = this.#scanner;
    const { atoms } = header;
    const velocities = new RealBuilder(3);
    let room = 0;
    for (let row = 0; row < atoms; row++) {
      if (row > 0 && !(lines.advance() || (await lines.more()))) {
        throw lines.error(`the file ends after the velocities of ${row} of the ${atoms} atoms`);
      }
      if (row === room) room = reserveRows([velocities], room, atoms);
      scanner.reset(lines.bytes, lines.start, lines.end);
      const expected = velocities.read(scanner, row);
      if (expected !== undefined) this.#refuseField(expected, `velocity of atom ${row + 1} of ${atoms}`, 'velocities');
      if (scanner.next()) {
        throw lines.error(
          `the velocity of atom ${row + 1} of ${atoms} has more than three fields`,
          scanner.text(),
          scanner.from,
        );
      }
    }
    this.#checkEnd();
    return velocities;
  }

  /** A number, three lattice velocities, and usually the three lattice vectors again. */
  async #skipLatticeVelocities(): Promise<void> {
    const lines = this.#lines;
    this.#warnings.warn(
      'lattice velocities',
      `the velocities of the lattice, from line ${lines.line} on, are not read`,
    );
    for (let line = 0; line < 7; line++) await this.#word('the velocities of the lattice');
  }

  #refuseField(expected: string, where: string, name: string): never {
    const { from, to } = this.#scanner;
    if (from === to) {
      throw this.#lines.error(`${where}, ${name}: the line ends where ${expected} was expected`, this.#lines.text());
    }
    throw this.#lines.error(`${where}, ${name}: ${expected} was expected`, this.#scanner.text(), from);
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
