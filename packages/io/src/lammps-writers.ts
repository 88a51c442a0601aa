import { atomCount, type Column, type Structure } from '@surprisal/core';
import { atomicWeight } from './atomic-weights.ts';
import { isRestricted, requireCell, restrictCell, turnVectors } from './cell-geometry.ts';
import type { FrameWriter } from './frame-writer.ts';
import { formatReal } from './info-value.ts';
import { DEFAULT_LAMMPS_UNITS, LAMMPS_UNIT_STYLES, lammpsLength, lammpsVelocity } from './lammps-units.ts';
import { checkSymbols, columnOf, lineOfInfo, velocitiesOf, wholeOfInfo } from './structure-parts.ts';
import { boxOf } from './surrounding-box.ts';
import { fieldsOf, realFields, type TextField, textRows, wholeField } from './text-rows.ts';
import { warnBoundaries, warnUnheld } from './warn-unheld.ts';
import type { Warnings } from './warnings.ts';

/** LAMMPS data: one structure, in units metal, of style atomic, charge, molecular or full. */
export class LammpsDataWriter implements FrameWriter {
  readonly #warnings: Warnings;

  constructor(warnings: Warnings) {
    this.#warnings = warnings;
  }

  *write(structure: Structure): Generator<string, void> {
    const format = 'LAMMPS data';
    const warnings = this.#warnings;
    const atoms = atomCount(structure);
    checkSymbols(structure, format, /^(?![\d#*])[^\s#]+$/);
    const { cell, origin, positions, velocities } = this.#restricted(structure, format);
    const types = numberTypes(structure, warnings, canBeLabels);
    const ids = idsOf(structure, warnings);
    const molecules = columnOf(structure, 'mol', 'integer', 1);
    const charges = columnOf(structure, 'q', 'real', 1);
    const images = ['ix', 'iy', 'iz'].map((name) => columnOf(structure, name, 'integer', 1));
    const areImages = images.every((image) => image !== undefined);
    const comment = lineOfInfo(structure, 'comment');
    const held = {
      format,
      columns: new Set([
        ...(types.isKept ? ['type'] : []),
        ...(ids.isKept ? ['id'] : []),
        ...(molecules === undefined ? [] : ['mol']),
        ...(charges === undefined ? [] : ['q']),
        ...(areImages ? ['ix', 'iy', 'iz'] : []),
        ...(velocities?.names ?? []),
      ]),
      info: new Set([...(comment === undefined ? [] : ['comment']), 'Origin']),
    };
    warnUnheld(structure, held, warnings);
    const style =
      molecules === undefined
        ? charges === undefined
          ? 'atomic'
          : 'charge'
        : charges === undefined
          ? 'molecular'
          : 'full';
    const fields: TextField[] = [
      ids.of,
      ...(molecules === undefined ? [] : [(atom: number) => String(molecules[atom])]),
      numbersOf(types.of),
      ...(charges === undefined ? [] : [numbersOf(charges)]),
      { values: positions, width: 3 },
      ...(areImages ? images.map((image) => (atom: number) => String((image as ArrayLike<unknown>)[atom])) : []),
    ];
    const head = `${this.#title(comment)}\n\n${atoms} atoms\n${types.symbols.length} atom types\n\n${boxLines(cell, origin)}`;
    yield* textRows(
      `${head}${this.#typeSections(types.symbols)}${atoms === 0 ? '' : `\nAtoms # ${style}\n\n`}`,
      atoms,
      fields,
    );
    if (velocities === undefined || atoms === 0) return;
    const speed = lammpsVelocity(DEFAULT_LAMMPS_UNITS);
    const values = velocities.values.map((component) => component * speed);
    yield* textRows('\nVelocities\n\n', atoms, [ids.of, { values, width: 3 }]);
  }

  /** A comment may be the title of another data file, which says its units. */
  #title(comment: string | undefined): string {
    const said = comment ?? 'LAMMPS data file, units = metal';
    const title = said.replace(/\bunits\s*=\s*\w+/, 'units = metal');
    if (title !== said)
      this.#warnings.warn('title', `the value "comment" is written as "${title}", since lengths are in Å`);
    return title;
  }

  #restricted(
    structure: Structure,
    format: string,
  ): {
    readonly cell: Float64Array;
    readonly origin: Float64Array;
    readonly positions: Float64Array;
    readonly velocities: ReturnType<typeof velocitiesOf>;
  } {
    const warnings = this.#warnings;
    const { cell, origin } = boxOf(structure, format, warnings);
    const velocities = velocitiesOf(structure);
    requireCell({ ...structure, cell }, format);
    warnBoundaries(structure, format, warnings);
    if (isRestricted(cell)) return { cell, origin, positions: structure.positions, velocities };
    const { axes, swapped, cell: turned } = restrictCell(cell);
    warnings.warn(
      'turned',
      `cell and atoms are turned so that a lies along x and b in the xy plane, as LAMMPS wants them${swapped ? '; b and c change places, since the cell is left-handed' : ''}`,
    );
    const corner = (at: number) => origin[at % 3] as number;
    const positions = turnVectors(
      structure.positions.map((component, at) => component - corner(at)),
      axes,
    ).map((component, at) => component + corner(at));
    return {
      cell: turned,
      origin,
      positions,
      velocities: velocities && { ...velocities, values: turnVectors(velocities.values, axes) },
    };
  }

  #typeSections(symbols: readonly string[]): string {
    if (symbols.length === 0) return '';
    const weights = symbols.map((symbol) => {
      const weight = atomicWeight(symbol);
      if (weight === undefined) {
        this.#warnings.warn(
          `mass ${symbol}`,
          `the species "${symbol}" is no element; the mass 1 is written, and its name as a type label`,
        );
      }
      return weight;
    });
    // LAMMPS knows labels for all types or for none.
    const labels = weights.includes(undefined)
      ? `\nAtom Type Labels\n\n${symbols.map((symbol, type) => `${type + 1} ${symbol}\n`).join('')}`
      : '';
    const masses = symbols.map((symbol, type) => `${type + 1} ${weights[type] ?? '1.0'} # ${symbol}\n`).join('');
    return `${labels}\nMasses\n\n${masses}`;
  }
}

