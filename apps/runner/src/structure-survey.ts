import { atomCount, cellVolume, type Structure } from '@surprisal/core';
import { bandwidthFromVolume } from '@surprisal/entropy';
import type { InputPath } from '@surprisal/io/node';
import type { NearestNeighbors } from '@surprisal/neighbors';
import { formatQuantity, formatReal, formatShare } from './format-number.ts';
import { MatterSurvey } from './matter-survey.ts';
import type { StructureFileSummary } from './result-document.ts';
import { Spread } from './spread.ts';

/** Neighbours whose distances differ by no more than this, Å, but by more than the tie tolerance, are nearly tied. */
export const NEAR_TIE = 1e-4;

/** No two atoms of a sound structure are this near, Å: the shortest bond, of H₂, has 0.74. */
const TOO_NEAR = 0.5;

/** How the survey looks at environments. */
export interface SurveyOptions {
  readonly k: number;
  /** Å */
  readonly cutoff: number;
  /** Å */
  readonly tieTolerance: number;
}

/** Gathers what `surprisal info` says about a file, frame by frame. */
export class StructureSurvey {
  readonly #file: InputPath;
  readonly #options: SurveyOptions;
  readonly #odd: string[] = [];
  readonly #species = new Map<string, number>();
  readonly #boundaries = new Map<string, number>();
  readonly #atoms = new Spread();
  readonly #lengths = [new Spread(), new Spread(), new Spread()] as const;
  readonly #angles = [new Spread(), new Spread(), new Spread()] as const;
  readonly #matter: MatterSurvey;
  readonly #neighbors = new Spread();
  #nearest = Number.POSITIVE_INFINITY;
  #tied = 0;
  #nearlyTied = 0;
  #short = 0;
  #lonely = 0;
  #leftHanded = 0;
  #unusedCells = 0;
  #empty = 0;

  constructor(file: InputPath, options: SurveyOptions) {
    this.#file = file;
    this.#options = options;
    this.#matter = new MatterSurvey();
  }

  /** Takes what the reader finds odd. */
  readonly onWarning = (message: string): void => {
    const { path } = this.#file;
    this.#odd.push(message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message);
  };

  addStructure(structure: Structure): void {
    const atoms = atomCount(structure);
    this.#atoms.add(atoms);
    if (atoms === 0) this.#empty++;
    const counts = new Float64Array(structure.species.symbols.length);
    for (const index of structure.species.index) counts[index] = (counts[index] as number) + 1;
    structure.species.symbols.forEach((symbol, i) => {
      if (counts[i]) this.#species.set(symbol, (this.#species.get(symbol) ?? 0) + (counts[i] as number));
    });
    const boundary = structure.pbc.map((periodic) => (periodic ? 'T' : 'F')).join('');
    this.#boundaries.set(boundary, (this.#boundaries.get(boundary) ?? 0) + 1);
    this.#matter.addStructure(structure);
    this.#addCell(structure);
  }

  /**
   * Takes environments of which the neighbours were found, in any number of calls.
   *
   * @param ofMatter  how many neighbours each has within MATTER_RADIUS
   */
  addNeighbors({ counts, gaps, distances }: NearestNeighbors, ofMatter: Uint32Array): void {
    const { k, tieTolerance } = this.#options;
    this.#matter.addNeighbors(ofMatter);
    for (let i = 0; i < counts.length; i++) {
      const count = counts[i] as number;
      const gap = gaps[i] as number;
      this.#neighbors.add(count);
      if (count === 0) this.#lonely++;
      else if (count < k) this.#short++;
      if (gap <= tieTolerance) this.#tied++;
      else if (gap <= NEAR_TIE) this.#nearlyTied++;
      this.#nearest = Math.min(this.#nearest, distances[i * k] as number);
    }
  }

