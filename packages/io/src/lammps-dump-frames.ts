import { type Column, type InfoValue, type Pbc, type Species, type Structure, SurprisalError } from '@surprisal/core';
import { checkBox } from './check-box.ts';
import {
  AxisCoordinates,
  CheckedBuilder,
  type ColumnBuilder,
  DetectedBuilder,
  IntegerBuilder,
  MOST_SPECIES,
  mergeSpecies,
  type PlainColumnBuilder,
  RealBuilder,
  SpeciesBuilder,
  StringBuilder,
} from './column-builders.ts';
import { interpretInfoValue, parseReal, realValue, stringValue } from './info-value.ts';
import { chooseLammpsUnits, lammpsLength } from './lammps-units.ts';
import type { LineReader } from './line-reader.ts';
import type { RowBlocks } from './row-blocks.ts';
import { RowReader } from './row-reader.ts';
import type { FrameReader } from './select-frames.ts';
import { gather, type IdOrder, reorderColumn } from './sort-by-id.ts';
import { structureOfFile } from './structure-of-file.ts';
import type { Warnings } from './warnings.ts';

/** Coordinates as LAMMPS writes them, along all axes or one, best first: wrapped ones are smaller, so that six digits say more. */
const COORDINATES: readonly { readonly suffix: string; readonly scaled: boolean }[] = [
  { suffix: '', scaled: false },
  { suffix: 'u', scaled: false },
  { suffix: 's', scaled: true },
  { suffix: 'su', scaled: true },
];
const WHOLE = /^(?:mol|proc|procp1|ix|iy|iz|i2?_.*)$/;
/** Attributes that are real numbers even where every one of them happens to be written as a whole one. */
const REAL =
  /^(?:mass|[xyz][su]?|[xyz]su|v[xyz]|f[xyz]|q|mu[xyz]?|radius|diameter|omega[xyz]|angmom[xyz]|tq[xyz]|heatflow|temperature|d2?_.*)$/;
const ITEM = /^ITEM:\s*(.*?)\s*$/;

/** What files of LAMMPS leave open. */
export interface LammpsOptions {
  /** Symbols of the atom types. */
  readonly species?: Readonly<Record<number, string>> | undefined;
  readonly units?: string | undefined;
}

interface DumpOptions extends LammpsOptions {
  /** Columns that are kept, beside what is needed to make sense of them. Default: every one. */
  readonly columns?: readonly string[] | undefined;
}

interface Box {
  /** (3×3) rows are the cell vectors, in the file's units. */
  readonly cell: Float64Array;
  readonly origin: Float64Array;
  readonly pbc: Pbc;
}

interface Header {
  atoms: number | undefined;
  box: Box | undefined;
  /** The line of the item by which the frame was recognised. */
  line: number | undefined;
  readonly info: Map<string, InfoValue>;
}

interface Layout {
  readonly builders: readonly ColumnBuilder[];
  readonly columns: ReadonlyMap<string, PlainColumnBuilder>;
  readonly coordinates: AxisCoordinates;
  /** Along each axis. */
  readonly scaled: readonly [boolean, boolean, boolean];
  readonly symbols: SpeciesBuilder | undefined;
}

/** Frames of a LAMMPS text dump (`dump atom`, `dump custom`). */
export class LammpsDumpFrames implements FrameReader {
  readonly #lines: LineReader;
  readonly #warnings: Warnings;
  readonly #options: DumpOptions;
  readonly #rows: RowReader;
  #units: string | undefined;
  /** Whose rows come to an end. */
  #frames = 0;

  /** @throws {SurprisalError} INVALID_ARGUMENT, UNSUPPORTED if the units that are given have no length in Å */
  constructor(lines: LineReader, warnings: Warnings, options: DumpOptions, blocks?: RowBlocks) {
    if (options.units !== undefined) lammpsLength(options.units);
    this.#lines = lines;
    this.#warnings = warnings;
    this.#rows = new RowReader(lines, warnings, blocks);
    this.#options = options;
  }

