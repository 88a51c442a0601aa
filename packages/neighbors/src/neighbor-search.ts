import { atomCount, type Structure, SurprisalError } from '@surprisal/core';
import { checkCutoff } from './check-arguments.ts';
import { type PeriodicLattice, periodicLattice } from './periodic-lattice.ts';

/** What lies around one atom, nearest first; equal distances in the order of atoms, then of shifts. */
export interface Neighborhood {
  readonly count: number;
  /** (count) atom of the structure */
  readonly atoms: Uint32Array;
  /** (count×3) which periodic image of the neighbour, in the cell vectors as given */
  readonly shifts: Int32Array;
  /** (count) Å */
  readonly distances: Float64Array;
  /** (count×3) Å, from the atom to its neighbour: positions[j] + shift · cell − positions[i] */
  readonly vectors: Float64Array;
}

/** Finds the neighbours of one atom after the other. */
export interface NeighborSearch {
  /**
   * Everything nearer than the cutoff; the atom itself counts through its periodic images.
   *
   * @throws {SurprisalError} COINCIDENT_ATOMS if another atom or image lies within 1e-8 Å
   */
  neighborhood(atom: number): Neighborhood;
}

/**
 * Atoms this near are the same atom twice: no two are nearer than 0.1 Å, and files that hold an atom and its image
 * round either to about this.
 */
const COINCIDENCE = 1e-8;

/** A little more than rounding takes from a fractional coordinate, so that no neighbour escapes between two bins. */
const RELATIVE_MARGIN = 1e-9;
const ROUNDING = 1e-13;

/** Shifts are 32-bit numbers. */
const LARGEST_SHIFT = 2 ** 31 - 1;

/** Bins along an axis; far from 2⁵³, where a bin and the next one would have the same number. */
const MOST_BINS = 2 ** 40;

interface Bin {
  readonly place: readonly [number, number, number];
  readonly atoms: number[];
}

/** Atoms in and around a bin, as many entries as there are images of them. */
interface Candidates {
  readonly atoms: number[];
  /** (count×3), in the cell vectors as given, between wrapped atoms */
  readonly images: number[];
}

/**
 * A linked-cell search over one structure: any cell (triclinic, skewed, left-handed, shorter than the cutoff, none), any
 * mix of periodic axes, positions inside or outside of the cell. Time and memory grow with the number of atoms: only bins
 * that hold atoms exist, so a fragment far away costs nothing.
 *
 * @param cutoff  Å
 * @param number  of the structure in its list, counted from 1, for messages
 * @throws {SurprisalError} INVALID_ARGUMENT if the cutoff is not a positive length; INVALID_CELL as
 *   {@link periodicLattice}; INVALID_POSITIONS if an atom lies more than 2³¹ cells, or 10¹⁵ Å, away
 *
 * @example
 * const { distances } = neighborSearch(structure, 5).neighborhood(0);
 */
