import { atomCount, cellVolume, type Structure } from '@surprisal/core';
import { QUESTS_DEFAULTS } from '@surprisal/descriptors';
import { formatQuantity, formatReal } from './format-number.ts';
import { Spread } from './spread.ts';

/**
 * Å, within which neighbours are counted here, whatever the cutoff of an environment is: within a small one, the first shell of a
 * full crystal would look like matter in a void.
 */
export const MATTER_RADIUS: number = QUESTS_DEFAULTS.cutoff;

/**
 * Matter that fills its cell has about (4/3)πr_c³/V neighbours per atom. Where atoms have more than this many times as
 * many, a part of the cell is empty, and the volume of the cell is not that of the matter.
 */
const FULLEST = 1.25;

/** Frames whose cells are full must hold at least this share of the atoms, to speak for the rest. */
const LEAST_SHARE = 0.5;

/** The volume per atom of the matter in Å³ and where it is from, or why it is not known. */
export type MatterVolume = { readonly volume: number; readonly source: string } | { readonly unknown: string };

/** A frame that was looked at. */
interface Frame {
  readonly atoms: number;
  /** Å³; undefined without a cell. */
  readonly volumePerAtom: number | undefined;
  readonly isOpen: boolean;
  /** Neighbours that each atom would have if the matter filled the cell. */
  readonly expected: number;
  /** Of all of its atoms. */
  neighbors: number;
}

/** Finds out whether atoms fill their cells, so that volumes say something about them. */
export class MatterSurvey {
  readonly #frames: Frame[] = [];
  /** The frame that takes the next neighbours, and how many of its atoms have theirs. */
  #next = 0;
  #counted = 0;

  addStructure(structure: Structure): void {
    const atoms = atomCount(structure);
    const volume = atoms === 0 ? undefined : cellVolume(structure);
    this.#frames.push({
      atoms,
      volumePerAtom: volume && volume / atoms,
      isOpen: structure.pbc.includes(false),
      expected: volume === undefined ? 0 : ((4 / 3) * Math.PI * MATTER_RADIUS ** 3 * atoms) / volume,
      neighbors: 0,
    });
  }

  /** @param counts  neighbours of each atom within {@link MATTER_RADIUS}, in the order of the structures and of their atoms */
  addNeighbors(counts: Uint32Array): void {
    for (const count of counts) {
      while (this.#counted === this.#frames[this.#next]?.atoms) {
        this.#next++;
        this.#counted = 0;
      }
      (this.#frames[this.#next] as Frame).neighbors += count;
      this.#counted++;
    }
  }

  /** What was found of some of the frames, by number from 0 in the order in which they came. */
  ofFrames(frames: Iterable<number>): MatterSurvey {
    const part = new MatterSurvey();
    for (const frame of frames) part.#frames.push(this.#frames[frame] as Frame);
    return part;
  }

  /** Å³ per atom, of the cells with what is empty of them. */
  volumes(): Spread {
    const spread = new Spread();
    for (const { volumePerAtom } of this.#frames) if (volumePerAtom !== undefined) spread.add(volumePerAtom);
    return spread;
  }

  /** That of the frames whose cells are full, the mean over frames, where they hold half of the atoms or more. */
  volume(): MatterVolume {
    const frames = this.#frames.filter(({ atoms }) => atoms > 0);
    if (frames.length === 0) return { unknown: 'there are no atoms' };
    if (frames.some(({ isOpen, volumePerAtom }) => isOpen || volumePerAtom === undefined)) {
      return { unknown: 'not every frame is periodic along all three axes, so the volume of its matter is not known' };
    }
    const full = frames.filter(({ atoms, expected, neighbors }) => neighbors <= FULLEST * expected * atoms);
    const all = atomsOf(frames);
    if (atomsOf(full) < LEAST_SHARE * all) {
      const mean = frames.reduce((sum, { neighbors }) => sum + neighbors, 0) / all;
      const expected = frames.reduce((sum, frame) => sum + frame.atoms * frame.expected, 0) / all;
      return {
        unknown:
          `atoms have ${formatReal(mean, 3)} neighbours where ${formatReal(expected, 3)} would fill the cell: ` +
          'a part of it is empty, so the volume of the matter is not known',
      };
    }
    const volume = full.reduce((sum, { volumePerAtom }) => sum + (volumePerAtom as number), 0) / full.length;
    const empty = frames.length - full.length;
    const without = empty === 0 ? '' : `, without ${formatQuantity(empty, 'frame')} whose cells are partly empty`;
    return { volume, source: `from ${formatReal(volume, 4)} Å³ per atom${without}` };
  }
}

function atomsOf(frames: readonly Frame[]): number {
  return frames.reduce((sum, { atoms }) => sum + atoms, 0);
}
