import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createStructure, type Structure } from '@surprisal/core';
import { openStructures } from '@surprisal/io/node';
import { rattledCrystal } from './crystal.ts';
import { gaussians } from './gaussians.ts';

/** Structures of a kind that potentials are trained on. */
export interface TrainingSet {
  readonly name: string;
  readonly structures: readonly Structure[];
  /** The file that they are from, or `made`. */
  readonly source: string;
}

/** A flat ring with its hydrogens, an acid and an acetyl group: the shape of aspirin, Å. */
const MOLECULE = {
  species: [...'CCCCCCHHHHCOOHOCOCHHH'],
  positions: [
    ...ring(1.39, [0, 1, 2, 3, 4, 5]),
    ...ring(2.48, [2, 3, 4, 5]),
    ...[2.88, 0, 0, 3.5, 1.05, 0.1, 3.5, -1.1, -0.1, 4.45, -1, -0.1],
    ...[1.39, 2.41, 0, 2, 3.1, 1, 2.9, 2.7, 1.7, 1.5, 4.45, 1.4],
    ...[1.3, 5, 0.5, 2.25, 5, 2, 0.6, 4.4, 2],
  ],
};
const MOLECULE_DISPLACEMENT = 0.08;

const DIAMOND = [
  [0, 0, 0, 0, 0.5, 0.5, 0.5, 0, 0.5, 0.5, 0.5, 0],
  [0.25, 0.25, 0.25, 0.25, 0.75, 0.75, 0.75, 0.25, 0.75, 0.75, 0.75, 0.25],
].flat();
const SILICON_EDGE = 5.43;

/** Snapshots of one small molecule: 1000 frames of aspirin where the real file is at hand, else of a molecule like it. */
export async function moleculeSet(folder: string | undefined, frames: number): Promise<TrainingSet> {
  const real = await realSet(folder, 'rmd17/rmd17_aspirin_train_01.xyz', frames);
  if (real !== undefined) return { name: 'aspirin', ...real };
  const normal = gaussians(3);
  const structures = Array.from({ length: frames }, () =>
    createStructure({
      species: MOLECULE.species,
      positions: Float64Array.from(MOLECULE.positions, (r) => r + MOLECULE_DISPLACEMENT * normal()),
    }),
  );
  return { name: 'a molecule like aspirin', structures, source: 'made' };
}

/**
 * A training set of silicon, from cold crystals to melts: the real one where it is at hand, else diamond under strains of
 * 4 % and displacements up to 0.5 Å.
 */
export async function siliconSet(folder: string | undefined, frames: number): Promise<TrainingSet> {
  const real = await realSet(folder, 'mlearn/Si_training.xyz', frames);
  if (real !== undefined) return { name: 'silicon', ...real };
  const structures = Array.from({ length: frames }, (_, frame) =>
    rattledCrystal({
      species: 'Si',
      edge: SILICON_EDGE * (0.96 + (0.08 * (frame % 5)) / 4),
      basis: DIAMOND,
      cells: 2,
      displacement: 0.02 + (0.48 * frame) / frames,
      seed: frame,
    }),
  );
  return { name: 'strained and molten silicon', structures, source: 'made' };
}

async function realSet(folder: string | undefined, file: string, frames: number) {
  if (folder === undefined || !existsSync(join(folder, file))) return undefined;
  const structures: Structure[] = [];
  for await (const structure of openStructures(join(folder, file))) {
    structures.push(structure);
    if (structures.length === frames) break;
  }
  return { structures, source: file };
}

/** Corners of a regular hexagon around the origin, by number. */
function ring(radius: number, corners: readonly number[]): number[] {
  return corners.flatMap((corner) => {
    const angle = (corner * Math.PI) / 3;
    return [radius * Math.cos(angle), radius * Math.sin(angle), 0];
  });
}
