import { type Column, type InfoValue, type Species, type Structure, SurprisalError } from '@surprisal/core';
import { elementOfMass } from './atomic-weights.ts';
import { checkBox } from './check-box.ts';
import { CHEMICAL_SYMBOLS } from './chemical-symbols.ts';
import {
  type ColumnBuilder,
  CoordinateBuilder,
  IntegerBuilder,
  MOST_SPECIES,
  mergeSpecies,
  type PlainColumnBuilder,
  RealBuilder,
  reserveRows,
  SpeciesBuilder,
} from './column-builders.ts';
import { FieldScanner } from './field-scanner.ts';
import { interpretInfoValue, parseReal, realValue, stringValue } from './info-value.ts';
import { ATOM_STYLES, guessAtomStyle } from './lammps-atom-styles.ts';
import type { LammpsOptions } from './lammps-dump-frames.ts';
import { chooseLammpsUnits, lammpsLength, lammpsVelocity } from './lammps-units.ts';
import type { LineReader } from './line-reader.ts';
import type { FrameReader } from './select-frames.ts';
import { gather, orderById, reorderColumn } from './sort-by-id.ts';
import { structureOfFile } from './structure-of-file.ts';
import type { Warnings } from './warnings.ts';

/** Headings of sections that LAMMPS knows. */
const SECTIONS: ReadonlySet<string> = new Set([
  'Atoms',
  'Velocities',
  'Masses',
  'Ellipsoids',
  'Lines',
  'Triangles',
  'Bodies',
  'Bonds',
  'Angles',
  'Dihedrals',
  'Impropers',
  ...['Atom', 'Bond', 'Angle', 'Dihedral', 'Improper'].map((kind) => `${kind} Type Labels`),
  ...['Pair', 'PairIJ', 'Bond', 'Angle', 'Dihedral', 'Improper'].map((kind) => `${kind} Coeffs`),
  ...['BondBond', 'BondAngle', 'MiddleBondTorsion', 'EndBondTorsion', 'AngleTorsion', 'AngleAngleTorsion'].map(
    (kind) => `${kind} Coeffs`,
  ),
  ...['BondBond13', 'AngleAngle'].map((kind) => `${kind} Coeffs`),
]);

const HASH = 35;
/** What a header may count beside atoms and their types; none of it is kept. */
const OTHER_COUNTS =
  /^(?:bonds|angles|dihedrals|impropers|ellipsoids|lines|triangles|bodies|(?:bond|angle|dihedral|improper) types|extra (?:bond|angle|dihedral|improper|special) per atom|(?:bond|angle|dihedral|improper)s? per atom)$/;
const HEADER_LINE = /^((?:[+-]?[.\d]\S*\s+)+)(\D.*)$/;
const VECTORS: readonly string[] = ['avec', 'bvec', 'cvec'];

interface Header {
  atoms: number;
  /** The line that declares them; 0 where none does. */
  atomsLine: number;
  types: number | undefined;
  /** Lower and upper bounds along x, y, z. */
  readonly bounds: (readonly [number, number] | undefined)[];
  tilt: readonly number[] | undefined;
  /** Cell vectors and corner of a box of any orientation. */
  readonly vectors: (readonly number[] | undefined)[];
  origin: readonly number[] | undefined;
}

/** What the file says of its atom types. */
interface Types {
  readonly masses: Map<string, number>;
  /** Words behind the masses that are chemical symbols. */
  readonly symbols: Map<string, string>;
  readonly labels: Map<string, string>;
}

interface Layout {
  readonly names: readonly string[];
  readonly builders: readonly ColumnBuilder[];
  readonly columns: ReadonlyMap<string, PlainColumnBuilder>;
  readonly coordinates: readonly [CoordinateBuilder, CoordinateBuilder, CoordinateBuilder];
  /** Where the types are words. */
  readonly labels: SpeciesBuilder | undefined;
  /** Whether fields behind the known ones are passed over. */
  readonly isOpen: boolean;
}