  async read(): Promise<Structure | undefined> {
    const header = await this.#readHeader();
    if (header === undefined) return undefined;
    const { atoms, box, info, names } = header;
    const units = chooseLammpsUnits(this.#units, this.#options.units, this.#lines.file, this.#warnings);
    const length = lammpsLength(units);
    const layout = this.#layout(names, box);
    const firstLine = this.#lines.line + 1;
    const declared = `${names.length} that ITEM: ATOMS names`;
    await this.#rows.read({ count: atoms, builders: layout.builders, names, declared });

    const columns = new Map<string, Column>();
    for (const [name, builder] of layout.columns) columns.set(name, builder.column(atoms));
    let given = layout.coordinates.coordinates(atoms);
    let named = layout.symbols?.species(atoms).species;
    const order = await this.#order(columns, [given, named?.index], firstLine);
    if (order !== undefined) {
      const { memory } = this.#rows;
      given = gather(given, order, 3, Float64Array, memory);
      if (named !== undefined) named = { ...named, index: gather(named.index, order, 1, Uint16Array, memory) };
      for (const [name, column] of columns) {
        columns.set(
          name,
          name === 'id' ? ({ ...column, values: order.ids } as Column) : reorderColumn(column, order, memory),
        );
      }
    }
    const origin = box.origin.map((component) => component * length);
    if (this.#units !== undefined) info.set('lammps_units', stringValue(this.#units));
    if (origin.some((component) => component !== 0)) info.set('Origin', realValue([...origin], [3]));
    return structureOfFile(
      {
        positions: place(given, layout.scaled, box, length),
        species: named ?? this.#speciesOfColumns(columns, atoms),
        cell: box.cell.map((component) => component * length),
        pbc: box.pbc,
        columns,
        info,
      },
      this.#lines,
    );
  }

  async skip(): Promise<boolean> {
    const header = await this.#readHeader();
    if (header === undefined) return false;
    await this.#rows.skip(header.atoms);
    return true;
  }

  async #readHeader(): Promise<{ atoms: number; box: Box; info: Map<string, InfoValue>; names: string[] } | undefined> {
    const lines = this.#lines;
    const header: Header = { atoms: undefined, box: undefined, line: undefined, info: new Map() };
    while (lines.advance() || (await lines.more())) {
      if (lines.isBlank()) continue;
      const line = lines.text();
      const item = ITEM.exec(line)?.[1];
      if (item === undefined) {
        throw lines.error(
          header.line === undefined
            ? `a frame begins with ITEM: TIMESTEP${this.#frames === 0 ? '' : '; this may be one more atom than the frame before declares'}`
            : 'a line that begins with ITEM: was expected',
          line,
        );
      }
      if (item === 'ATOMS' || item.startsWith('ATOMS ')) return this.#complete(header, item);
      await this.#readItem(header, item);
    }
    if (header.line === undefined) return undefined;
    throw lines.error(`the file ends in the header of the frame that begins in line ${header.line}`);
  }

  #complete(header: Header, item: string): { atoms: number; box: Box; info: Map<string, InfoValue>; names: string[] } {
    const { atoms, box, info } = header;
    if (atoms === undefined) throw this.#lines.error('ITEM: NUMBER OF ATOMS is missing before ITEM: ATOMS');
    if (box === undefined) throw this.#lines.error('ITEM: BOX BOUNDS is missing before ITEM: ATOMS');
    this.#frames++;
    return { atoms, box, info, names: item.split(/\s+/).slice(1) };
  }

