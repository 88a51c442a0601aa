import { createMatrix, type Matrix } from '@surprisal/core';
import { describe, expect, it } from 'vitest';
import { entropy, type NeighborhoodParameters, type SensitivityOptions, sensitivity } from '../src/index.ts';

/** 100 environments on a line, whose spread follows k and the cutoff. */
function described({ k, cutoff }: NeighborhoodParameters): Matrix {
  const data = Float64Array.from({ length: 100 }, (_, i) => (i / 100) * (k / 32) * (cutoff / 5) ** 8);
  return createMatrix(100, 1, data);
}

describe('sensitivity', () => {
  it('varies one parameter at a time, and describes each k and cutoff once', async () => {
    const asked: NeighborhoodParameters[] = [];
    const { rows, largest, movesUnder, sentence, threshold } = await sensitivity(
      async (parameters) => {
        asked.push(parameters);
        return described(parameters);
      },
      { k: 32, cutoff: 5, bandwidth: 0.02 },
    );
    expect(asked).toEqual([
      { k: 32, cutoff: 5 },
      { k: 24, cutoff: 5 },
      { k: 40, cutoff: 5 },
      { k: 32, cutoff: 4.5 },
      { k: 32, cutoff: 5.5 },
    ]);
    expect(rows.map(({ parameter, factor }) => [parameter, factor])).toEqual([
      [null, 1],
      ['k', 0.75],
      ['k', 1.25],
      ['cutoff', 0.9],
      ['cutoff', 1.1],
      ['bandwidth', 0.7],
      ['bandwidth', 1.4],
    ]);
    for (const row of rows) {
      const { entropy: h, diversity } = await entropy(described(row), { bandwidth: row.bandwidth });
      // Several bandwidths in one pass may move the last digits.
      expect(row.entropy).toBeCloseTo(h, 12);
      expect(row.diversity).toBeCloseTo(diversity, 12);
      expect(row.change).toBe(row.entropy - rows[0]!.entropy);
    }
    expect(rows[0]?.change).toBe(0);
    expect(threshold).toBe(0.5);
    expect(largest.k).toBe(Math.max(...rows.slice(1, 3).map(({ change }) => Math.abs(change))));
    expect(movesUnder).toEqual(['cutoff']);
    expect(sentence).toMatch(
      /^H = \d\.\d{3} moves by more than 0\.5 nats: by -?0\.\d\d when the cutoff is multiplied by/,
    );
  });

  it('says so where nothing moves much, and makes no row of what is not varied', async () => {
    const { rows, movesUnder, sentence, largest } = await sensitivity(async () => described({ k: 32, cutoff: 5 }), {
      k: 1,
      cutoff: 5,
      factors: { k: [0.75, 1, 1.25], cutoff: [1, 2], bandwidth: [] },
    });
    expect(rows.map(({ parameter, k, cutoff }) => [parameter, k, cutoff])).toEqual([
      [null, 1, 5],
      ['cutoff', 1, 10],
    ]);
    expect(largest).toEqual({ k: 0, cutoff: 0, bandwidth: 0 });
    expect(movesUnder).toEqual([]);
    expect(sentence).toContain('moves by no more than 0.5 nats');
  });

  const wrong: [string, Partial<SensitivityOptions>, string][] = [
    ['k = 0', { k: 0 }, 'INVALID_ARGUMENT'],
    ['a cutoff of 0', { cutoff: 0 }, 'INVALID_ARGUMENT'],
    ['a bandwidth of 0', { bandwidth: 0 }, 'INVALID_BANDWIDTH'],
    ['a factor of 0', { factors: { k: [0] } }, 'INVALID_ARGUMENT'],
    ['a factor that is no number', { factors: { cutoff: [Number.NaN] } }, 'INVALID_ARGUMENT'],
    ['a threshold of 0', { threshold: 0 }, 'INVALID_ARGUMENT'],
  ];
  it.each(wrong)('refuses %s', async (_, options, code) => {
    await expect(
      sensitivity(async (parameters) => described(parameters), { k: 32, cutoff: 5, ...options }),
    ).rejects.toMatchObject({ name: 'SurprisalError', code });
  });

  it('passes on what the description throws', async () => {
    const broken = () => Promise.reject(new Error('no such file'));
    await expect(sensitivity(broken, { k: 32, cutoff: 5 })).rejects.toThrow('no such file');
  });
});
