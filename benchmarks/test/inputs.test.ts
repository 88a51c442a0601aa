import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Structure } from '@surprisal/core';
import { openStructures } from '@surprisal/io/node';
import { expect, it } from 'vitest';
import { gaussians } from '../src/inputs/gaussians.ts';
import { writeLammpsDump } from '../src/inputs/lammps-dump.ts';
import { rattledCopper } from '../src/inputs/rattled-copper.ts';
import { moleculeSet, siliconSet } from '../src/inputs/training-sets.ts';

it('normal numbers have mean 0, variance 1 and tails, and depend on the seed', () => {
  const normal = gaussians(1);
  const x = Float64Array.from({ length: 100_000 }, normal);
  const mean = x.reduce((sum, value) => sum + value) / x.length;
  const variance = x.reduce((sum, value) => sum + value ** 2) / x.length;
  // Five standard errors: 1/√n and √(2/n).
  expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(x.length));
  expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / x.length));
  // Beyond 3 lie 0.27 %: 270 ± 5·16.
  expect(Math.abs(x.filter((value) => Math.abs(value) > 3).length - 270)).toBeLessThan(82);
  expect(gaussians(2)()).not.toBe(gaussians(1)());
});

it('a dump of several frames reads back as the crystal that was written', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'surprisal-bench-test-'));
  try {
    const copper = rattledCopper(14, 1);
    const path = join(folder, 'copper.dump');
    await writeLammpsDump(path, copper, 3);
    let frames = 0;
    for await (const { positions, cell, species } of openStructures(path)) {
      frames++;
      expect(species.symbols).toEqual(['Cu']);
      expect(cell).toEqual(copper.cell);
      expect(positions.length).toBe(3 * 10_976);
      const worst = positions.reduce((most, r, i) => Math.max(most, Math.abs(r - (copper.positions[i] as number))), 0);
      expect(worst).toBeLessThan(1e-11); // 14 digits of up to 52 Å
    }
    expect(frames).toBe(3);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('made training sets have atoms at distances that occur, and say that they are made', async () => {
  for (const set of [await moleculeSet(undefined, 20), await siliconSet(undefined, 3)]) {
    expect(set.source).toBe('made');
    const { positions: r } = set.structures[0] as Structure;
    let shortest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < r.length; i += 3) {
      let nearest = Number.POSITIVE_INFINITY;
      for (let j = 0; j < r.length; j += 3) {
        if (j === i) continue;
        nearest = Math.min(
          nearest,
          Math.hypot(...[0, 1, 2].map((axis) => (r[i + axis] as number) - (r[j + axis] as number))),
        );
      }
      expect(nearest, set.name).toBeLessThan(2.6);
      shortest = Math.min(shortest, nearest);
    }
    expect(shortest, set.name).toBeGreaterThan(0.5);
  }
});