  async #readItem(header: Header, item: string): Promise<void> {
    const lines = this.#lines;
    const known = header.line;
    header.line ??= lines.line;
    if (item === 'TIMESTEP') {
      if (header.info.has('timestep')) {
        throw lines.error(`a new frame begins before the atoms of the one that begins in line ${known}`);
      }
      const text = await this.#valueLine(item);
      const value = interpretInfoValue('timestep', text, 'bare');
      if (value.kind !== 'integer' || value.shape.length > 0) throw lines.error('a time step is a whole number', text);
      header.info.set('timestep', value);
    } else if (item === 'TIME') {
      const text = await this.#valueLine(item);
      const time = parseReal(text);
      if (!Number.isFinite(time)) throw lines.error('a time is a finite number', text);
      header.info.set('time', realValue([time], []));
    } else if (item === 'UNITS') {
      this.#units = await this.#valueLine(item);
    } else if (item === 'NUMBER OF ATOMS') {
      const text = await this.#valueLine(item);
      const atoms = /^\d+$/.test(text) ? Number(text) : Number.NaN;
      if (!Number.isSafeInteger(atoms)) throw lines.error('the number of atoms must be a whole number', text);
      header.atoms = atoms;
    } else if (item === 'BOX BOUNDS' || item.startsWith('BOX BOUNDS ')) {
      header.box = await this.#readBox(item);
    } else {
      throw lines.error(
        'this item is not known in a dump of atoms; known are TIMESTEP, TIME, UNITS, NUMBER OF ATOMS, BOX BOUNDS, ATOMS',
        `ITEM: ${item}`,
      );
    }
  }

  async #valueLine(item: string): Promise<string> {
    const lines = this.#lines;
    if (!(lines.advance() || (await lines.more())))
      throw lines.error(`the file ends where the value of ${item} was expected`);
    return lines.text().trim();
  }

  async #readBox(item: string): Promise<Box> {
    const lines = this.#lines;
    const line = lines.line;
    const words = item.split(/\s+/).slice(2);
    const isGeneral = words[0] === 'abc' && words[1] === 'origin';
    const isTilted = words[0] === 'xy' && words[1] === 'xz' && words[2] === 'yz';
    const flags = words.slice(isGeneral ? 2 : isTilted ? 3 : 0);
    const pbc = this.#boundaries(flags, item);
    const width = isGeneral ? 4 : isTilted ? 3 : 2;
    const rows: number[][] = [];
    for (const axis of isGeneral ? 'abc' : 'xyz') {
      if (!(lines.advance() || (await lines.more()))) throw lines.error('the file ends within BOX BOUNDS');
      const fields = lines.text().trim().split(/\s+/);
      const numbers = fields.map(parseReal);
      if (numbers.length !== width || !numbers.every(Number.isFinite)) {
        throw lines.error(
          `the bounds of the box along ${axis} must be ${width} numbers, as line ${line} announces`,
          lines.text(),
        );
      }
      rows.push(numbers);
    }
    const box = isGeneral ? generalBox(rows, pbc) : this.#restrictedBox(rows, pbc, line + 1);
    checkBox(box.cell, box.pbc, lines);
    return box;
  }

  #boundaries(flags: readonly string[], item: string): Pbc {
    if (flags.length === 0) {
      this.#warnings.warn(
        'boundaries',
        'BOX BOUNDS has no boundary flags; the box is taken to be periodic along every axis',
      );
      return [true, true, true];
    }
    if (flags.length !== 3 || !flags.every((flag) => /^[pfsm]{2}$/.test(flag))) {
      throw this.#lines.error('BOX BOUNDS must end with three boundary flags such as pp, ff or fs', `ITEM: ${item}`);
    }
    return [flags[0] === 'pp', flags[1] === 'pp', flags[2] === 'pp'];
  }

  /**
   * A box with a along x and b in the xy plane; a tilted one is given by the bounds of its bounding box.
   *
   * @param firstLine  that of the bounds along x
   */
  #restrictedBox(rows: readonly number[][], pbc: Pbc, firstLine: number): Box {
    const [[xLow, xHigh, xy = 0], [yLow, yHigh, xz = 0], [zLow, zHigh, yz = 0]] = rows as [Row, Row, Row];
    const low = [xLow - Math.min(0, xy, xz, xy + xz), yLow - Math.min(0, yz), zLow] as const;
    const high = [xHigh - Math.max(0, xy, xz, xy + xz), yHigh - Math.max(0, yz), zHigh] as const;
    for (let axis = 0; axis < 3; axis++) {
      const [from, to] = [low[axis] as number, high[axis] as number];
      const problem =
        from > to
          ? `the box ends at ${to} before it begins at ${from} along ${'xyz'[axis]}`
          : `the box is periodic along ${'xyz'[axis]}, where it ends at ${to}, where it begins`;
      if (from > to || (from === to && pbc[axis])) {
        throw this.#lines.errorAt(firstLine + axis, problem, rows[axis]?.join(' '));
      }
    }
    const cell = Float64Array.of(high[0] - low[0], 0, 0, xy, high[1] - low[1], 0, xz, yz, high[2] - low[2]);
    return { cell, origin: Float64Array.from(low), pbc };
  }

  #layout(names: readonly string[], box: Box): Layout {
    const repeated = names.find((name, at) => names.indexOf(name) !== at);
    if (repeated !== undefined) throw this.#lines.error(`ITEM: ATOMS names the column ${repeated} twice`);
    const source = chooseCoordinates(names);
    if (source === undefined) {
      throw this.#lines.error(
        'ITEM: ATOMS must name coordinates: x y z, xu yu zu, xs ys zs or xsu ysu zsu',
        names.join(' '),
      );
    }
    if (new Set(source.scaled).size > 1 && !isRestricted(box)) {
      throw this.#lines.error(
        'coordinates that are scaled along some axes only are not supported in a box of any orientation',
        names.join(' '),
      );
    }
    const coordinates = new AxisCoordinates();
    const symbolColumn = this.#symbolColumn(names);
    let symbols: SpeciesBuilder | undefined;
    const columns = new Map<string, PlainColumnBuilder>();
    const builders = names.map((name): ColumnBuilder => {
      const axis = source.names.indexOf(name);
      if (axis >= 0) return coordinates.axes[axis] as ColumnBuilder;
      if (name === symbolColumn) {
        symbols = new SpeciesBuilder();
        return symbols;
      }
      const builder = columnBuilder(name);
      const isNeeded = name === 'id' || (name === 'type' && symbolColumn === undefined);
      if (!isNeeded && this.#options.columns?.includes(name) === false) return new CheckedBuilder(builder);
      columns.set(name, builder);
      return builder;
    });
    return { builders, columns, coordinates, scaled: source.scaled, symbols };
  }

  /** The column whose words are the species, unless the caller says what the types are. */
  #symbolColumn(names: readonly string[]): string | undefined {
    const { species } = this.#options;
    if (species !== undefined && names.includes('type')) return undefined;
    if (species !== undefined) {
      this.#warnings.warn(
        'map',
        'the species of the types were given, but the file has no column type; they are not used',
      );
    }
    return names.includes('element') ? 'element' : names.includes('typelabel') ? 'typelabel' : undefined;
  }

  async #order(
    columns: ReadonlyMap<string, Column>,
    others: readonly unknown[],
    firstLine: number,
  ): Promise<IdOrder | undefined> {
    const ids = columns.get('id')?.values;
    if (ids === undefined) {
      this.#warnings.warn('id', 'the atoms have no ids; they stay in the order of the file');
      return undefined;
    }
    if (!(ids instanceof Float64Array)) {
      throw this.#lines.errorAt(firstLine, 'an atom id is above 2^53; such ids are not supported');
    }
    const values = Array.from(columns, ([name, column]) => (name === 'id' ? undefined : column.values));
    const order = await this.#rows.order(ids, [...values, ...others]);
    if (order === undefined || 'rows' in order) return order;
    throw this.#lines.errorAt(firstLine + order.row, `the id ${order.id} belongs to two atoms of this frame`);
  }

  #speciesOfColumns(columns: ReadonlyMap<string, Column>, atoms: number): Species | readonly string[] | 'X' {
    const types = columns.get('type');
    if (types === undefined) {
      this.#warnings.warn('species', 'there is no column element or type; all atoms are named X');
      return 'X';
    }
    if (types.kind === 'string') return types.values;
    if (types.kind === 'real' && atoms > 0)
      throw this.#lines.error('the column "type" must hold whole numbers or labels');
    return this.#speciesOfTypes(types, atoms);
  }

  #speciesOfTypes(types: Column, atoms: number): Species {
    const { species } = this.#options;
    const places = new Map<number, number>();
    const index = new Uint16Array(atoms);
    let lastType = Number.NaN;
    let lastPlace = 0;
    for (let row = 0; row < atoms; row++) {
      const type = Number(types.values[row]);
      if (type !== lastType) {
        lastPlace = places.get(type) ?? places.size;
        lastType = type;
        places.set(type, lastPlace);
      }
      index[row] = lastPlace;
    }
    if (places.size > MOST_SPECIES) {
      throw this.#lines.error(`there are ${places.size} atom types; at most ${MOST_SPECIES} are supported`);
    }
    const numbers = [...places.keys()];
    const symbols = numbers.map((type) => {
      const symbol = species === undefined ? `X${type}` : species[type];
      if (symbol !== undefined) return symbol;
      throw new SurprisalError(
        'INVALID_ARGUMENT',
        `${this.#lines.file}: there are atoms of type ${type}, of which the given species say nothing; add ${type}`,
        { details: { type, species } },
      );
    });
    if (species === undefined && atoms > 0) {
      this.#warnings.warn(
        'species',
        'the file numbers its atom types but does not name them; they are named X1, X2, …',
      );
    }
    return mergeSpecies(symbols, index);
  }
}

