import { createStructure, type Structure } from '@surprisal/core';

/** Crystals whose shells of neighbours are exactly degenerate. */
export type CrystalName = 'fcc' | 'bcc' | 'hcp' | 'diamond' | 'nacl';

interface Crystal {
  /** Å */
  readonly latticeConstant: number;
  /** Cell vectors in units of the lattice constant. */
  readonly cell: readonly number[];
  /** Fractional coordinates. */
  readonly basis: readonly number[];
  readonly species: readonly string[];
}

const CUBIC = [1, 0, 0, 0, 1, 0, 0, 0, 1];
const FACE_CENTRED = [0, 0, 0, 0, 0.5, 0.5, 0.5, 0, 0.5, 0.5, 0.5, 0];
const shifted = (basis: readonly number[], by: readonly number[]) =>
  basis.map((x, i) => (x + (by[i % 3] as number)) % 1);

const CRYSTALS: Readonly<Record<CrystalName, Crystal>> = {
  fcc: { latticeConstant: 3.615, cell: CUBIC, basis: FACE_CENTRED, species: Array(4).fill('Cu') },
  bcc: { latticeConstant: 3.165, cell: CUBIC, basis: [0, 0, 0, 0.5, 0.5, 0.5], species: ['W', 'W'] },
  hcp: {
    latticeConstant: 3.21,
    cell: [1, 0, 0, -0.5, Math.sqrt(3) / 2, 0, 0, 0, Math.sqrt(8 / 3)],
    basis: [1 / 3, 2 / 3, 0.25, 2 / 3, 1 / 3, 0.75],
    species: ['Mg', 'Mg'],
  },
  diamond: {
    latticeConstant: 5.43,
    cell: CUBIC,
    basis: [...FACE_CENTRED, ...shifted(FACE_CENTRED, [0.25, 0.25, 0.25])],
    species: Array(8).fill('Si'),
  },
  nacl: {
    latticeConstant: 5.64,
    cell: CUBIC,
    basis: [...FACE_CENTRED, ...shifted(FACE_CENTRED, [0.5, 0.5, 0.5])],
    species: [...Array(4).fill('Na'), ...Array(4).fill('Cl')],
  },
};

/** Every name that {@link idealCrystal} takes. */
export const crystalNames: readonly CrystalName[] = Object.keys(CRYSTALS) as CrystalName[];

/**
 * A perfect crystal in its conventional cell, right-handed, periodic along every axis; hcp with the ideal c/a = √(8/3).
 *
 * @param latticeConstant  Å; by default that of copper, tungsten, magnesium, silicon, sodium chloride
 *
 * @example
 * const copper = supercell(idealCrystal('fcc'), [2, 2, 2]); // 32 atoms
 */
export function idealCrystal(name: CrystalName, latticeConstant?: number): Structure {
  const crystal = CRYSTALS[name];
  const scale = latticeConstant ?? crystal.latticeConstant;
  const cell = Float64Array.from(crystal.cell, (component) => component * scale);
  const positions = Float64Array.from(crystal.basis, (_, i) => {
    const atom = i - (i % 3);
    let sum = 0;
    for (let axis = 0; axis < 3; axis++)
      sum += (crystal.basis[atom + axis] as number) * (cell[3 * axis + (i % 3)] as number);
    return sum;
  });
  return createStructure({ positions, species: crystal.species, cell });
}
