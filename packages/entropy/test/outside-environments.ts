import { join } from 'node:path';
import { atomCount, type Matrix, type Structure } from '@surprisal/core';
import { quests } from '@surprisal/descriptors';
import { openStructures } from '@surprisal/io/node';

/** The QUESTS descriptors of a file of outside data, and where its frames begin and end among them. */
export async function outsideEnvironments(
  folder: string,
  file: string,
): Promise<{ readonly x: Matrix; readonly offsets: Uint32Array }> {
  const frames: Structure[] = [];
  const offsets = [0];
  for await (const frame of openStructures(join(folder, file))) {
    frames.push(frame);
    offsets.push((offsets.at(-1) ?? 0) + atomCount(frame));
  }
  return { x: await quests().compute(frames, {}), offsets: Uint32Array.from(offsets) };
}