type Row = [number, number, number | undefined];

/** A box of any orientation: rows `a_x a_y a_z origin_x` and so on. */
function generalBox(rows: readonly number[][], pbc: Pbc): Box {
  const cell = Float64Array.from(rows.flatMap((row) => row.slice(0, 3)));
  return { cell, origin: Float64Array.from(rows, (row) => row[3] as number), pbc };
}

/** The columns of the coordinates: all of one kind where they are there, else the best of each axis. */
function chooseCoordinates(
  names: readonly string[],
): { readonly names: readonly string[]; readonly scaled: Layout['scaled'] } | undefined {
  const axes = ['x', 'y', 'z'] as const;
  const has = (axis: string, { suffix }: (typeof COORDINATES)[number]) => names.includes(`${axis}${suffix}`);
  const alike = COORDINATES.find((kind) => axes.every((axis) => has(axis, kind)));
  const [x, y, z] = axes.map((axis) => alike ?? COORDINATES.find((kind) => has(axis, kind)));
  if (x === undefined || y === undefined || z === undefined) return undefined;
  return { names: [`x${x.suffix}`, `y${y.suffix}`, `z${z.suffix}`], scaled: [x.scaled, y.scaled, z.scaled] };
}

/** Whether a lies along x and b in the xy plane. */
function isRestricted({ cell: [, ay, az, , , bz] }: Box): boolean {
  return ay === 0 && az === 0 && bz === 0;
}