export function neighborSearch(structure: Structure, cutoff: number, number = 1): NeighborSearch {
  checkCutoff(cutoff);
  const { positions } = structure;
  const lattice = periodicLattice(structure, cutoff, number);
  const cell = Float64Array.from({ length: 9 }, (_, i) =>
    structure.pbc[Math.floor(i / 3)] ? (structure.cell?.[i] as number) : 0,
  );
  const { wraps, placeOf, reach, count } = grid(positions, lattice, cutoff, number);

  const bins = new Map<string, Bin>();
  const binOf: Bin[] = [];
  for (let atom = 0; atom < atomCount(structure); atom++) {
    const place = placeOf(atom);
    const key = place.join();
    let bin = bins.get(key);
    if (bin === undefined) {
      bin = { place, atoms: [] };
      bins.set(key, bin);
    }
    bin.atoms.push(atom);
    binOf.push(bin);
  }

  const candidatesAround = ({ place }: Bin): Candidates => {
    const found: Candidates = { atoms: [], images: [] };
    const [alongA, alongB, alongC] = [0, 1, 2].map((axis) =>
      binsAlong(place[axis] as number, reach[axis] as number, count[axis] as number),
    ) as [AxisBin[], AxisBin[], AxisBin[]];
    for (const a of alongA) {
      for (const b of alongB) {
        for (const c of alongC) {
          const bin = bins.get(`${a.place},${b.place},${c.place}`);
          if (bin === undefined) continue;
          const image = inGivenVectors(a.image, b.image, c.image, lattice.multiples);
          for (const atom of bin.atoms) {
            found.atoms.push(atom);
            found.images.push(...image);
          }
        }
      }
    }
    return found;
  };

  let latest: { readonly bin: Bin; readonly candidates: Candidates } | undefined;
  return {
    neighborhood(atom) {
      const bin = binOf[atom] as Bin;
      if (latest?.bin !== bin) latest = { bin, candidates: candidatesAround(bin) };
      const { candidates } = latest;

      const kept: Neighbor[] = [];
      const limit = cutoff * cutoff;
      for (let n = 0; n < candidates.atoms.length; n++) {
        const other = candidates.atoms[n] as number;
        // Which image of the other atom's position as given, seen from this atom's position as given.
        const a = (candidates.images[3 * n] as number) + (wraps[3 * atom] as number) - (wraps[3 * other] as number);
        const b =
          (candidates.images[3 * n + 1] as number) + (wraps[3 * atom + 1] as number) - (wraps[3 * other + 1] as number);
        const c =
          (candidates.images[3 * n + 2] as number) + (wraps[3 * atom + 2] as number) - (wraps[3 * other + 2] as number);
        if (other === atom && a === 0 && b === 0 && c === 0) continue;
        const x = displacement(positions, cell, atom, other, a, b, c, 0);
        const y = displacement(positions, cell, atom, other, a, b, c, 1);
        const z = displacement(positions, cell, atom, other, a, b, c, 2);
        const squared = x * x + y * y + z * z;
        if (!(squared < limit)) continue;
        if (squared <= COINCIDENCE ** 2) throw coincidentAtoms(number, atom, other);
        kept.push({ atom: other, a, b, c, x, y, z, squared });
      }
      return neighborhoodOf(kept.sort(nearestFirst));
    },
  };
}

/**
 * COINCIDENT_ATOMS in the words of a person.
 *
 * @param number  of the structure, counted from 1
 */
export function coincidentAtoms(number: number, atom: number, other: number): SurprisalError {
  const [first, second] = atom < other ? [atom, other] : [other, atom];
  const message =
    first === second
      ? `atom ${first + 1} of structure ${number} coincides with an image of itself; correct its cell`
      : `atoms ${first + 1} and ${second + 1} of structure ${number} lie at the same place; remove one of them`;
  return new SurprisalError('COINCIDENT_ATOMS', message, {
    details: { structure: number - 1, atoms: [first, second] },
  });
}

function strayed(number: number, atom: number): SurprisalError {
  return new SurprisalError(
    'INVALID_POSITIONS',
    `atom ${atom + 1} of structure ${number} lies too far away to be placed; correct its coordinates`,
    { details: { structure: number - 1, atom } },
  );
}

interface Neighbor {
  readonly atom: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly squared: number;
}

function nearestFirst(p: Neighbor, q: Neighbor): number {
  return p.squared - q.squared || p.atom - q.atom || p.a - q.a || p.b - q.b || p.c - q.c;
}

function neighborhoodOf(neighbors: readonly Neighbor[]): Neighborhood {
  const count = neighbors.length;
  const atoms = new Uint32Array(count);
  const shifts = new Int32Array(3 * count);
  const distances = new Float64Array(count);
  const vectors = new Float64Array(3 * count);
  neighbors.forEach(({ atom, a, b, c, x, y, z, squared }, n) => {
    atoms[n] = atom;
    shifts[3 * n] = a;
    shifts[3 * n + 1] = b;
    shifts[3 * n + 2] = c;
    distances[n] = Math.sqrt(squared);
    vectors[3 * n] = x;
    vectors[3 * n + 1] = y;
    vectors[3 * n + 2] = z;
  });
  return { count, atoms, shifts, distances, vectors };
}

/**
 * One component of (r_j − r_i) + shift · cell. Positions and cell are those given, and the difference comes first, so that
 * neither bins nor wrapping leave a trace in the last digits, and the way back is exactly the opposite.
 */
