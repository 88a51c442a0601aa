import { SurprisalError } from './surprisal-error.ts';

/** Which of the three cell vectors repeat. */
export type Pbc = readonly [boolean, boolean, boolean];

/** Chemical species of n atoms: a table of distinct symbols, and for each atom its place in that table. */
export interface Species {
  readonly symbols: readonly string[];
  /** (n) */
  readonly index: Uint16Array;
}

/** A per-atom column of any kind, `width` values for each atom, row-major. */
export type Column =
  | { readonly kind: 'real'; readonly width: number; readonly values: Float64Array }
  | { readonly kind: 'integer'; readonly width: number; readonly values: Float64Array | BigInt64Array }
  | { readonly kind: 'logical'; readonly width: number; readonly values: Uint8Array }
  | { readonly kind: 'string'; readonly width: number; readonly values: readonly string[] };

/** A value that belongs to a whole frame: a scalar, or an array with its shape (row-major). */
export type InfoValue =
  | { readonly kind: 'real'; readonly shape: readonly number[]; readonly values: Float64Array }
  | { readonly kind: 'integer'; readonly shape: readonly number[]; readonly values: Float64Array | BigInt64Array }
  | { readonly kind: 'logical'; readonly shape: readonly number[]; readonly values: Uint8Array }
  | { readonly kind: 'string'; readonly shape: readonly number[]; readonly values: readonly string[] };

/**
 * Atoms in space: one frame of a trajectory, one structure of a data set.
 *
 * A structure owns its arrays; whoever receives one may read but not write them.
 */
export interface Structure {
  /** (n×3) row-major, Å, inside or outside of the cell. */
  readonly positions: Float64Array;
  readonly species: Species;
  /** (3×3) row-major, Å, the rows are the cell vectors a, b, c; null where there is no cell. */
  readonly cell: Float64Array | null;
  readonly pbc: Pbc;
  /** Per-atom columns beside species and positions, by name, in the order of the file. */
  readonly columns: ReadonlyMap<string, Column>;
  /** Values of the frame, by name, in the order of the file. `Origin` (3) is the corner of the cell where it is not 0. */
  readonly info: ReadonlyMap<string, InfoValue>;
}

/** What {@link createStructure} takes; everything but positions has a default. */
export interface StructureInit {
  readonly positions: Float64Array;
  /** A symbol for each atom, one symbol for all, or a table with indices. Default `X`, an unknown species. */
  readonly species?: Species | readonly string[] | string;
  readonly cell?: Float64Array | null;
  /** Default: periodic along every axis where there is a cell, along none otherwise. */
  readonly pbc?: Pbc;
  readonly columns?: ReadonlyMap<string, Column>;
  readonly info?: ReadonlyMap<string, InfoValue>;
}

/**
 * A checked structure.
 *
 * @throws {SurprisalError} INVALID_POSITIONS if positions are not finite or not n×3; INVALID_CELL if a cell has not nine
 *   finite numbers or an axis is periodic without a cell vector; DIMENSION_MISMATCH if species or a column do not fit.
 *
 * @example
 * const copper = createStructure({
 *   positions: Float64Array.of(0, 0, 0),
 *   species: 'Cu',
 *   cell: Float64Array.of(0, 1.8075, 1.8075, 1.8075, 0, 1.8075, 1.8075, 1.8075, 0),
 * });
 */
export function createStructure(init: StructureInit): Structure {
  const { positions, cell = null, columns = new Map(), info = new Map() } = init;
  const pbc = init.pbc ?? (cell === null ? [false, false, false] : [true, true, true]);
  checkPositions(positions);
  checkCell(cell, pbc);
  const atoms = positions.length / 3;
  const species = tabulateSpecies(init.species ?? 'X', atoms);
  for (const [name, column] of columns) {
    if (column.values.length !== atoms * column.width) {
      throw new SurprisalError(
        'DIMENSION_MISMATCH',
        `column "${name}" holds ${column.values.length} values; ${atoms} atoms × ${column.width} were expected`,
        { details: { column: name, atoms, width: column.width } },
      );
    }
  }
  return { positions, species, cell, pbc, columns, info };
}

/** The number of atoms of a structure. */
export function atomCount(structure: Structure): number {
  return structure.positions.length / 3;
}

/** The volume |a·(b×c)| of the cell in Å³, whatever its handedness; undefined where there is no cell or it is flat. */
export function cellVolume(structure: Structure): number | undefined {
  const m = structure.cell;
  if (m === null) return undefined;
  const [ax, ay, az, bx, by, bz, cx, cy, cz] = m as unknown as NineNumbers;
  const volume = Math.abs(ax * (by * cz - bz * cy) - ay * (bx * cz - bz * cx) + az * (bx * cy - by * cx));
  return volume > 0 ? volume : undefined;
}

type NineNumbers = [number, number, number, number, number, number, number, number, number];

function checkPositions(positions: Float64Array): void {
  if (positions.length % 3 !== 0) {
    throw new SurprisalError('INVALID_POSITIONS', `positions hold ${positions.length} numbers, not a multiple of 3`);
  }
  for (let i = 0; i < positions.length; i++) {
    if (!Number.isFinite(positions[i])) {
      const atom = Math.floor(i / 3);
      throw new SurprisalError(
        'INVALID_POSITIONS',
        `atom ${atom + 1} has the ${'xyz'[i % 3]} coordinate ${positions[i]}; coordinates must be finite`,
        { details: { atom, value: positions[i] } },
      );
    }
  }
}

function checkCell(cell: Float64Array | null, pbc: Pbc): void {
  if (cell !== null && (cell.length !== 9 || !cell.every(Number.isFinite))) {
    throw new SurprisalError('INVALID_CELL', `a cell is nine finite numbers, not [${cell.join(' ')}]`);
  }
  for (let axis = 0; axis < 3; axis++) {
    if (!pbc[axis]) continue;
    const vector = cell?.subarray(3 * axis, 3 * axis + 3);
    if (vector === undefined || vector.every((component) => component === 0)) {
      throw new SurprisalError(
        'INVALID_CELL',
        `axis ${'abc'[axis]} is periodic but has no cell vector; give a cell, or make the axis not periodic`,
        { details: { axis } },
      );
    }
  }
}

function tabulateSpecies(species: Species | readonly string[] | string, atoms: number): Species {
  if (typeof species === 'string') return { symbols: [species], index: new Uint16Array(atoms) };
  if (Array.isArray(species)) {
    const places = new Map<string, number>();
    const index = Uint16Array.from(species as readonly string[], (symbol) => {
      const place = places.get(symbol) ?? places.size;
      places.set(symbol, place);
      return place;
    });
    return checkSpecies({ symbols: [...places.keys()], index }, atoms);
  }
  return checkSpecies(species as Species, atoms);
}

function checkSpecies(species: Species, atoms: number): Species {
  if (species.index.length !== atoms || species.symbols.length > 65536) {
    throw new SurprisalError('DIMENSION_MISMATCH', `species of ${species.index.length} atoms for ${atoms} positions`);
  }
  return species;
}
