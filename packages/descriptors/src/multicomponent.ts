import {
  atomCount,
  cooperate,
  createStructure,
  type Descriptor,
  type DescriptorContext,
  type Matrix,
  type Structure,
  SurprisalError,
} from '@surprisal/core';
import { descriptorMatrix } from './descriptor-matrix.ts';
import { quests } from './quests.ts';
import type { QuestsOptions } from './quests-parameters.ts';

/** What can be chosen about the multicomponent descriptor. */
export interface MulticomponentOptions extends QuestsOptions {
  /** Chemical symbols, in the order of the blocks; see {@link speciesOf}. */
  readonly species: readonly string[];
}

/**
 * The QUESTS descriptor of an environment among all atoms, and again among the atoms of each species alone.
 *
 *     x_i = [ q_i(all atoms) | q_i(atoms of species 1) | … | q_i(atoms of species S) ]
 *
 * q_i(atoms) is the descriptor {@link quests} of atom i in the structure that these atoms make, in the same cell; it is zero
 * where atom i is not one of them. So an atom has two blocks that are not zero, the first and that of its own species. With one species
 * in the list the descriptor is the plain one: the second block would repeat the first, and change H.
 *
 * @param options.species  S distinct symbols, in the order of the blocks; those of all data that are to be compared
 * @param options  the others as those of {@link quests}, the same for every block
 * @returns a descriptor of (S + 1)(2k − 1) columns, or 2k − 1 for S = 1; its values are in 1/Å. `compute` throws
 *   INVALID_ARGUMENT if an atom is of a species that is not in the list, and what that of `quests` throws; it takes up to twice as long
 * @throws {SurprisalError} INVALID_ARGUMENT if an option makes no sense
 * @see Schwalbe-Koda et al., Nat. Commun. 16, 4014 (2025), Methods, for one block; the order of blocks and what one species
 *   means are ours
 *
 * @example
 * const species = speciesOf(structures); // [ 'Al', 'Ti' ]
 * const x = await multicomponent({ species }).compute(structures); // (atoms×189), 1/Å
 */
export function multicomponent(options: MulticomponentOptions): Descriptor {
  const { species, ...others } = options;
  checkSpecies(species);
  const plain = quests(others);
  const { columns, cutoff, parameters } = plain;
  return {
    name: 'multicomponent',
    columns: species.length === 1 ? columns : (species.length + 1) * columns,
    cutoff,
    parameters: { ...parameters, species: species.join(',') },
    async compute(structures, context = {}) {
      const places = structures.map((structure, i) => placesOf(structure, species, i));
      if (species.length === 1) return plain.compute(structures, context);
      const matrix = descriptorMatrix(structures, (species.length + 1) * columns, context.precision);
      await fillBlocks(matrix, plain, structures, places, context);
      return matrix;
    },
  };
}

/** Writes the block of all atoms, then that of each atom among its own species; the others stay zero. */
async function fillBlocks(
  matrix: Matrix,
  plain: Descriptor,
  structures: readonly Structure[],
  places: readonly Uint16Array[],
  context: DescriptorContext,
): Promise<void> {
  const { onProgress, signal } = context;
  const half = (done: number): DescriptorContext => ({
    ...context,
    onProgress:
      onProgress && ((progress) => onProgress({ ...progress, done: done + progress.done, total: 2 * matrix.rows })),
  });
  const breathe = cooperate('descriptors', matrix.rows, 'environments', { signal });
  // A function of its own, so that the rows of one half are let go before those of the other are made.
  const copyRows = async (some: readonly Structure[], done: number, rowOf: RowOf, blockOf: RowOf) => {
    const from = await plain.compute(some, half(done));
    for (let row = 0; row < from.rows; row++) {
      const values = from.data.subarray(row * from.columns, (row + 1) * from.columns);
      matrix.data.set(values, rowOf(row) * matrix.columns + blockOf(row) * from.columns);
      await breathe(row);
    }
  };

  // Whatever is wrong with a structure is found here, where atoms have the numbers that their file gave them.
  await copyRows(
    structures,
    0,
    (row) => row,
    () => 0,
  );
  const { alone, rows, blocks } = splitBySpecies(structures, places, matrix.rows);
  await copyRows(
    alone,
    matrix.rows,
    (row) => rows[row] as number,
    (row) => blocks[row] as number,
  );
}

/** A number for each row. */
type RowOf = (row: number) => number;

/**
 * For each atom the place of its species in the list.
 *
 * @throws {SurprisalError} INVALID_ARGUMENT if it has none
 */
function placesOf(
  { species: { symbols, index } }: Structure,
  species: readonly string[],
  structure: number,
): Uint16Array {
  const places = symbols.map((symbol) => species.indexOf(symbol));
  return index.map((entry, atom) => {
    const place = places[entry] as number;
    if (place >= 0) return place;
    const symbol = symbols[entry] as string;
    throw new SurprisalError(
      'INVALID_ARGUMENT',
      `atom ${atom + 1} of structure ${structure + 1} is ${symbol}, which is not among the species ${species.join(', ')}; add ${symbol} to them`,
      { details: { structure, atom, symbol, species } },
    );
  });
}

/** The atoms of each species as structures of their own. */
interface SpeciesAlone {
  readonly alone: readonly Structure[];
  /** For each of their atoms in turn the row of that atom among all. */
  readonly rows: Uint32Array;
  /** For each of their atoms in turn the block of its species. */
  readonly blocks: Uint16Array;
}

function splitBySpecies(structures: readonly Structure[], places: readonly Uint16Array[], count: number): SpeciesAlone {
  const alone: Structure[] = [];
  const rows = new Uint32Array(count);
  const blocks = new Uint16Array(count);
  let firstRow = 0;
  let next = 0;
  for (const [i, structure] of structures.entries()) {
    for (const [place, atoms] of atomsByPlace(places[i] as Uint16Array)) {
      alone.push(onlyAtoms(structure, atoms));
      for (const atom of atoms) {
        rows[next] = firstRow + atom;
        blocks[next] = place + 1;
        next++;
      }
    }
    firstRow += atomCount(structure);
  }
  return { alone, rows, blocks };
}

function atomsByPlace(places: Uint16Array): Map<number, number[]> {
  const atomsOf = new Map<number, number[]>();
  for (const [atom, place] of places.entries()) {
    const atoms = atomsOf.get(place);
    if (atoms === undefined) atomsOf.set(place, [atom]);
    else atoms.push(atom);
  }
  return atomsOf;
}

/** Some atoms of a structure, in the same cell. */
function onlyAtoms({ positions, cell, pbc }: Structure, atoms: readonly number[]): Structure {
  const kept = new Float64Array(3 * atoms.length);
  for (const [i, atom] of atoms.entries()) kept.set(positions.subarray(3 * atom, 3 * atom + 3), 3 * i);
  return createStructure({ positions: kept, cell, pbc });
}

function checkSpecies(species: readonly string[]): void {
  const problem = speciesProblem(species);
  if (problem !== undefined) throw new SurprisalError('INVALID_ARGUMENT', problem, { details: { species } });
}

function speciesProblem(species: readonly string[]): string | undefined {
  if (!Array.isArray(species) || species.length === 0) {
    return 'no species are given; list the chemical symbols of all data, as speciesOf does';
  }
  const unnamed = species.find((symbol) => typeof symbol !== 'string' || symbol === '');
  if (unnamed !== undefined) return `species hold ${JSON.stringify(unnamed)}; each must be a chemical symbol`;
  const twice = species.find((symbol, i) => species.indexOf(symbol) < i);
  return twice === undefined ? undefined : `species hold ${twice} twice; each has one block, so name it once`;
}