/** LAMMPS text dump: every column of numbers, with the species as `element`. */
export class LammpsDumpWriter implements FrameWriter {
  readonly #warnings: Warnings;
  #frames = 0;

  constructor(warnings: Warnings) {
    this.#warnings = warnings;
  }

  write(structure: Structure): Iterable<string> {
    const format = 'LAMMPS dump';
    const warnings = this.#warnings;
    checkSymbols(structure, format);
    const said = lineOfInfo(structure, 'lammps_units');
    const units = said !== undefined && LAMMPS_UNIT_STYLES.includes(said) ? said : undefined;
    const length = lammpsLength(units ?? DEFAULT_LAMMPS_UNITS);
    const inUnits = (values: Float64Array) => (length === 1 ? values : values.map((value) => value / length));
    const positions = inUnits(structure.positions);
    const { cell, origin } = boxOf(structure, format, warnings);
    const types = numberTypes(structure, warnings);
    const ids = idsOf(structure, warnings);
    const { symbols, index } = structure.species;
    const names = ['id', 'type', 'element', 'x', 'y', 'z'];
    const fields: TextField[] = [
      ids.of,
      numbersOf(types.of),
      { words: symbols, index },
      { values: positions, width: 3 },
    ];
    const held = new Set<string>([...(ids.isKept ? ['id'] : []), ...(types.isKept ? ['type'] : [])]);
    for (const [name, column] of structure.columns) {
      if (held.has(name)) continue;
      const formatter = this.#columnFields(name, column, lammpsVelocity(units ?? DEFAULT_LAMMPS_UNITS), names);
      if (formatter === undefined) continue;
      held.add(name);
      fields.push(formatter);
    }
    const step = wholeOfInfo(structure, 'timestep');
    const time = structure.info.get('time');
    const isTime = time?.kind === 'real' && time.shape.length === 0 && Number.isFinite(time.values[0]);
    const info = new Set([
      'Origin',
      ...(step === undefined ? [] : ['timestep']),
      ...(isTime ? ['time'] : []),
      ...(units === undefined ? [] : ['lammps_units']),
    ]);
    warnUnheld(structure, { format, columns: held, info }, warnings);
    const head =
      `${units === undefined ? '' : `ITEM: UNITS\n${units}\n`}` +
      `${isTime ? `ITEM: TIME\n${formatReal(time.values[0] as number)}\n` : ''}` +
      `ITEM: TIMESTEP\n${step ?? this.#frames}\nITEM: NUMBER OF ATOMS\n${atomCount(structure)}\n` +
      `${this.#boxItem(inUnits(cell), inUnits(origin), structure)}ITEM: ATOMS ${names.join(' ')}\n`;
    this.#frames++;
    return textRows(head, atomCount(structure), fields);
  }

