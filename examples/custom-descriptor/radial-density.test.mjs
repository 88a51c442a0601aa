import { createStructure } from '@surprisal/core';
import { testDescriptor } from '@surprisal/testing';
import { expect, test } from 'vitest';
import { radialDensity } from './radial-density.mjs';

testDescriptor(radialDensity(), { continuous: true });
testDescriptor(radialDensity({ cutoff: 3.5, width: 0.1, points: 7 }), { continuous: true });

test('is one Gaussian for a dimer, at its distance', async () => {
  const dimer = createStructure({ positions: Float64Array.of(0, 0, 0, 0, 0, 1.5) });
  const { data } = await radialDensity({ cutoff: 3, width: 0.5, points: 3 }).compute([dimer]);
  const peak = (1 - 0.5 ** 2) ** 2 / (Math.sqrt(2 * Math.PI) * 0.5); // at r_2 = 1.5 Å
  const beside = peak * Math.exp(-0.5 * (1 / 0.5) ** 2); // 1 Å away
  [beside, peak, beside, beside, peak, beside].forEach((value, i) => {
    expect(data[i]).toBeCloseTo(value, 14);
  });
});
