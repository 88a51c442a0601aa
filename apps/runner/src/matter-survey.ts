import { atomCount, cellVolume, type Structure } from '@surprisal/core';
import { formatReal } from './format-number.ts';
import { Spread } from './spread.ts';

/**
 * Matter that fills its cell has about (4/3)πr_c³/V neighbours per atom. Where atoms have more than this many times as
 * many, a part of the cell is empty, and the volume of the cell is not that of the matter.
 */
const FULLEST = 1.25;

/** The volume per atom of the matter in Å³, or why it is not known. */
export type MatterVolume = { readonly volume: number } | { readonly unknown: string };

/** Finds out whether atoms fill their cells, so that volumes say something about them. */
export class MatterSurvey {
  readonly #cutoff: number;
  readonly volumes: Spread = new Spread();
  readonly #neighbors = new Spread();
  #atoms = 0;
  #open = 0;
  /** Neighbours that all atoms together would have if their matter filled the cells. */
  #expectedNeighbors = 0;

  /** @param cutoff  within which neighbours are counted, Å */
  constructor(cutoff: number) {
    this.#cutoff = cutoff;
  }

  addStructure(structure: Structure): void {
    const atoms = atomCount(structure);
    this.#atoms += atoms;
    if (structure.pbc.includes(false)) this.#open++;
    const volume = cellVolume(structure);
    if (volume === undefined || atoms === 0) return;
    this.volumes.add(volume / atoms);
    this.#expectedNeighbors += (atoms * (4 / 3) * Math.PI * this.#cutoff ** 3 * atoms) / volume;
  }

  /** @param counts  neighbours of each atom within the cutoff */
  addNeighbors(counts: Uint32Array): void {
    for (const count of counts) this.#neighbors.add(count);
  }

  volume(): MatterVolume {
    const volume = this.volumes.summary();
    const neighbors = this.#neighbors.summary();
    if (neighbors === null) return { unknown: 'there are no atoms' };
    if (volume === null || this.#open > 0) {
      return { unknown: 'not every frame is periodic along all three axes, so the volume of its matter is not known' };
    }
    const expected = this.#expectedNeighbors / this.#atoms;
    if (neighbors.mean > FULLEST * expected) {
      return {
        unknown:
          `atoms have ${formatReal(neighbors.mean, 3)} neighbours where ${formatReal(expected, 3)} would fill the cell: ` +
          'a part of it is empty, so the volume of the matter is not known',
      };
    }
    return { volume: volume.mean };
  }
}