  /** The fields of a column, and its names among `names`; undefined for words. */
  #columnFields(name: string, column: Column, speed: number, names: string[]): TextField | undefined {
    if (column.kind === 'string' || column.width < 1) return undefined;
    const { width, values } = column;
    const isVelocity = name === 'velocities' && column.kind === 'real' && width === 3;
    const components = componentNames(name, width).map((component) => {
      let free = component.replaceAll(/\s+/g, '_') || '_';
      while (names.includes(free)) free += '_';
      names.push(free);
      return free;
    });
    if (components.length > 1 || components[0] !== name) {
      const inUnits = isVelocity ? ', in the units of LAMMPS' : '';
      this.#warnings.warn(`column ${name}`, `the column "${name}" is written as ${components.join(' ')}${inUnits}`);
    }
    if (column.kind === 'logical') {
      this.#warnings.warn(`logical ${name}`, `the column "${name}" of T and F is written as 1 and 0`);
    } else if (values instanceof BigInt64Array) {
      this.#warnings.warn(
        `large ${name}`,
        `the column "${name}" holds whole numbers beyond 2^53, which not every reader keeps`,
      );
    }
    if (column.kind === 'logical') return fieldsOf(width, (at) => String(column.values[at]));
    if (column.kind === 'integer') return wholeField(column.values, width);
    // A point keeps real numbers apart from whole ones, since a dump does not say which a column holds.
    const inUnits = isVelocity ? column.values.map((component) => component * speed) : column.values;
    return { values: inUnits, width, withPoint: true };
  }

  #boxItem(cell: Float64Array, origin: Float64Array, { pbc }: Structure): string {
    const flags = pbc.map((periodic) => (periodic ? 'pp' : 'ff')).join(' ');
    const [x, y, z] = origin as unknown as [number, number, number];
    if (!isRestricted(cell)) {
      this.#warnings.warn(
        'general',
        'a box of any orientation is written as BOX BOUNDS abc origin, which LAMMPS writes since 2024 and older programs do not read',
      );
      const rows = [0, 1, 2].map(
        (axis) => `${realFields(cell, 3 * axis, 3 * axis + 3)} ${formatReal(origin[axis] as number)}\n`,
      );
      return `ITEM: BOX BOUNDS abc origin ${flags}\n${rows.join('')}`;
    }
    const { ax, xy, by, xz, yz, cz } = restrictedVectors(cell);
    if (xy === 0 && xz === 0 && yz === 0) {
      return `ITEM: BOX BOUNDS ${flags}\n${realFields([x, x + ax], 0, 2)}\n${realFields([y, y + by], 0, 2)}\n${realFields([z, z + cz], 0, 2)}\n`;
    }
    const rows = [
      [x + Math.min(0, xy, xz, xy + xz), x + ax + Math.max(0, xy, xz, xy + xz), xy],
      [y + Math.min(0, yz), y + by + Math.max(0, yz), xz],
      [z, z + cz, yz],
    ];
    return `ITEM: BOX BOUNDS xy xz yz ${flags}\n${rows.map((row) => `${realFields(row, 0, 3)}\n`).join('')}`;
  }
}

/** What LAMMPS calls the components of vectors. */
const SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  ['velocities', 'v'],
  ['forces', 'f'],
  ['force', 'f'],
]);

