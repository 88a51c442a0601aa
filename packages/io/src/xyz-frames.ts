import { type Column, createStructure, type Species, type Structure } from '@surprisal/core';
import type { ArrayMemory } from './array-memory.ts';
import { checkBox } from './check-box.ts';
import {
  AtomicNumberBuilder,
  CheckedBuilder,
  type ColumnBuilder,
  CoordinateBuilder,
  IntegerBuilder,
  LogicalBuilder,
  type PlainColumnBuilder,
  RealBuilder,
  reserveRows,
  SpeciesBuilder,
  StringBuilder,
} from './column-builders.ts';
import { CommentError, type DeclaredColumn, type ExtxyzComment, parseExtxyzComment } from './extxyz-comment.ts';
import type { FieldScanner } from './field-scanner.ts';
import type { LineReader } from './line-reader.ts';
import type { RowBlocks } from './row-blocks.ts';
import { type ExtraColumn, endOfRows, type FrameRows, RowReader } from './row-reader.ts';
import type { FrameReader } from './select-frames.ts';
import type { Warnings } from './warnings.ts';

const POSITION_NAMES: ReadonlySet<string> = new Set(['pos', 'positions']);
const SPECIES_NAMES: readonly string[] = ['species', 'symbols', 'element'];
const ATOMIC_NUMBER_NAMES: readonly string[] = ['Z', 'numbers'];
const COUNT = /^\+?\d+$/;

/** Frames of a file in extended or plain XYZ; each frame's second line says which it is. */
export class XyzFrames implements FrameReader {
  readonly #lines: LineReader;
  readonly #warnings: Warnings;
  readonly #columns: readonly string[] | undefined;
  readonly #rows: RowReader;

  /** @param columns  that are kept; default: every one */
  constructor(lines: LineReader, warnings: Warnings, columns?: readonly string[], blocks?: RowBlocks) {
    this.#columns = columns;
    this.#lines = lines;
    this.#warnings = warnings;
    this.#rows = new RowReader(lines, warnings, blocks);
  }

  async read(): Promise<Structure | undefined> {
    const atoms = await this.#readCount();
    if (atoms === undefined) return undefined;
    const comment = await this.#readComment();
    checkBox(comment.cell, comment.pbc, this.#lines);
    const layout = comment.columns === undefined ? plainLayout() : this.#declaredLayout(comment.columns);
    await this.#readRows(layout, atoms);
    const columns = new Map<string, Column>();
    for (const [name, builder] of layout.columns) columns.set(name, builder.column(atoms));
    const extra = layout.extra?.column(atoms);
    if (extra !== undefined) columns.set('extra', extra);
    return createStructure({
      positions: layout.positions.coordinates(atoms),
      species: this.#speciesOf(layout, atoms),
      cell: comment.cell,
      pbc: comment.pbc,
      columns,
      info: comment.info,
    });
  }

  async skip(): Promise<boolean> {
    const atoms = await this.#readCount();
    if (atoms === undefined) return false;
    const lines = this.#lines;
    if (!(lines.advance() || (await lines.more()))) throw endOfRows(lines, 0, atoms);
    await this.#rows.skip(atoms);
    return true;
  }

  async #readCount(): Promise<number | undefined> {
    const lines = this.#lines;
    do {
      if (!(lines.advance() || (await lines.more()))) return undefined;
    } while (lines.isBlank());
    const text = lines.text().trim();
    const atoms = COUNT.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(atoms)) {
      throw lines.error('a frame of an XYZ file begins with the number of its atoms, alone on a line', text);
    }
    return atoms;
  }

  async #readComment(): Promise<ExtxyzComment> {
    const lines = this.#lines;
    if (!(lines.advance() || (await lines.more()))) {
      throw lines.error('the file ends behind the number of atoms; a comment line and the atoms were expected');
    }
    const text = lines.text();
    try {
      const comment = parseExtxyzComment(text);
      for (const key of comment.repeated) {
        this.#warnings.warn(`repeated ${key}`, `line ${lines.line} gives ${key} more than once; the last value counts`);
      }
      return comment;
    } catch (error) {
      if (!(error instanceof CommentError)) throw error;
      const at = text.indexOf(error.text);
      throw lines.error(error.message, error.text, at < 0 ? undefined : lines.start + at);
    }
  }

  async #readRows({ builders, names, extra, width }: Layout, atoms: number): Promise<void> {
    const declared = `${width} that Properties declares`;
    await this.#rows.read({ count: atoms, builders, names, declared, extra });
    if (extra?.dropped) {
      this.#warnings.warn(
        'extra',
        'what stands behind the coordinates is not the same count of numbers in every line; left out',
      );
    }
  }

  #declaredLayout(declared: readonly DeclaredColumn[]): Layout {
    const positionColumn = declared.find(({ name }) => POSITION_NAMES.has(name));
    if (positionColumn === undefined || positionColumn.width !== 3 || !/[RI]/.test(positionColumn.kind)) {
      throw this.#lines.error('Properties must declare the positions of the atoms as pos:R:3');
    }
    const speciesColumn = this.#speciesColumn(declared);
    const positions = new CoordinateBuilder(3);
    const builders: ColumnBuilder[] = [];
    const columns = new Map<string, PlainColumnBuilder>();
    let species: SpeciesBuilder | AtomicNumberBuilder | undefined;
    for (const column of declared) {
      let builder: ColumnBuilder;
      if (column === positionColumn) {
        builder = positions;
      } else if (column === speciesColumn) {
        species = column.kind === 'I' ? new AtomicNumberBuilder() : new SpeciesBuilder();
        builder = species;
      } else {
        const plain = columnBuilder(column);
        const isKept = this.#columns?.includes(column.name) ?? true;
        if (isKept) columns.set(column.name, plain);
        builder = isKept ? plain : new CheckedBuilder(plain);
      }
      builders.push(builder);
    }
    const width = declared.reduce((sum, column) => sum + column.width, 0);
    const names = declared.map(({ name }) => name);
    return { builders, names, columns, positions, species, extra: undefined, width };
  }

  #speciesColumn(declared: readonly DeclaredColumn[]): DeclaredColumn | undefined {
    for (const name of [...SPECIES_NAMES, ...ATOMIC_NUMBER_NAMES]) {
      const column = declared.find((candidate) => candidate.name === name);
      if (column === undefined || column.width !== 1) continue;
      if (column.kind === 'I' || (column.kind === 'S' && SPECIES_NAMES.includes(name))) return column;
    }
    this.#warnings.warn('species', 'no column says of which species the atoms are; they are named X');
    return undefined;
  }

  #speciesOf(layout: Layout, atoms: number): Species | 'X' {
    if (layout.species === undefined) return 'X';
    if (layout.species instanceof AtomicNumberBuilder) return layout.species.species(atoms);
    const { species, numeric } = layout.species.species(atoms);
    if (numeric) {
      this.#warnings.warn(
        'numeric',
        `the species are numbers and were read as atomic numbers (${species.symbols.slice(0, 4).join(', ')})`,
      );
    }
    return species;
  }
}