function columnBuilder(name: string): PlainColumnBuilder {
  if (name === 'id' || WHOLE.test(name)) return new IntegerBuilder(1);
  if (REAL.test(name)) return new RealBuilder(1);
  if (name === 'element' || name === 'typelabel') return new StringBuilder(1);
  return new DetectedBuilder(true, name === 'type' ? 'integer' : 'real');
}

/**
 * Coordinates in the file's units, or fractions of the cell vectors, counted from the corner of the box, as positions in Å.
 *
 * @param given  (n×3), written over
 */
function place(given: Float64Array, scaled: Layout['scaled'], box: Box, length: number): Float64Array {
  const [isXScaled, isYScaled, isZScaled] = scaled;
  const allScaled = isXScaled && isYScaled && isZScaled;
  const noneScaled = !(isXScaled || isYScaled || isZScaled);
  if (noneScaled && length === 1) return given;
  const [x, y, z] = box.origin as unknown as [number, number, number];
  const [ax, ay, az, bx, by, bz, cx, cy, cz] = box.cell as unknown as number[] as NineNumbers;
  for (let at = 0; at < given.length; at += 3) {
    const u = given[at] as number;
    const v = given[at + 1] as number;
    const w = given[at + 2] as number;
    if (allScaled) {
      given[at] = length * (x + u * ax + v * bx + w * cx);
      given[at + 1] = length * (y + u * ay + v * by + w * cy);
      given[at + 2] = length * (z + u * az + v * bz + w * cz);
    } else {
      // Not all of them, so that ay = az = bz = 0: the fractions follow from z, then y. Where nothing is tilted, none is needed.
      const alongC = isZScaled || (cx === 0 && cy === 0) ? w : (w - z) / cz;
      const alongB = isYScaled || bx === 0 ? v : (v - y - alongC * cy) / by;
      given[at] = length * (isXScaled ? x + u * ax + alongB * bx + alongC * cx : u);
      given[at + 1] = length * (isYScaled ? y + v * by + alongC * cy : v);
      given[at + 2] = length * (isZScaled ? z + w * cz : w);
    }
  }
  return given;
}

type NineNumbers = [number, number, number, number, number, number, number, number, number];
