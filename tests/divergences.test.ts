// Two random halves of one set: the truth is 0, and what is known of two real sets is what comes out.

import { join } from 'node:path';
import { type Matrix, randomSequence, type Structure, selectRows } from '@surprisal/core';
import { quests } from '@surprisal/descriptors';
import { compareSets, divergence, entropy } from '@surprisal/entropy';
import { openStructures } from '@surprisal/io/node';
import { outsideTest } from '@surprisal/testing';
import { describe, expect } from 'vitest';

/** D of two halves with each point in its own sum, as computed independently for these sets. */
const WITH_SELF: Record<string, number> = {
  'rmd17/rmd17_aspirin_train_01.xyz': 1.43,
  'mlearn/Si_training.xyz': 0.97,
};

async function descriptorsOf(path: string): Promise<Matrix> {
  const structures: Structure[] = [];
  for await (const structure of openStructures(path)) structures.push(structure);
  return await quests().compute(structures);
}

describe.each(Object.entries(WITH_SELF))('two random halves of %s', (file, withSelf) => {
  outsideTest('do not diverge, unless each point counts itself', async (folder) => {
    const x = await descriptorsOf(join(folder, file));
    const { maps } = await compareSets([x], { bandwidths: [0.015], projections: 1 });
    // Mean of some 10⁴ logarithms that spread by about 2.
    expect(Math.abs(maps[0]?.kullbackLeiblerFloor[0] as number)).toBeLessThan(0.05);
    expect(maps[0]?.isolated[0]).toBeLessThanOrEqual(2);

    const random = randomSequence(11);
    const rows = Array.from({ length: x.rows }, (_, row) => row);
    const order = rows.toSorted((a, b) => random.uniform(a) - random.uniform(b));
    const half = x.rows >> 1;
    const [a, b] = [selectRows(x, order.slice(0, half)), selectRows(x, order.slice(half))];
    const { crossEntropy, kullbackLeibler, isolated } = await divergence(b, a);
    expect(Math.abs(kullbackLeibler as number)).toBeLessThan(0.05);
    expect(Math.max(...isolated)).toBeLessThanOrEqual(3);
    expect(Math.abs((crossEntropy as number) - (await entropy(b)).entropy - withSelf)).toBeLessThan(0.05);
  });
});