interface Layout {
  /** In the order of the file. */
  readonly builders: FrameRows['builders'];
  readonly names: FrameRows['names'];
  readonly columns: ReadonlyMap<string, PlainColumnBuilder>;
  readonly positions: CoordinateBuilder;
  readonly species: SpeciesBuilder | AtomicNumberBuilder | undefined;
  /** In plain XYZ: what stands behind the coordinates. */
  readonly extra: ExtraFields | undefined;
  /** Fields of a row. */
  readonly width: number;
}

function plainLayout(): Layout {
  const species = new SpeciesBuilder();
  const positions = new CoordinateBuilder(3);
  return {
    builders: [species, positions],
    names: ['species', 'x y z'],
    columns: new Map(),
    positions,
    species,
    extra: new ExtraFields(),
    width: 4,
  };
}

function columnBuilder({ kind, width }: DeclaredColumn): PlainColumnBuilder {
  if (kind === 'R') return new RealBuilder(width);
  if (kind === 'I') return new IntegerBuilder(width);
  return kind === 'L' ? new LogicalBuilder(width) : new StringBuilder(width);
}

/** The fields behind the coordinates of plain XYZ: kept where every line has the same count of numbers. */
class ExtraFields implements ExtraColumn {
  dropped = false;
  #builder: RealBuilder | undefined;
  #room = 0;

  get builder(): RealBuilder | undefined {
    return this.dropped ? undefined : this.#builder;
  }

  read(scanner: FieldScanner, row: number, rows: number, memory: ArrayMemory): void {
    if (this.dropped) return;
    const width = scanner.count();
    if (row === 0 && width > 0) this.#builder = new RealBuilder(width);
    if (width !== (this.#builder?.width ?? 0)) {
      this.dropped = true;
    } else if (this.#builder !== undefined) {
      this.reserve(row + 1, rows, memory);
      this.dropped = this.#builder.read(scanner, row) !== undefined;
    }
  }

  reserve(rows: number, declared: number, memory: ArrayMemory): void {
    if (this.builder === undefined) return;
    while (this.#room < rows) this.#room = reserveRows([this.builder], this.#room, declared, memory);
  }

  column(rows: number): Column | undefined {
    return this.builder?.column(rows);
  }
}
