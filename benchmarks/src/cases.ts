import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMatrix, type Matrix, type Structure } from '@surprisal/core';
import { quests } from '@surprisal/descriptors';
import { formatExtxyz } from '@surprisal/io';
import { openStructures } from '@surprisal/io/node';
import { logKernelSumMany } from '@surprisal/kernels';
import { loadAddon } from '@surprisal/native';
import { neighborList } from '@surprisal/neighbors';
import { rattledCopper } from './rattled-copper.ts';

/** One thing to time. */
export interface Case {
  readonly name: string;
  /** n, d, k, seed and whatever else the figure depends on. */
  readonly parameters: Readonly<Record<string, number | string>>;
  /** What one run does, counted in `unit`. */
  readonly work: number;
  readonly unit: string;
  /** Multiply-adds that one unit cannot do without, if the case is held against the machine's rate of them. */
  readonly multiplyAdds?: { readonly perUnit: number; readonly precision: 'f32' | 'f64' };
  /** Another case, on as many threads, of whose time this one's is told as a multiple. */
  readonly comparedWith?: string;
  readonly threads: number;
  /** @returns the seconds that count, where not the whole run does */
  run(): Promise<unknown>;
}

/** Sizes of the inputs: for figures, or as small as possible to see that everything runs. */
export type Scale = 'full' | 'smoke';

const SEED = 1;
const K = 32;
const CUTOFF = 5;
const COLUMNS = 2 * K - 1;
const BANDWIDTH = 0.015;
/** In one pass they may cost 1.8 times as much as one. */
const FIVE_BANDWIDTHS = [0.0075, 0.015, 0.03, 0.06, 0.12];

/** All cases, with a function that removes what they left on disk. */
export async function makeCases(
  scale: Scale,
  threads: number,
): Promise<{ cases: Case[]; dispose: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'surprisal-bench-'));
  const copper = rattledCopper(scale === 'full' ? 20 : 4, SEED);
  const atoms = copper.positions.length / 3;
  const x = await quests({ k: K, cutoff: CUTOFF }).compute([copper]);
  const rows = Math.min(atoms, 16_384);
  const cases = [
    ...machineCases(scale, threads),
    ...[1, threads].flatMap((count) => [
      ...(['f32', 'f64'] as const).flatMap((precision) => kernelCases(firstRows(x, rows), precision, count)),
      descriptorCase(copper, count),
      neighborCase(copper, count),
    ]),
    await readingCase('read extended XYZ', join(folder, 'copper.xyz'), extxyz(copper)),
    await readingCase('read LAMMPS dump', join(folder, 'copper.dump'), lammpsDump(copper)),
  ];
  return { cases, dispose: () => rm(folder, { recursive: true }) };
}

function machineCases(scale: Scale, threads: number): Case[] {
  const { addon } = loadAddon();
  if (addon === null) return [];
  const rounds = scale === 'full' ? 1_000_000 : 1000;
  return [1, threads].flatMap((count) =>
    (['f32', 'f64'] as const).map((precision) => {
      const lanes = (addon.isa === 'avx512' ? 64 : addon.isa === 'avx2' ? 32 : 16) / (precision === 'f32' ? 4 : 8);
      return {
        name: `multiply-adds ${precision}`,
        parameters: { rounds },
        work: rounds * 16 * count * 12 * lanes,
        unit: 'multiply-adds',
        threads: count,
        run: () => addon.multiplyAddRate(precision === 'f32', rounds, count).result,
      };
    }),
  );
}

function kernelCases(x: Matrix, precision: 'f32' | 'f64', threads: number): Case[] {
  const data = precision === 'f32' ? Float32Array.from(x.data) : Float64Array.from(x.data);
  const matrix = createMatrix(x.rows, x.columns, data);
  const name = `kernel sum ${precision}`;
  const size = { n: x.rows, d: x.columns };
  const shared = { work: x.rows ** 2, unit: 'pairs', multiplyAdds: { perUnit: x.columns, precision }, threads };
  return [
    {
      ...shared,
      name,
      parameters: { ...size, h: BANDWIDTH, seed: SEED },
      run: () => logKernelSumMany(matrix, matrix, { bandwidths: [BANDWIDTH], threads }),
    },
    {
      ...shared,
      name: `${name}, five bandwidths`,
      parameters: { ...size, h: FIVE_BANDWIDTHS.join(','), seed: SEED },
      comparedWith: name,
      run: () => logKernelSumMany(matrix, matrix, { bandwidths: FIVE_BANDWIDTHS, threads }),
    },
  ];
}

function descriptorCase(structure: Structure, threads: number): Case {
  return {
    name: 'QUESTS descriptors f64',
    parameters: { n: structure.positions.length / 3, k: K, cutoff: CUTOFF, seed: SEED },
    work: structure.positions.length / 3,
    unit: 'environments',
    threads,
    run: () => quests({ k: K, cutoff: CUTOFF }).compute([structure], { threads }),
  };
}

function neighborCase(structure: Structure, threads: number): Case {
  return {
    name: 'full neighbour list with vectors',
    parameters: { n: structure.positions.length / 3, cutoff: CUTOFF, seed: SEED },
    work: structure.positions.length / 3,
    unit: 'atoms',
    threads,
    run: () => neighborList(structure, { cutoff: CUTOFF, vectors: true, threads }),
  };
}

async function readingCase(name: string, path: string, text: string): Promise<Case> {
  await writeFile(path, text);
  const { size } = await stat(path);
  return {
    name,
    parameters: { bytes: size },
    work: size,
    unit: 'bytes',
    threads: 1,
    run: async () => {
      let atoms = 0;
      for await (const structure of openStructures(path)) atoms += structure.positions.length / 3;
      return atoms;
    },
  };
}

function firstRows(x: Matrix, rows: number): Matrix {
  return createMatrix(rows, COLUMNS, x.data.slice(0, rows * COLUMNS));
}

function extxyz(structure: Structure): string {
  return [...formatExtxyz(structure)].join('');
}

function lammpsDump({ positions, cell }: Structure): string {
  const edge = cell?.[0] as number;
  const lines = [
    'ITEM: TIMESTEP',
    '0',
    'ITEM: NUMBER OF ATOMS',
    `${positions.length / 3}`,
    'ITEM: BOX BOUNDS pp pp pp',
  ];
  lines.push(`0 ${edge}`, `0 ${edge}`, `0 ${edge}`, 'ITEM: ATOMS id type element x y z');
  for (let i = 0; i < positions.length; i += 3) {
    const place = Array.from(positions.subarray(i, i + 3), (r) => r.toPrecision(10)).join(' ');
    lines.push(`${i / 3 + 1} 1 Cu ${place}`);
  }
  return `${lines.join('\n')}\n`;
}
