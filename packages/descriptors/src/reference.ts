import {
  atomCount,
  type Context,
  cooperate,
  type DescriptorPart,
  type Matrix,
  type Precision,
  type Structure,
} from '@surprisal/core';
import { coincidentAtoms, type Neighborhood, neighborSearch } from '@surprisal/neighbors';
import { matrixOf } from './descriptor-matrix.ts';
import { addExpectedRow } from './expected-row.ts';
import type { QuestsParameters } from './quests-parameters.ts';

/** The TypeScript implementation, the equations line by line: one environment after the other. */
export async function referenceQuests(
  structures: readonly Structure[],
  parameters: QuestsParameters,
  matrix: Matrix,
  context: Pick<Context, 'signal' | 'onProgress'>,
): Promise<void> {
  const breathe = cooperate('descriptors', matrix.rows, 'environments', context);
  let row = 0;
  for (const [i, structure] of structures.entries()) {
    const search = neighborSearch(structure, parameters.cutoff, i + 1);
    for (let atom = 0; atom < atomCount(structure); atom++) {
      const values = await environmentRow(search.neighborhood(atom), parameters, i + 1, () => breathe(row));
      matrix.data.set(values, row * matrix.columns);
      row++;
      await breathe(row);
    }
  }
}

/** The same for one structure, some of its atoms at a time, in their order. */
export async function* referenceQuestsParts(
  structure: Structure,
  parameters: QuestsParameters,
  rows: number,
  precision: Precision | undefined,
  context: Pick<Context, 'signal'>,
): AsyncGenerator<DescriptorPart, void> {
  const count = atomCount(structure);
  const breathe = cooperate('descriptors', count, 'environments', context);
  const search = neighborSearch(structure, parameters.cutoff, 1);
  for (let first = 0; first < count; first += rows) {
    const atoms = Uint32Array.from({ length: Math.min(rows, count - first) }, (_, i) => first + i);
    const matrix = matrixOf(atoms.length, parameters.columns, precision);
    for (const [row, atom] of atoms.entries()) {
      const values = await environmentRow(search.neighborhood(atom), parameters, 1, () => breathe(atom));
      matrix.data.set(values, row * matrix.columns);
      await breathe(atom);
    }
    yield { atoms, matrix };
  }
}

/** Å; what lies nearer to one another lies at the same place. */
const NEAREST_PAIR = 1e-30;

/** Lets others have a turn where it is time to. */
type Pause = () => Promise<void> | undefined;

/**
 * [X1 | X2] of one environment, or the parts of it that are wanted.
 *
 * @param number  of the structure, counted from 1
 */
async function environmentRow(
  around: Neighborhood,
  parameters: QuestsParameters,
  number: number,
  pause: Pause,
): Promise<Float64Array> {
  const row = new Float64Array(parameters.columns);
  if (parameters.x1) row.set(x1(around, parameters));
  if (parameters.x2) row.set(await x2(around, parameters, number, pause), parameters.x1 ? parameters.k : 0);
  return row;
}

/** X1_j = w(r_ij)/r_ij */
function x1({ count, distances }: Neighborhood, { k, cutoff }: QuestsParameters): Float64Array {
  const values = new Float64Array(k);
  for (let j = 0; j < Math.min(k, count); j++) {
    const r = distances[j] as number;
    values[j] = rootWeight(r, cutoff) ** 2 / r;
  }
  return values;
}

/** X2_m = (1/k) Σ_j m-th largest of { √(w_ij w_il)/r_jl : l ≠ j }, in the mean over all choices among tied neighbours. */
async function x2(
  around: Neighborhood,
  { k, cutoff, tieTolerance }: QuestsParameters,
  number: number,
  pause: Pause,
): Promise<Float64Array> {
  const sums = new Float64Array(k - 1);
  const { certain, tied } = splitAtKth(around, k, tieTolerance);
  const candidates = certain + tied;
  const drawn = tied > 0 ? k - certain : 0;
  const weights = Float64Array.from({ length: candidates }, (_, j) =>
    rootWeight(around.distances[j] as number, cutoff),
  );
  for (let j = 0; j < candidates; j++) {
    const value = (l: number) => {
      const apart = separation(around.vectors, j, l);
      // Found around either of the two as well, but those may come later.
      if (apart < NEAREST_PAIR) throw coincidentAtoms(number, around.atoms[j] as number, around.atoms[l] as number);
      return ((weights[j] as number) * (weights[l] as number)) / apart;
    };
    const fromCertain = sorted(0, certain, j, value);
    const fromTied = sorted(certain, candidates, j, value);
    // A certain neighbour always has its row. A tied one has it if it is drawn itself; then one less of the others is.
    if (j < certain) addExpectedRow(fromCertain, fromTied, drawn, 1, sums);
    else addExpectedRow(fromCertain, fromTied, drawn - 1, drawn / tied, sums);
    // One environment of thousands of neighbours takes seconds. Awaiting only where it is time keeps small ones quick.
    const turn = pause();
    if (turn !== undefined) await turn;
  }
  return sums.map((sum) => sum / k);
}

/**
 * How many neighbours belong to the environment for certain, and how many more, at the k-th distance, some of which do.
 *
 * The certain ones are I = { r < r_k − τ }, the tied ones T = { |r − r_k| ≤ τ }. Where there is just room for all of T, or
 * where there are no more than k neighbours, all are certain and none is tied.
 */
function splitAtKth(
  { count, distances }: Neighborhood,
  k: number,
  tieTolerance: number,
): { certain: number; tied: number } {
  if (count <= k) return { certain: count, tied: 0 };
  const kth = distances[k - 1] as number;
  let end = k;
  while (end < count && (distances[end] as number) - kth <= tieTolerance) end++;
  if (end === k) return { certain: k, tied: 0 };
  let certain = k - 1;
  while (certain > 0 && kth - (distances[certain - 1] as number) <= tieTolerance) certain--;
  return { certain, tied: end - certain };
}

/** Values of the neighbours from `start` to `end`, without neighbour j; largest first. */
function sorted(start: number, end: number, j: number, value: (l: number) => number): Float64Array {
  const values = new Float64Array(end - start - (j >= start && j < end ? 1 : 0));
  let n = 0;
  for (let l = start; l < end; l++) if (l !== j) values[n++] = value(l);
  return values.sort().reverse();
}

/** √w(r) = 1 − (r/r_c)², for r < r_c */
function rootWeight(r: number, cutoff: number): number {
  return 1 - (r / cutoff) ** 2;
}

/** r_jl of two neighbours. */
function separation(vectors: Float64Array, j: number, l: number): number {
  const x = (vectors[3 * l] as number) - (vectors[3 * j] as number);
  const y = (vectors[3 * l + 1] as number) - (vectors[3 * j + 1] as number);
  const z = (vectors[3 * l + 2] as number) - (vectors[3 * j + 2] as number);
  return Math.sqrt(x * x + y * y + z * z);
}
