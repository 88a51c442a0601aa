import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { atomCount, type Matrix, matrixRows, type Structure } from '@surprisal/core';
import { parseFrameSlice } from '@surprisal/io';
import { openStructures } from '@surprisal/io/node';

/** Statistics of a matrix, as outside implementations published or computed them. */
export interface MatrixValues {
  readonly sum: number;
  readonly sumsq: number;
  readonly min: number;
  readonly max: number;
  readonly col_mean?: readonly number[];
  readonly col_std?: readonly number[];
  readonly row_first?: readonly number[];
  readonly row_mid?: readonly number[];
  readonly row_last?: readonly number[];
  readonly row_sums_first20?: readonly number[];
}

/** Statistics of δH. */
export interface SurprisalValues {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly std: number;
  readonly median: number;
  readonly q05: number;
  readonly q95: number;
}

/** Values of one data set. */
export interface ReferenceValues {
  readonly file: string;
  readonly slice?: string;
  readonly n_env: number;
  readonly k: number;
  readonly cutoff: number;
  readonly h: number;
  readonly tie_tolerance?: number;
  readonly entropy: number;
  readonly diversity: number;
  readonly x: MatrixValues;
  readonly first_row?: readonly number[];
  readonly last_row?: readonly number[];
  readonly self_dH?: SurprisalValues;
  readonly self_dH_first10?: readonly number[];
  readonly entropy_vs_h?: {
    readonly h: readonly number[];
    readonly H: readonly number[];
    readonly D: readonly number[];
  };
  readonly frame_entropy_first10?: readonly number[];
}

/** Formats that can be read, by the first folder or the ending of a path. */
const READABLE = /(?:\.(?:xyz|extxyz|dump|out|poscar|cif)|dump\.[^.]*|XDATCAR[^/]*)$/;

/** Every data set that has values and can be read. */
export function referenceSets(folder: string): readonly ReferenceValues[] {
  return readdirSync(join(folder, 'reference'))
    .filter((name) => name.endsWith('.json'))
    .map((name) => readReference<ReferenceValues | { readonly file?: undefined }>(folder, name))
    .filter((values): values is ReferenceValues => values.file !== undefined && READABLE.test(values.file));
}

export function readReference<T>(folder: string, name: string): T {
  return JSON.parse(readFileSync(join(folder, 'reference', name), 'utf8')) as T;
}

/** The whole matrix of a set, where it is there. */
export function referenceMatrixPath(folder: string, { file }: ReferenceValues): string | undefined {
  const path = join(folder, 'reference', `${file.replaceAll('/', '__')}.npy`);
  return existsSync(path) ? path : undefined;
}

/** All frames of a file that a slice selects. */
export async function readFrames(path: string, slice = ':'): Promise<Structure[]> {
  const frames: Structure[] = [];
  for await (const structure of openStructures(path, { frames: parseFrameSlice(slice) })) frames.push(structure);
  return frames;
}

/** The rows of each frame. */
export function splitByFrame(matrix: Matrix, frames: readonly Structure[]): Matrix[] {
  let start = 0;
  return frames.map((structure) => {
    const end = start + atomCount(structure);
    const rows = matrixRows(matrix, start, end);
    start = end;
    return rows;
  });
}

export function surprisalValues(dH: Float64Array): SurprisalValues {
  const sorted = dH.toSorted();
  const mean = dH.reduce((sum, value) => sum + value, 0) / dH.length;
  const variance = dH.reduce((sum, value) => sum + (value - mean) ** 2, 0) / dH.length;
  const quantile = (share: number) => {
    const place = share * (sorted.length - 1);
    const below = sorted[Math.floor(place)] as number;
    return below + ((sorted[Math.ceil(place)] as number) - below) * (place - Math.floor(place));
  };
  return {
    min: quantile(0),
    max: quantile(1),
    mean,
    std: Math.sqrt(variance),
    median: quantile(0.5),
    q05: quantile(0.05),
    q95: quantile(0.95),
  };
}
