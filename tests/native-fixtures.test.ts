// The fixtures of the C++ driver hold what the reference implementation computes: here it is computed again.
// SURPRISAL_WRITE_FIXTURES=1 writes the file anew.

import { readFileSync, writeFileSync } from 'node:fs';
import { createMatrix, createStructure, type Matrix, type Structure } from '@surprisal/core';
import { quests } from '@surprisal/descriptors';
import { leaveOneOut, logKernelSumMany, type RowWindows } from '@surprisal/kernels';
import { idealCrystal, randomStream, skewCell, supercell, swapHandedness } from '@surprisal/testing';
import { expect, it } from 'vitest';

const FILE = new URL('../packages/native/test/fixtures/core.txt', import.meta.url);
const TOLERANCE = 1e-12;

interface EnvironmentCase {
  readonly structure: Structure;
  readonly k: number;
  readonly cutoff: number;
  readonly tieTolerance: number;
}

interface KernelSumCase {
  readonly queries: Matrix;
  readonly references: Matrix;
  readonly bandwidths: readonly number[];
  readonly weights?: Float64Array;
  readonly leaveOut?: RowWindows;
}

/** Atoms at random places, no two nearer than 0.8 Å. */
function gas(seed: number, atoms: number, cell: readonly number[], pbc: Structure['pbc']): Structure {
  const random = randomStream(seed);
  const places: number[][] = [];
  while (places.length < atoms) {
    const place = [0, 1, 2].map(() => random.between(-2, 5));
    if (places.every((other) => Math.hypot(...other.map((r, i) => r - (place[i] as number))) > 0.8)) places.push(place);
  }
  return createStructure({ positions: Float64Array.from(places.flat()), cell: Float64Array.from(cell), pbc });
}

function withVacancy(crystal: Structure): Structure {
  return createStructure({ positions: crystal.positions.slice(3), cell: crystal.cell });
}

const usual = { k: 32, cutoff: 5, tieTolerance: 1e-6 };
const triclinic = [6.1, 0, 0, 1.3, 5.7, 0, -0.9, 1.1, 6.6];

const environments: Record<string, EnvironmentCase> = {
  'single-atom': { ...usual, structure: createStructure({ positions: new Float64Array(3) }) },
  dimer: { ...usual, structure: createStructure({ positions: Float64Array.of(0, 0, 0, 1.1, 0, 0) }) },
  'fcc-primitive': {
    ...usual,
    structure: createStructure({
      positions: new Float64Array(3),
      cell: Float64Array.of(0, 1.8075, 1.8075, 1.8075, 0, 1.8075, 1.8075, 1.8075, 0),
    }),
  },
  'fcc-vacancy': { ...usual, structure: withVacancy(supercell(idealCrystal('fcc'), [2, 2, 2])) },
  hcp: { ...usual, structure: idealCrystal('hcp') },
  'diamond-left-handed': { ...usual, structure: swapHandedness(idealCrystal('diamond')) },
  'nacl-odd-k': { structure: idealCrystal('nacl'), k: 7, cutoff: 6, tieTolerance: 1e-6 },
  triclinic: { ...usual, structure: gas(1, 9, triclinic, [true, true, true]) },
  skewed: { ...usual, structure: skewCell(gas(2, 7, triclinic, [true, true, true]), randomStream(9)) },
  'slab-one-neighbour': { structure: gas(3, 8, triclinic, [true, false, true]), k: 1, cutoff: 4, tieTolerance: 0 },
  'wire-many-neighbours': {
    structure: gas(4, 10, triclinic, [false, false, true]),
    k: 45,
    cutoff: 9,
    tieTolerance: 1e-6,
  },
  cluster: { structure: gas(5, 12, triclinic, [false, false, false]), k: 6, cutoff: 5, tieTolerance: 1e-6 },
};

function rows(seed: number, count: number, columns: number, spread: number): Matrix {
  const random = randomStream(seed);
  const data = Float64Array.from({ length: count * columns }, () => Math.fround(0.2 + spread * random.gaussian()));
  return createMatrix(count, columns, data);
}

