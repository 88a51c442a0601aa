import { basename } from 'node:path';
import { atomCount, type Structure } from '@surprisal/core';
import { openStructures } from '@surprisal/io/node';
import type { Setting } from '../setting.ts';
import { rattledCopper } from './rattled-copper.ts';

/** One phase of a metal, and what to state of it beside a figure. */
export interface Copper {
  readonly structure: Structure;
  readonly parameters: Readonly<Record<string, number | string>>;
}

/** The first frame of the dump of the setting, or a box of rattled copper. */
export async function copperOf({ dump }: Setting, cells: number, seed: number): Promise<Copper> {
  if (dump !== undefined) {
    for await (const structure of openStructures(dump)) {
      return { structure, parameters: { n: atomCount(structure), of: basename(dump) } };
    }
    throw new Error(`${dump} holds no frame`);
  }
  const structure = rattledCopper(cells, seed);
  return { structure, parameters: { n: atomCount(structure), of: 'rattled copper', seed } };
}