interface Atoms {
  readonly layout: Layout;
  readonly order: Uint32Array | undefined;
}

/** The one structure of a LAMMPS data file. */
export class LammpsDataFrames implements FrameReader {
  readonly #lines: LineReader;
  readonly #warnings: Warnings;
  readonly #options: LammpsOptions;
  readonly #scanner = new FieldScanner();
  #done = false;

  /** @throws {SurprisalError} INVALID_ARGUMENT, UNSUPPORTED if the units that are given have no length in Å */
  constructor(lines: LineReader, warnings: Warnings, options: LammpsOptions) {
    if (options.units !== undefined) lammpsLength(options.units);
    this.#lines = lines;
    this.#warnings = warnings;
    this.#options = options;
  }

  async read(): Promise<Structure | undefined> {
    if (this.#done) return undefined;
    this.#done = true;
    const lines = this.#lines;
    if (!(await this.#next())) return undefined;
    const title = lines.text().trim();
    const header = await this.#readHeader();
    const box = this.#box(header);
    const types: Types = { masses: new Map(), symbols: new Map(), labels: new Map() };
    let atoms: Atoms | undefined;
    let velocities: Float64Array | undefined;
    for (let heading = header.heading; heading !== undefined; ) {
      const [section, hint] = heading;
      if (section === 'Atoms') {
        if (atoms !== undefined) throw lines.error('there is a second section Atoms');
        atoms = await this.#readAtoms(header, hint);
      } else if (section === 'Velocities') {
        if (velocities !== undefined) throw lines.error('there is a second section Velocities');
        velocities = await this.#readVelocities(header, atoms);
      } else if (section === 'Masses') await this.#readMasses(header, types);
      else if (section === 'Atom Type Labels') await this.#readLabels(header, types);
      else this.#warnings.warn(`section ${section}`, `the section ${section}, from line ${lines.line} on, is not read`);
      heading = await this.#nextHeading(section);
    }
    if (atoms === undefined && header.atoms > 0) {
      throw lines.error(
        `the file ends without the section Atoms of the ${header.atoms} atoms that line ${header.atomsLine} declares`,
      );
    }
    return this.#assemble(title, header, box, types, atoms, velocities);
  }

  async skip(): Promise<boolean> {
    return (await this.read()) !== undefined;
  }

  #assemble(
    title: string,
    header: Header,
    box: { readonly cell: Float64Array; readonly origin: Float64Array },
    types: Types,
    atoms: Atoms | undefined,
    velocities: Float64Array | undefined,
  ): Structure {
    const said = /\bunits\s*=\s*(\w+)/.exec(title)?.[1];
    const units = chooseLammpsUnits(said, this.#options.units, this.#lines.file, this.#warnings);
    const length = lammpsLength(units);
    const count = header.atoms;
    const columns = new Map<string, Column>();
    for (const [name, builder] of atoms?.layout.columns ?? []) {
      const column = builder.column(count);
      columns.set(name, atoms?.order === undefined ? column : reorderColumn(column, { rows: atoms.order }));
    }
    if (velocities !== undefined) {
      const speed = lammpsVelocity(units);
      columns.set('velocities', { kind: 'real', width: 3, values: velocities.map((component) => component / speed) });
    }
    const info = new Map<string, InfoValue>();
    if (title !== '') info.set('comment', stringValue(title));
    const step = /\btimestep\s*=\s*(\d+)/.exec(title)?.[1];
    if (step !== undefined) info.set('timestep', interpretInfoValue('timestep', step, 'bare'));
    if (said !== undefined) info.set('lammps_units', stringValue(said));
    const origin = box.origin.map((component) => component * length);
    if (origin.some((component) => component !== 0)) info.set('Origin', realValue([...origin], [3]));
    return structureOfFile(
      {
        positions: this.#positions(atoms, count, length),
        species: this.#species(columns, types, units, atoms, count),
        cell: box.cell.map((component) => component * length),
        pbc: [true, true, true],
        columns,
        info,
      },
      this.#lines,
    );
  }

  #positions(atoms: Atoms | undefined, count: number, length: number): Float64Array {
    const positions = new Float64Array(3 * count);
    for (const [axis, builder] of (atoms?.layout.coordinates ?? []).entries()) {
      const values = builder.coordinates(count);
      for (let atom = 0; atom < count; atom++) {
        const row = atoms?.order === undefined ? atom : (atoms.order[atom] as number);
        positions[3 * atom + axis] = length * (values[row] as number);
      }
    }
    return positions;
  }

  /** The header, up to the first heading of a section or the end of the file. */
  async #readHeader(): Promise<Header & { heading: readonly [string, string] | undefined }> {
    const lines = this.#lines;
    const header: Header = {
      atoms: 0,
      atomsLine: 0,
      types: undefined,
      bounds: [undefined, undefined, undefined],
      tilt: undefined,
      vectors: [undefined, undefined, undefined],
      origin: undefined,
    };
    while (await this.#next()) {
      const [text, hint] = splitComment(lines.text());
      if (text === '') continue;
      if (/^[A-Za-z]/.test(text)) {
        if (!SECTIONS.has(text)) throw lines.error('neither a line of the header nor the heading of a section', text);
        return { ...header, heading: [text, hint] };
      }
      this.#readHeaderLine(header, text);
    }
    return { ...header, heading: undefined };
  }

  #readHeaderLine(header: Header, text: string): void {
    const lines = this.#lines;
    const [, before = '', words = ''] = HEADER_LINE.exec(text) ?? [];
    const numbers = before.trim().split(/\s+/).map(parseReal);
    const name = words.trim().replace(/\s+/g, ' ');
    const take = (count: number, what: string): readonly number[] => {
      if (numbers.length === count && numbers.every(Number.isFinite)) return numbers;
      throw lines.error(`${name} must stand behind ${what}`, text);
    };
    const whole = (): number => {
      const [number] = take(1, 'one whole number');
      if (!/^\+?\d+$/.test(before.trim()) || !Number.isSafeInteger(number)) {
        throw lines.error(`the number of ${name} must be a whole number`, before.trim());
      }
      return number as number;
    };
    const axis = ['xlo xhi', 'ylo yhi', 'zlo zhi'].indexOf(name);
    const vector = VECTORS.indexOf(name);
    if (name === 'atoms') {
      header.atoms = whole();
      header.atomsLine = lines.line;
    } else if (name === 'atom types') header.types = whole();
    else if (axis >= 0) {
      const [low, high] = take(2, 'two numbers') as [number, number];
      if (low >= high)
        throw lines.error(`the box ends at ${high} where it begins at ${low} along ${'xyz'[axis]}`, text);
      header.bounds[axis] = [low, high];
    } else if (name === 'xy xz yz') header.tilt = take(3, 'three numbers');
    else if (vector >= 0) {
      header.vectors[vector] = take(3, 'three numbers');
      if (header.vectors.every((one) => one !== undefined)) {
        checkBox(Float64Array.from(header.vectors.flat() as number[]), [true, true, true], lines);
      }
    } else if (name === 'abc origin') header.origin = take(3, 'three numbers');
    else if (!OTHER_COUNTS.test(name)) throw lines.error('this line of the header is not known', text);
  }