/** The names that LAMMPS has for the components of a column. */
function componentNames(name: string, width: number): string[] {
  if (width === 1) return [name];
  const short = width === 3 ? SHORT_NAMES.get(name) : undefined;
  if (short !== undefined) return ['x', 'y', 'z'].map((axis) => `${short}${axis}`);
  return Array.from({ length: width }, (_, at) => `${name}[${at + 1}]`);
}

/** The components of a cell with a along x and b in the xy plane that need not be 0. */
function restrictedVectors(cell: Float64Array) {
  const component = (at: number) => cell[at] as number;
  return {
    ax: component(0),
    xy: component(3),
    by: component(4),
    xz: component(6),
    yz: component(7),
    cz: component(8),
  };
}

function boxLines(cell: Float64Array, origin: Float64Array): string {
  const { ax, xy, by, xz, yz, cz } = restrictedVectors(cell);
  const bounds = [ax, by, cz].map((length, axis) => {
    const low = origin[axis] as number;
    return `${formatReal(low)} ${formatReal(low + length)} ${'xyz'[axis]}lo ${'xyz'[axis]}hi\n`;
  });
  const isTilted = xy !== 0 || xz !== 0 || yz !== 0;
  return `${bounds.join('')}${isTilted ? `${realFields([xy, xz, yz], 0, 3)} xy xz yz\n` : ''}`;
}

interface Types {
  /** (n) from 1. */
  readonly of: ArrayLike<number>;
  /** Of each type. */
  readonly symbols: readonly string[];
  readonly isKept: boolean;
}

/** The types of the atoms: those of the column `type`, where each of them is one species and they leave few gaps; else by species. */
function numbersOf(values: ArrayLike<number>): TextField {
  return { values: values instanceof Float64Array ? values : Float64Array.from(values), width: 1 };
}

function numberTypes(
  structure: Structure,
  warnings: Warnings,
  canStand: (symbols: readonly string[]) => boolean = () => true,
): Types {
  const { symbols, index } = structure.species;
  const own = columnOf(structure, 'type', 'integer', 1);
  const kept = own instanceof Float64Array ? keptTypes(own, structure) : undefined;
  if (kept !== undefined && canStand(kept.symbols)) return kept;
  if (structure.columns.has('type')) {
    warnings.warn('types', 'the types in the column "type" are not the species, one for one; they are numbered anew');
  }
  return { of: Uint32Array.from(index, (place) => place + 1), symbols, isKept: false };
}

function keptTypes(types: Float64Array, { species }: Structure): Types | undefined {
  const symbols: string[] = [];
  for (const [atom, type] of types.entries()) {
    if (!(type >= 1 && type <= 65536)) return undefined;
    const symbol = species.symbols[species.index[atom] as number] as string;
    if ((symbols[type - 1] ?? symbol) !== symbol) return undefined;
    symbols[type - 1] = symbol;
  }
  // Types of which there is no atom need a mass all the same, and a name.
  return { of: types, symbols: Array.from(symbols, (symbol, type) => symbol ?? `X${type + 1}`), isKept: true };
}

/** Names that are no elements are written as labels of types, of which LAMMPS wants no two alike. */
function canBeLabels(symbols: readonly string[]): boolean {
  return symbols.every((symbol) => atomicWeight(symbol) !== undefined) || new Set(symbols).size === symbols.length;
}

/** The ids of the atoms: those of the column `id`, where they are distinct and above 0; else counted from 1. */
function idsOf(structure: Structure, warnings: Warnings): { readonly of: TextField; readonly isKept: boolean } {
  const own = columnOf(structure, 'id', 'integer', 1);
  const isUsable = own instanceof Float64Array && own.every((id) => id > 0) && new Set<number>(own).size === own.length;
  if (!isUsable) {
    if (structure.columns.has('id'))
      warnings.warn('ids', 'the column "id" does not tell the atoms apart; they are numbered anew');
    return { of: numbersOf(Float64Array.from({ length: atomCount(structure) }, (_, atom) => atom + 1)), isKept: false };
  }
  if (own.some((id, atom) => atom > 0 && id < (own[atom - 1] as number))) {
    warnings.warn('order', 'the ids are not in order; readers sort atoms by id');
  }
  return { of: numbersOf(own), isKept: true };
}
