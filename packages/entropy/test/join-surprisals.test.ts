import { matrixRows } from '@surprisal/core';
import { randomStream } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { differentialEntropyMany, joinSurprisals } from '../src/index.ts';
import { randomMatrix } from './made-environments.ts';

describe('joinSurprisals', () => {
  it('makes of the parts of a reference set what the whole says', async () => {
    const random = randomStream(3);
    const x = randomMatrix(random, 500, 4, 0.05);
    const y = randomMatrix(random, 60, 4, 0.05);
    const bandwidths = [0.005, 0.05, 0.5];
    const whole = await differentialEntropyMany(y, x, { bandwidths });
    for (const rows of [1, 7, 100, 499]) {
      const joined = bandwidths.map(() => new Float64Array(y.rows).fill(Number.POSITIVE_INFINITY));
      for (let first = 0; first < x.rows; first += rows) {
        const part = matrixRows(x, first, Math.min(x.rows, first + rows));
        const further = await differentialEntropyMany(y, part, { bandwidths });
        for (const [b, dH] of joined.entries()) joinSurprisals(dH, further[b] as Float64Array);
      }
      for (const [b, dH] of joined.entries()) {
        // A rounding for each part.
        const parts = Math.ceil(x.rows / rows);
        dH.forEach((value, i) => {
          const expected = whole[b]?.[i] as number;
          expect(Math.abs(value - expected)).toBeLessThanOrEqual(4e-16 * parts * (1 + Math.abs(expected)) + 1e-14);
        });
      }
    }
  });

  it('holds at the ends', () => {
    const dH = Float64Array.of(Infinity, Infinity, 5, 0, -3, 1e6, 0);
    joinSurprisals(dH, Float64Array.of(Infinity, 2, Infinity, 0, 700, 1e6, -0));
    expect([...dH]).toEqual([Infinity, 2, 5, -Math.LN2, -3, 1e6 - Math.LN2, -Math.LN2]);
    expect(() => joinSurprisals(new Float64Array(2), new Float64Array(3))).toThrow('3 values do not join 2');
  });
});
