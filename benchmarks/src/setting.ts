import type { Backend } from '@surprisal/native';

/** Sizes of the inputs: as small as possible to see that everything runs, for figures in minutes, or all of them. */
export type Scale = 'once' | 'quick' | 'full';

/** What all subjects are made for. */
export interface Setting {
  readonly scale: Scale;
  readonly backend: Extract<Backend, { name: 'native' }>;
  /** The most threads; most cases run on one thread too. */
  readonly threads: number;
  /** A folder for what is written; removed at the end. */
  readonly folder: string;
  /** A LAMMPS dump whose first frame stands in for the copper that is made. */
  readonly dump: string | undefined;
  /** The folder of real data sets. */
  readonly outsideData: string | undefined;
}

/** One thread, and all of them where that is more. */
export function threadCounts(threads: number): number[] {
  return threads === 1 ? [1] : [1, threads];
}

/** Of the descriptors, wherever nothing else is stated. */
export const K = 32;
export const CUTOFF = 5;
export const COLUMNS: number = 2 * K - 1;
export const BANDWIDTH = 0.015;
