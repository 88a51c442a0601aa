import { createMatrix, matrixRows, type Progress } from '@surprisal/core';
import { property } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { entropyMany, frameEntropies } from '../src/index.ts';
import { inGroups, randomMatrix, ranks } from './made-environments.ts';

describe.each(['native', 'reference'] as const)('frame entropies, %s', (backend) => {
  it('are those of the shares in each frame', async () => {
    // Frame 1: one kind. Frame 2: two kinds, 3 : 1. Frame 3: four kinds.
    const x = inGroups([5], [3, 1], [1, 1, 1, 1]);
    const [frames] = await frameEntropies(x, Uint32Array.of(0, 5, 9, 13), { bandwidths: [0.015], backend });
    expect(frames?.bandwidth).toBe(0.015);
    expect(frames?.entropy[0]).toBe(0);
    expect(frames?.entropy[1]).toBeCloseTo(-0.75 * Math.log(0.75) - 0.25 * Math.log(0.25), 14);
    expect(frames?.entropy[2]).toBeCloseTo(Math.log(4), 14);
    expect(frames?.diversity[1]).toBeCloseTo(Math.log(2), 14);
    expect(Array.from(frames?.maxEntropy ?? [])).toEqual([5, 4, 4].map(Math.log));
  });

  property('are the entropies of the frames one by one, to the last bit', 5, async (random) => {
    const sizes = Array.from({ length: random.whole(1, 30) }, () => random.whole(1, 40));
    const offsets = Uint32Array.from([0, ...sizes.map((_, f) => sizes.slice(0, f + 1).reduce((a, b) => a + b))]);
    const x = randomMatrix(random, offsets.at(-1) ?? 0, 7, 0.02);
    const bandwidths = [0.01, 0.03];
    const results = await frameEntropies(x, offsets, { bandwidths, backend, threads: 2 });
    expect(results.map(({ bandwidth }) => bandwidth)).toEqual(bandwidths);
    for (const frame of sizes.keys()) {
      const alone = await entropyMany(matrixRows(x, offsets[frame] ?? 0, offsets[frame + 1] ?? 0), {
        bandwidths,
        backend,
      });
      for (const [b, { entropy, diversity, maxEntropy }] of alone.entries()) {
        expect(results[b]?.entropy[frame]).toBe(entropy);
        expect(results[b]?.diversity[frame]).toBe(diversity);
        expect(results[b]?.maxEntropy[frame]).toBe(maxEntropy);
      }
    }
  });

  it('know nothing of a frame without environments', async () => {
    const [frames] = await frameEntropies(inGroups([2]), Uint32Array.of(0, 0, 2, 2), { bandwidths: [0.015], backend });
    expect(Array.from(frames?.entropy ?? [])).toEqual([Number.NaN, 0, Number.NaN]);
  });

  it('end when they are interrupted, and report progress until then', async () => {
    const x = createMatrix(60_000, 40, new Float64Array(60_000 * 40).fill(0.1));
    const offsets = Uint32Array.from({ length: 2001 }, (_, f) => 30 * f);
    const controller = new AbortController();
    const seen: Progress[] = [];
    const frames = frameEntropies(x, offsets, {
      bandwidths: [0.015],
      backend,
      signal: controller.signal,
      onProgress: (progress) => {
        seen.push(progress);
        if (seen.length === 2) controller.abort();
      },
    });
    await expect(frames).rejects.toMatchObject({ code: 'ABORTED' });
    expect(seen[0]).toMatchObject({ stage: 'frame entropies', unit: 'environments', total: 60_000 });
    expect(seen[1]?.done).toBeGreaterThanOrEqual(seen[0]?.done ?? 0);
  });
});

property('1, 2 and 5 ranks give the same bits, on every rank', 3, async (random) => {
  const x = randomMatrix(random, 120, 3, 0.02);
  const offsets = Uint32Array.of(0, 30, 31, 90, 120);
  const options = { bandwidths: [0.01, 0.02] };
  const alone = await frameEntropies(x, offsets, options);
  for (const size of [2, 5]) {
    const all = await Promise.all(
      ranks(size).map((communicator) => frameEntropies(x, offsets, { ...options, communicator })),
    );
    for (const result of all) expect(result).toEqual(alone);
  }
});

describe('frame entropies refuse', () => {
  const x = inGroups([4]);
  it.each([
    ['no frame', [0], 'hold no frame'],
    ['offsets that begin elsewhere', [1, 4], 'begin at 1'],
    ['offsets that fall', [0, 3, 2, 4], 'fall from 3 to 2'],
    ['offsets that end too early', [0, 3], 'end at 3, but there are 4'],
  ])('%s', async (_, offsets, problem) => {
    await expect(frameEntropies(x, Uint32Array.from(offsets), { bandwidths: [0.015] })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(problem),
    });
  });

  it('no environment at all, and a bandwidth of 0', async () => {
    const none = createMatrix(0, 1, new Float64Array(0));
    await expect(frameEntropies(none, Uint32Array.of(0, 0), { bandwidths: [1] })).rejects.toMatchObject({
      code: 'EMPTY_INPUT',
    });
    await expect(frameEntropies(x, Uint32Array.of(0, 4), { bandwidths: [0] })).rejects.toMatchObject({
      code: 'INVALID_BANDWIDTH',
    });
    await expect(frameEntropies(x, Uint32Array.of(0, 4), { bandwidths: [] })).rejects.toMatchObject({
      code: 'INVALID_BANDWIDTH',
    });
  });
});