function withOutlier(matrix: Matrix): Matrix {
  const data = Float64Array.from(matrix.data);
  data[0] = 40;
  return createMatrix(matrix.rows, matrix.columns, data);
}

const ownSet = rows(9, 37, 4, 0.03);

const kernelSums: Record<string, KernelSumCase> = {
  one: { queries: rows(1, 1, 1, 0.1), references: rows(2, 1, 1, 0.1), bandwidths: [0.015] },
  'nine-by-thirty-three': { queries: rows(3, 9, 63, 0.006), references: rows(4, 33, 63, 0.006), bandwidths: [0.015] },
  outlier: { queries: withOutlier(rows(5, 12, 5, 0.02)), references: rows(6, 70, 5, 0.02), bandwidths: [0.005, 0.1] },
  weighted: {
    queries: rows(7, 5, 17, 0.01),
    references: rows(8, 40, 17, 0.01),
    bandwidths: [0.01, 0.02, 0.05],
    weights: Float64Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? 0 : i / 8)),
  },
  'leave-one-out': { queries: ownSet, references: ownSet, bandwidths: [0.001, 0.015], leaveOut: leaveOneOut(37) },
  'leave-frame-out': {
    queries: withOutlier(ownSet),
    references: ownSet,
    bandwidths: [0.003, 0.06],
    weights: Float64Array.from({ length: 37 }, (_, i) => (i % 5 === 0 ? 0 : 1 + i)),
    leaveOut: {
      starts: Uint32Array.from({ length: 37 }, (_, i) => 12 * Math.floor(i / 12)),
      ends: Uint32Array.from({ length: 37 }, (_, i) => Math.min(37, 12 * Math.floor(i / 12) + 12)),
    },
  },
};

async function fixtures(): Promise<string> {
  const lines: string[] = [];
  for (const [name, { structure, k, cutoff, tieTolerance }] of Object.entries(environments)) {
    const x = await quests({ k, cutoff, tieTolerance }).compute([structure], { backend: 'reference' });
    lines.push(
      `environment ${name}`,
      `${k} ${cutoff} ${tieTolerance}`,
      `${x.rows}`,
      (structure.cell ?? new Float64Array(9)).join(' '),
      structure.pbc.map(Number).join(' '),
      structure.positions.join(' '),
      x.data.join(' '),
      'end',
    );
  }
  for (const [name, { queries, references, bandwidths, weights, leaveOut }] of Object.entries(kernelSums)) {
    const sums = await logKernelSumMany(queries, references, { bandwidths, weights, leaveOut, backend: 'reference' });
    lines.push(
      `kernel-sums ${name}`,
      `${queries.rows} ${references.rows} ${queries.columns} ${bandwidths.length} ${Number(weights !== undefined)} ${Number(leaveOut !== undefined)}`,
      bandwidths.join(' '),
      queries.data.join(' '),
      references.data.join(' '),
      ...(weights === undefined ? [] : [weights.join(' ')]),
      ...(leaveOut === undefined ? [] : [leaveOut.starts.join(' '), leaveOut.ends.join(' ')]),
      ...sums.map((one) => one.join(' ')),
      'end',
    );
  }
  return `${lines.join('\n')}\n`;
}

it('the fixtures of the C++ driver are what the reference computes', async () => {
  const now = await fixtures();
  if (process.env['SURPRISAL_WRITE_FIXTURES'] === '1') writeFileSync(FILE, now);
  const words = now.split(/\s+/);
  const stored = readFileSync(FILE, 'utf8').split(/\s+/);
  expect(stored.length).toBe(words.length);
  for (const [i, word] of words.entries()) {
    const [a, b] = [Number(word), Number(stored[i])];
    if (Number.isNaN(a)) expect(stored[i]).toBe(word);
    else expect(Math.abs(a - b), `word ${i}`).toBeLessThanOrEqual(TOLERANCE * Math.max(1, Math.abs(a)));
  }
});