function displacement(
  positions: Float64Array,
  cell: Float64Array,
  atom: number,
  other: number,
  a: number,
  b: number,
  c: number,
  xyz: number,
): number {
  const apart = (positions[3 * other + xyz] as number) - (positions[3 * atom + xyz] as number);
  return apart + (a * (cell[xyz] as number) + b * (cell[3 + xyz] as number) + c * (cell[6 + xyz] as number));
}

interface Grid {
  /** (n×3) whole cell vectors, as given, to take from a position to bring it into the cell of the lattice's basis. */
  readonly wraps: Float64Array;
  /** Numbers of the bin of an atom along the three axes. */
  placeOf(atom: number): [number, number, number];
  /** (3) bins to either side in which neighbours may lie */
  readonly reach: readonly number[];
  /** (3) bins in a period; Infinity along an axis that is not periodic */
  readonly count: readonly number[];
}

function grid(
  positions: Float64Array,
  { pbc, inverse, multiples, heights }: PeriodicLattice,
  cutoff: number,
  number: number,
): Grid {
  const atoms = positions.length / 3;
  const coordinates = new Float64Array(3 * atoms);
  const wraps = new Float64Array(3 * atoms);
  let largest = 0;
  const low = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const high = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let atom = 0; atom < atoms; atom++) {
    const periods = [0, 0, 0];
    for (let axis = 0; axis < 3; axis++) {
      let f = 0;
      for (let xyz = 0; xyz < 3; xyz++) {
        f += (positions[3 * atom + xyz] as number) * (inverse[3 * xyz + axis] as number);
      }
      largest = Math.max(largest, Math.abs(f) * (heights[axis] as number));
      if (!(Math.abs(f) < 1e15) || (pbc[axis] && Math.abs(Math.floor(f)) > LARGEST_SHIFT)) throw strayed(number, atom);
      if (pbc[axis]) periods[axis] = Math.floor(f);
      f -= periods[axis] as number;
      coordinates[3 * atom + axis] = f;
      low[axis] = Math.min(low[axis] as number, f);
      high[axis] = Math.max(high[axis] as number, f);
    }
    wraps.set(inGivenVectors(periods[0] as number, periods[1] as number, periods[2] as number, multiples), 3 * atom);
  }

  const width = cutoff * (1 + RELATIVE_MARGIN) + largest * ROUNDING;
  const count: number[] = [];
  const reach: number[] = [];
  /** Bins in one unit of a coordinate. */
  const density: number[] = [];
  for (let axis = 0; axis < 3; axis++) {
    if (pbc[axis]) {
      const height = heights[axis] as number;
      const bins = Math.min(MOST_BINS, Math.max(1, Math.floor(height / width)));
      count.push(bins);
      reach.push(Math.ceil((width * bins) / height));
      density.push(bins);
    } else {
      count.push(Number.POSITIVE_INFINITY);
      reach.push(1);
      density.push(1 / Math.max(width, ((high[axis] as number) - (low[axis] as number)) / MOST_BINS));
    }
  }

  const place = (atom: number, axis: number) => {
    const f = coordinates[3 * atom + axis] as number;
    if (!pbc[axis]) return Math.floor((f - (low[axis] as number)) * (density[axis] as number));
    // A coordinate just below 0 is rounded to 1 when it is wrapped; it belongs to the last bin.
    return Math.min(Math.floor(f * (density[axis] as number)), (count[axis] as number) - 1);
  };
  return { wraps, placeOf: (atom) => [place(atom, 0), place(atom, 1), place(atom, 2)], reach, count };
}

interface AxisBin {
  readonly place: number;
  readonly image: number;
}

/** The bins from `center − reach` to `center + reach`, each as a bin of the first period and the image it is in. */
function binsAlong(center: number, reach: number, count: number): AxisBin[] {
  const along: AxisBin[] = [];
  for (let bin = center - reach; bin <= center + reach; bin++) {
    const image = Number.isFinite(count) ? Math.floor(bin / count) : 0;
    along.push({ place: image === 0 ? bin : bin - image * count, image });
  }
  return along;
}

/** Whole multiples of the basis in the cell vectors as given. */
function inGivenVectors(a: number, b: number, c: number, multiples: Float64Array): [number, number, number] {
  const along = (axis: number) =>
    a * (multiples[axis] as number) + b * (multiples[3 + axis] as number) + c * (multiples[6 + axis] as number);
  return [along(0), along(1), along(2)];
}
