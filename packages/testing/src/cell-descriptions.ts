import { atomCount, createStructure, type Pbc, type Structure, SurprisalError } from '@surprisal/core';
import type { RandomStream } from './random-stream.ts';

/**
 * The structure repeated along its cell vectors. Atom i of copy m stands at m·n + i, copies with the last axis fastest.
 * Per-atom columns and values of the frame are left out.
 *
 * @param repeats  copies along a, b, c; only 1 along an axis that is not periodic
 */
export function supercell(structure: Structure, repeats: readonly [number, number, number]): Structure {
  const { positions, species, pbc } = structure;
  const cell = cellOf(structure);
  if (repeats.some((count, axis) => count !== 1 && !pbc[axis])) {
    throw new SurprisalError(
      'INVALID_ARGUMENT',
      `repeats ${repeats.join('×')}: an axis that is not periodic does not repeat`,
    );
  }
  const atoms = atomCount(structure);
  const copies = repeats[0] * repeats[1] * repeats[2];
  const all = new Float64Array(3 * atoms * copies);
  const index = new Uint16Array(atoms * copies);
  for (let copy = 0; copy < copies; copy++) {
    const shift = [
      Math.floor(copy / (repeats[1] * repeats[2])),
      Math.floor(copy / repeats[2]) % repeats[1],
      copy % repeats[2],
    ];
    all.set(
      shiftBy(positions, cell, () => shift),
      3 * atoms * copy,
    );
    index.set(species.index, atoms * copy);
  }
  return createStructure({
    positions: all,
    species: { symbols: species.symbols, index },
    cell: cell.map((component, i) => component * (repeats[Math.floor(i / 3)] as number)),
    pbc,
  });
}

/**
 * The same crystal in a cell of the other handedness: the vectors a and b change places. Per-atom columns and values of
 * the frame are left out.
 */
export function swapHandedness(structure: Structure): Structure {
  const cell = cellOf(structure);
  const { positions, species, pbc } = structure;
  const swapped = Float64Array.of(...cell.subarray(3, 6), ...cell.subarray(0, 3), ...cell.subarray(6, 9));
  return createStructure({ positions, species, cell: swapped, pbc: [pbc[1], pbc[0], pbc[2]] });
}

/**
 * The same crystal in a skewed cell: whole multiples of periodic vectors are added to other periodic ones. Per-atom
 * columns and values of the frame are left out.
 */
export function skewCell(structure: Structure, random: RandomStream): Structure {
  const { positions, species, pbc } = structure;
  const periodic = periodicAxes(pbc);
  if (periodic.length < 2) return structure;
  const cell = Float64Array.from(cellOf(structure));
  for (const axis of periodic) {
    const other = random.pick(periodic.filter((candidate) => candidate !== axis));
    const multiple = random.whole(-2, 2);
    for (let xyz = 0; xyz < 3; xyz++) {
      cell[3 * axis + xyz] = (cell[3 * axis + xyz] as number) + multiple * (cell[3 * other + xyz] as number);
    }
  }
  return createStructure({ positions, species, cell, pbc });
}

/**
 * The same crystal with every atom at another of its images, up to `reach` cells away along each periodic axis. Per-atom
 * columns and values of the frame are left out.
 */
export function scatterImages(structure: Structure, random: RandomStream, reach = 3): Structure {
  const { positions, species, cell, pbc } = structure;
  const periodic = periodicAxes(pbc);
  if (periodic.length === 0) return structure;
  const scattered = shiftBy(positions, cellOf(structure), () => {
    const shift = [0, 0, 0];
    for (const axis of periodic) shift[axis] = random.whole(-reach, reach);
    return shift;
  });
  return createStructure({ positions: scattered, species, cell, pbc });
}

function periodicAxes(pbc: Pbc): number[] {
  return [0, 1, 2].filter((axis) => pbc[axis]);
}

function cellOf(structure: Structure): Float64Array {
  if (structure.cell === null) throw new SurprisalError('INVALID_CELL', 'the structure has no cell');
  return structure.cell;
}

/** Positions with `shiftOf(atom)` cell vectors added. */
function shiftBy(
  positions: Float64Array,
  cell: Float64Array,
  shiftOf: (atom: number) => readonly number[],
): Float64Array {
  const moved = Float64Array.from(positions);
  for (let atom = 0; atom < positions.length / 3; atom++) {
    const shift = shiftOf(atom);
    for (let i = 0; i < 9; i++) {
      const at = 3 * atom + (i % 3);
      moved[at] = (moved[at] as number) + (shift[Math.floor(i / 3)] as number) * (cell[i] as number);
    }
  }
  return moved;
}