  summary(): StructureFileSummary {
    const environments = Math.max(1, this.#neighbors.count);
    return {
      path: this.#file.text,
      kind: 'structures',
      frames: this.#atoms.count,
      atoms: this.#atoms.sum,
      atomsPerFrame: this.#atoms.summary(),
      species: Object.fromEntries(this.#species),
      boundaries: Object.fromEntries(this.#boundaries),
      cell: this.#cellSummary(),
      volumePerAtom: this.#matter.volumes().summary(),
      neighbors: this.#neighbors.summary(),
      nearestDistance: Number.isFinite(this.#nearest) ? this.#nearest : null,
      ties: { tied: this.#tied / environments, nearlyTied: this.#nearlyTied / environments },
      bandwidth: this.#bandwidth(),
      odd: [...this.#odd, ...this.#oddities()],
    };
  }

  #addCell(structure: Structure): void {
    const { cell, pbc } = structure;
    if (cell === null) return;
    if (!pbc.includes(true)) this.#unusedCells++;
    const [a, b, c] = [cell.subarray(0, 3), cell.subarray(3, 6), cell.subarray(6, 9)] as const;
    [a, b, c].forEach((vector, axis) => {
      this.#lengths[axis]?.add(Math.hypot(...vector));
    });
    if (cellVolume(structure) === undefined) return;
    [angle(b, c), angle(a, c), angle(a, b)].forEach((degrees, axis) => {
      this.#angles[axis]?.add(degrees);
    });
    if (dot(a, cross(b, c)) < 0) this.#leftHanded++;
  }

  #cellSummary(): StructureFileSummary['cell'] {
    const [a, b, c] = this.#lengths.map((spread) => spread.summary());
    const [alpha, beta, gamma] = this.#angles.map((spread) => spread.summary());
    if (!a || !b || !c || !alpha || !beta || !gamma) return null;
    return { lengths: [a, b, c], angles: [alpha, beta, gamma] };
  }

  #bandwidth(): StructureFileSummary['bandwidth'] {
    const matter = this.#matter.volume();
    if ('unknown' in matter) return { suggested: null, reason: matter.unknown };
    return {
      suggested: bandwidthFromVolume(matter.volume),
      reason: matter.source,
    };
  }

  #oddities(): string[] {
    const { k, cutoff, tieTolerance } = this.#options;
    const environments = Math.max(1, this.#neighbors.count);
    const reach = `${formatReal(cutoff)} Å`;
    const odd: string[] = [];
    if (this.#empty > 0) odd.push(`${formatQuantity(this.#empty, 'frame')} without atoms`);
    if (this.#species.has('X'))
      odd.push(`${formatQuantity(this.#species.get('X') as number, 'atom')} of unknown species (X)`);
    if (this.#leftHanded > 0)
      odd.push(`${formatQuantity(this.#leftHanded, 'left-handed cell')}; that changes no result`);
    if (this.#unusedCells > 0) {
      odd.push(`${formatQuantity(this.#unusedCells, 'frame')} with a cell but no periodic axis: no images are counted`);
    }
    if (this.#nearest < TOO_NEAR) odd.push(`atoms as near as ${formatReal(this.#nearest, 3)} Å; are lengths in Å?`);
    if (this.#lonely > 0) odd.push(`${formatQuantity(this.#lonely, 'atom')} without a neighbour within ${reach}`);
    if (this.#short > 0) {
      const share = formatShare(this.#short / environments);
      odd.push(
        `${share} of the environments have fewer than ${k} neighbours within ${reach}; zeros stand for the rest`,
      );
    }
    if (this.#nearlyTied > 0) {
      const share = formatShare(this.#nearlyTied / environments);
      odd.push(
        `${share} of the environments are nearly tied: rounded positions can split a shell; a larger --tie-tolerance ` +
          `than ${formatReal(tieTolerance)} Å mends that`,
      );
    }
    return odd;
  }
}

type Vector = ArrayLike<number>;

function dot(a: Vector, b: Vector): number {
  return (
    (a[0] as number) * (b[0] as number) + (a[1] as number) * (b[1] as number) + (a[2] as number) * (b[2] as number)
  );
}

function cross(a: Vector, b: Vector): Vector {
  const [ax, ay, az] = a as unknown as [number, number, number];
  const [bx, by, bz] = b as unknown as [number, number, number];
  return [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
}

function angle(a: Vector, b: Vector): number {
  const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  return (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI;
}