  /** In the units of the file. */
  #box({ bounds, tilt, vectors, origin }: Header): { readonly cell: Float64Array; readonly origin: Float64Array } {
    const [a, b, c] = vectors;
    if (a !== undefined || b !== undefined || c !== undefined) {
      if (a === undefined || b === undefined || c === undefined) {
        throw this.#lines.error('the header must give avec, bvec and cvec, all three or none');
      }
      return { cell: Float64Array.of(...a, ...b, ...c), origin: Float64Array.from(origin ?? [0, 0, 0]) };
    }
    const [x, y, z] = bounds.map((one, axis) => {
      const name = 'xyz'[axis];
      if (one !== undefined) return one;
      throw this.#lines.error(`the header must give the box as ${name}lo ${name}hi, or as avec, bvec and cvec`);
    }) as [readonly [number, number], readonly [number, number], readonly [number, number]];
    const [xy, xz, yz] = (tilt ?? [0, 0, 0]) as [number, number, number];
    const cell = Float64Array.of(x[1] - x[0], 0, 0, xy, y[1] - y[0], 0, xz, yz, z[1] - z[0]);
    checkBox(cell, [true, true, true], this.#lines);
    return { cell, origin: Float64Array.of(x[0], y[0], z[0]) };
  }

  /** Goes on to the next heading, behind the lines of a section that were read or are not. */
  async #nextHeading(section: string): Promise<readonly [string, string] | undefined> {
    const lines = this.#lines;
    const wasRead = ['Atoms', 'Velocities', 'Masses', 'Atom Type Labels'].includes(section);
    while (await this.#next()) {
      const [text, hint] = splitComment(lines.text());
      if (text === '') continue;
      if (SECTIONS.has(text)) return [text, hint];
      if (!wasRead) continue;
      if (/^[A-Za-z]/.test(text)) return [text, hint];
      throw lines.error(`the section ${section} has more lines than the header declares`, text);
    }
    return undefined;
  }

  /** The first line of a section, behind the blank one under its heading. */
  async #firstLine(section: string, expected: string): Promise<void> {
    const lines = this.#lines;
    if (!(await this.#next())) throw lines.error(`the file ends where ${expected} were expected`);
    if (!lines.isBlank()) {
      this.#warnings.warn(
        `blank ${section}`,
        `line ${lines.line}, right under the heading ${section}, is not blank; LAMMPS passes over it, here it is read`,
      );
    }
    await this.#pastBlank(expected);
  }

  async #pastBlank(expected: string): Promise<void> {
    while (splitComment(this.#lines.text())[0] === '') {
      if (!(await this.#next())) throw this.#lines.error(`the file ends where ${expected} were expected`);
    }
  }

  /** The lines of a small section, one for each atom type: words, and what stands behind `#`. */
  async #typeLines(
    section: string,
    { types }: Header,
    take: (words: string[], comment: string) => void,
  ): Promise<void> {
    if (types === undefined)
      throw this.#lines.error(`the section ${section} stands in a file without "atom types" in its header`);
    for (let line = 0; line < types; line++) {
      const expected = `the ${types} lines of the section ${section}`;
      if (line === 0) await this.#firstLine(section, expected);
      else if (await this.#next()) await this.#pastBlank(expected);
      else throw this.#lines.error(`the file ends where ${expected} were expected`);
      const [text, comment] = splitComment(this.#lines.text());
      const words = text.split(/\s+/);
      if (words.length !== 2) throw this.#lines.error(`a line of the section ${section} must have two fields`, text);
      take(words, comment);
    }
    this.#checkEnd();
  }

  #readMasses(header: Header, { masses, symbols }: Types): Promise<void> {
    return this.#typeLines('Masses', header, ([type = '', text = ''], comment) => {
      const mass = parseReal(text);
      if (!(Number.isFinite(mass) && mass > 0)) throw this.#lines.error('a mass is a number above 0', text);
      if (masses.has(type)) throw this.#lines.error('the mass of this atom type is given twice', type);
      masses.set(type, mass);
      const word = /^\S+/.exec(comment)?.[0] ?? '';
      if (CHEMICAL_SYMBOLS.includes(word)) symbols.set(type, word);
    });
  }

  #readLabels(header: Header, { labels }: Types): Promise<void> {
    return this.#typeLines('Atom Type Labels', header, ([type = '', label = '']) => {
      if (!/^\d+$/.test(type)) throw this.#lines.error('the number of an atom type was expected', type);
      labels.set(String(Number(type)), label);
    });
  }

  async #readAtoms(header: Header, hint: string): Promise<Atoms> {
    const lines = this.#lines;
    const scanner = this.#scanner;
    const { atoms } = header;
    if (atoms === 0)
      return { layout: this.#layout(ATOM_STYLES.get('atomic') as string[], false, false), order: undefined };
    await this.#firstLine('Atoms', `${atoms} atoms`);
    const layout = this.#chooseLayout(hint, header);
    const { builders, names } = layout;
    const rows = new RowLines();
    let room = 0;
    for (let row = 0; row < atoms; row++) {
      if (row > 0) await this.#nextRow(row, atoms, header);
      if (row === room) room = reserveRows(builders, room, atoms);
      rows.note(row, lines.line);
      scanner.reset(lines.bytes, lines.start, lines.end);
      for (let column = 0; column < builders.length; column++) {
        const expected = (builders[column] as ColumnBuilder).read(scanner, row);
        if (expected !== undefined)
          this.#refuseField(`atom ${row + 1} of ${atoms}, column "${names[column]}"`, expected);
      }
      this.#checkType(layout, row, header);
      if (scanner.next() && lines.bytes[scanner.from] !== HASH && !layout.isOpen) {
        throw lines.error(
          `atom ${row + 1} of ${atoms} has more fields than the ${names.length} that were expected: ${names.join(' ')}`,
          scanner.text(),
          scanner.from,
        );
      }
    }
    this.#checkEnd();
    return { layout, order: this.#order(layout.columns.get('id')?.column(atoms), rows) };
  }

  #checkType({ columns, names }: Layout, row: number, { types }: Header): void {
    const builder = columns.get('type');
    if (!(builder instanceof IntegerBuilder)) return;
    const type = Number(builder.values[row]);
    if (type >= 1 && type <= (types ?? Number.POSITIVE_INFINITY)) return;
    throw this.#lines.error(
      `the type of the atom is ${type}; the header declares ${types ?? 'no'} atom types (the columns were taken to be ${names.join(' ')})`,
    );
  }

  /** The columns of the section, by the style that the hint behind its heading names, else by the first atom. */
  #chooseLayout(hint: string, { types }: Header): Layout {
    const lines = this.#lines;
    const fields = splitComment(lines.text())[0].split(/\s+/);
    const style = hint.split(/\s+/)[0] ?? '';
    const isHybrid = style === 'hybrid';
    const known = isHybrid ? ATOM_STYLES.get('atomic') : ATOM_STYLES.get(style);
    if (known !== undefined) {
      const hasImages = !isHybrid && fields.length === known.length + 3;
      if (isHybrid && fields.length > known.length) {
        this.#warnings.warn('hybrid', 'of atoms of style hybrid, what stands behind the coordinates is not read');
      }
      return this.#layout(known, hasImages, isHybrid, fields);
    }
    const guess = guessAtomStyle(fields, types);
    if (guess === undefined) {
      throw lines.error(
        `atoms of ${fields.length} fields are of no style that can be told without its name; put it behind the heading, as Atoms # full`,
        lines.text().trim(),
      );
    }
    const why = style === '' ? 'the heading Atoms does not name their style' : `the style "${style}" is not known`;
    const taken = ATOM_STYLES.get(guess.style) as readonly string[];
    const columns = [...taken, ...(guess.hasImages ? ['ix', 'iy', 'iz'] : [])].join(' ');
    this.#warnings.warn('style', `${why}; the atoms are taken to be of style ${guess.style}: ${columns}`);
    return this.#layout(taken, guess.hasImages, false, fields);
  }

  #layout(style: readonly string[], hasImages: boolean, isOpen: boolean, fields: readonly string[] = []): Layout {
    const names = hasImages ? [...style, 'ix', 'iy', 'iz'] : style;
    const coordinates = [new CoordinateBuilder(1), new CoordinateBuilder(1), new CoordinateBuilder(1)] as const;
    const columns = new Map<string, PlainColumnBuilder>();
    let labels: SpeciesBuilder | undefined;
    const builders = names.map((name, at): ColumnBuilder => {
      const axis = ['x', 'y', 'z'].indexOf(name);
      if (axis >= 0) return coordinates[axis] as CoordinateBuilder;
      if (name === 'type' && Number.isNaN(parseReal(fields[at] ?? '0'))) {
        labels = new SpeciesBuilder();
        return labels;
      }
      const builder = WHOLE_COLUMNS.has(name) ? new IntegerBuilder(1) : new RealBuilder(1);
      columns.set(name, builder);
      return builder;
    });
    return { names, builders, columns, coordinates, labels, isOpen };
  }

  async #nextRow(row: number, atoms: number, { atomsLine }: Header): Promise<void> {
    const lines = this.#lines;
    do {
      if (!(lines.advance() || (await lines.more()))) {
        throw lines.error(`the file ends after ${row} of the ${atoms} atoms that line ${atomsLine} declares`);
      }
    } while (lines.isBlank() || lines.bytes[lines.start] === HASH);
    const first = lines.bytes[lines.start] as number;
    if (first >= 65 && SECTIONS.has(splitComment(lines.text())[0])) {
      throw lines.error(
        `the section ends after ${row} of the ${atoms} atoms that line ${atomsLine} declares`,
        lines.text().trim(),
      );
    }
  }

  #order(ids: Column | undefined, rows: RowLines): Uint32Array | undefined {
    const values = ids?.values;
    if (!(values instanceof Float64Array)) {
      throw this.#lines.errorAt(rows.lineOf(0), 'an atom id is above 2^53; such ids are not supported');
    }
    const order = orderById(values);
    if (order === undefined || 'rows' in order) return order?.rows;
    throw this.#lines.errorAt(rows.lineOf(order.row), `the id ${order.id} belongs to two atoms`);
  }

  /** (n×3) in the file's units and the order of the atoms. */
  async #readVelocities(header: Header, read: Atoms | undefined): Promise<Float64Array> {
    const lines = this.#lines;
    const scanner = this.#scanner;
    const { atoms } = header;
    if (read === undefined) throw lines.error('the section Velocities must stand behind the section Atoms');
    if (atoms === 0) return new Float64Array(0);
    const ids = new IntegerBuilder(1);
    const velocities = new RealBuilder(3);
    const builders = [ids, velocities];
    const rows = new RowLines();
    let room = 0;
    for (let row = 0; row < atoms; row++) {
      if (row === 0) await this.#firstLine('Velocities', `the velocities of ${atoms} atoms`);
      else await this.#nextRow(row, atoms, header);
      if (row === room) room = reserveRows(builders, room, atoms);
      rows.note(row, lines.line);
      scanner.reset(lines.bytes, lines.start, lines.end);
      for (const builder of builders) {
        const expected = builder.read(scanner, row);
        if (expected !== undefined) this.#refuseField(`velocity ${row + 1} of ${atoms}`, expected);
      }
      if (scanner.next() && lines.bytes[scanner.from] !== HASH) {
        this.#warnings.warn('angular', 'what stands behind the velocities (such as angular ones) is not read');
      }
    }
    this.#checkEnd();
    const column = ids.column(atoms);
    const order = this.#order(column, rows);
    const idsOfAtoms = (read.layout.columns.get('id') as PlainColumnBuilder).column(atoms).values;
    for (let atom = 0; atom < atoms; atom++) {
      const row = order === undefined ? atom : (order[atom] as number);
      const atomRow = read.order === undefined ? atom : (read.order[atom] as number);
      if (column.values[row] !== idsOfAtoms[atomRow]) {
        throw lines.errorAt(
          rows.lineOf(row),
          `there is a velocity of the id ${String(column.values[row])}, of which there is no atom`,
        );
      }
    }
    const { values } = velocities.column(atoms) as { values: Float64Array };
    return order === undefined ? values : gather(values, { rows: order }, 3, Float64Array);
  }

  #refuseField(where: string, expected: string): never {
    const { from, to } = this.#scanner;
    if (from === to)
      throw this.#lines.error(`${where}: the line ends where ${expected} was expected`, this.#lines.text());
    throw this.#lines.error(`${where}: ${expected} was expected`, this.#scanner.text(), from);
  }

  #species(
    columns: ReadonlyMap<string, Column>,
    types: Types,
    units: string,
    atoms: Atoms | undefined,
    count: number,
  ): Species {
    const labels = atoms?.layout.labels;
    if (labels !== undefined) {
      const { species } = labels.species(count);
      const index =
        atoms?.order === undefined ? species.index : gather(species.index, { rows: atoms.order }, 1, Uint16Array);
      return { symbols: species.symbols, index };
    }
    const values = columns.get('type')?.values ?? [];
    const places = new Map<number, number>();
    const index = new Uint16Array(count);
    for (let atom = 0; atom < count; atom++) {
      const type = Number(values[atom]);
      const place = places.get(type) ?? places.size;
      places.set(type, place);
      index[atom] = place;
    }
    if (places.size > MOST_SPECIES) {
      throw this.#lines.error(`there are ${places.size} atom types; at most ${MOST_SPECIES} are supported`);
    }
    return mergeSpecies(
      [...places.keys()].map((type) => this.#symbolOf(type, types, units)),
      index,
    );
  }

  #symbolOf(type: number, { masses, symbols, labels }: Types, units: string): string {
    const { species } = this.#options;
    const key = String(type);
    if (species !== undefined) {
      const symbol = species[type];
      if (symbol !== undefined) return symbol;
      throw new SurprisalError(
        'INVALID_ARGUMENT',
        `${this.#lines.file}: there are atoms of type ${type}, of which the given species say nothing; add ${type}`,
        { details: { type, species } },
      );
    }
    const label = labels.get(key);
    const said = label ?? symbols.get(key) ?? symbols.get(label ?? key);
    if (said !== undefined) return said;
    const mass = masses.get(key);
    const element = mass !== undefined && GRAMS_PER_MOLE.has(units) ? elementOfMass(mass) : undefined;
    if (element !== undefined) return element;
    this.#warnings.warn(
      'species',
      mass === undefined
        ? `the file numbers its atom types but does not name them; those without a name are named X1, X2, …`
        : `the mass ${mass} of atom type ${type} is that of no one element; the type is named X${type}, and others like it so too`,
    );
    return `X${type}`;
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

const WHOLE_COLUMNS: ReadonlySet<string> = new Set(['id', 'type', 'mol', 'ix', 'iy', 'iz']);
/** Unit styles in which masses are those of the periodic table. */
const GRAMS_PER_MOLE: ReadonlySet<string> = new Set(['real', 'metal', 'electron']);

/** The lines of rows: usually one after the other, so only where they are not, something is noted. */
class RowLines {
  readonly #rows: number[] = [];
  readonly #lines: number[] = [];

  note(row: number, line: number): void {
    const last = this.#rows.length - 1;
    if (last >= 0 && line - row === (this.#lines[last] as number) - (this.#rows[last] as number)) return;
    this.#rows.push(row);
    this.#lines.push(line);
  }

  lineOf(row: number): number {
    const place = this.#rows.findLastIndex((first) => first <= row);
    return (this.#lines[place] as number) + row - (this.#rows[place] as number);
  }
}

/** A line without its comment, and the comment without its mark. */
function splitComment(line: string): readonly [string, string] {
  const mark = line.indexOf('#');
  return mark < 0 ? [line.trim(), ''] : [line.slice(0, mark).trim(), line.slice(mark + 1).trim()];
}
