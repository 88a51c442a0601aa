import { open } from 'node:fs/promises';
import type { Structure } from '@surprisal/core';

/** Digits of a coordinate; a line has some 65 bytes with them. */
const DIGITS = 14;
const ROWS_AT_ONCE = 8192;

/**
 * A LAMMPS dump of one structure in a cubic box from the origin on, repeated as often as wanted under growing time steps.
 * Its rows are made once, so that files of many gigabytes come as fast as the disk takes them.
 */
export async function writeLammpsDump(path: string, { positions, cell }: Structure, frames = 1): Promise<void> {
  const rows = [...rowChunks(positions)];
  const edge = cell?.[0] as number;
  const bounds = `0 ${edge}\n`.repeat(3);
  const file = await open(path, 'w');
  try {
    for (let frame = 0; frame < frames; frame++) {
      await file.write(`ITEM: TIMESTEP\n${frame}\nITEM: NUMBER OF ATOMS\n${positions.length / 3}\n`);
      await file.write(`ITEM: BOX BOUNDS pp pp pp\n${bounds}ITEM: ATOMS id type element x y z\n`);
      for (const chunk of rows) await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
}

function* rowChunks(positions: Float64Array): Generator<Buffer, void> {
  let text = '';
  for (let i = 0; i < positions.length; i += 3) {
    const [x, y, z] = [0, 1, 2].map((axis) => (positions[i + axis] as number).toPrecision(DIGITS));
    text += `${i / 3 + 1} 1 Cu ${x} ${y} ${z}\n`;
    if ((i / 3 + 1) % ROWS_AT_ONCE === 0 || i + 3 === positions.length) {
      yield Buffer.from(text);
      text = '';
    }
  }
}
