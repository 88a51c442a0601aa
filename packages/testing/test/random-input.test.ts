import { atomCount } from '@surprisal/core';
import {
  bruteForceNeighbors,
  longTests,
  maxAbsDifference,
  outsideData,
  property,
  type RandomStream,
  randomStream,
  randomStructure,
} from '@surprisal/testing';
import { describe, expect, it } from 'vitest';

describe('randomStream', () => {
  const drawn = (random: RandomStream) => [
    random.between(2, 3),
    random.gaussian(),
    random.whole(-4, 4),
    Number(random.chance(0.5)),
    random.pick([10, 20, 30]),
  ];

  property('repeats itself, and differs between seeds', 5, (_, seed) => {
    expect(drawn(randomStream(seed))).toEqual(drawn(randomStream(seed)));
    expect(drawn(randomStream(seed))).not.toEqual(drawn(randomStream(seed + 1)));
  });

  property('stays within its bounds and reaches them', 3, (random) => {
    const whole = Array.from({ length: 400 }, () => random.whole(-2, 2));
    expect([...new Set(whole)].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
    const between = Array.from({ length: 400 }, () => random.between(5, 6));
    expect(between.every((value) => value >= 5 && value < 6)).toBe(true);
    const hits = Array.from({ length: 400 }, () => random.chance(0.25)).filter(Boolean).length;
    expect(Math.abs(hits / 400 - 0.25)).toBeLessThan(0.15);
  });

  it('draws other numbers in turn than by index', () => {
    const random = randomStream(11);
    const indexed = Array.from({ length: 5 }, (_, i) => random.uniform(i));
    expect(Array.from({ length: 5 }, () => random.between(0, 1))).not.toEqual(indexed);
  });
});

describe('randomStructure', () => {
  property('keeps atoms apart', 20, (random) => {
    const structure = randomStructure(random, { separation: 1.1, lengths: [4, 8] });
    const near = bruteForceNeighbors(structure, 1.1).filter(({ atom, neighbor }) => atom !== neighbor);
    expect(near).toEqual([]);
  });

  property('keeps to what was asked', 10, (random) => {
    const structure = randomStructure(random, { atoms: 3, pbc: [false, true, false] });
    expect(structure.pbc).toEqual([false, true, false]);
    expect(atomCount(structure)).toBeLessThanOrEqual(3);
  });

  property('comes in every kind', 1, (random) => {
    const structures = Array.from({ length: 150 }, () => randomStructure(random, { atoms: 4 }));
    const kinds = new Set(structures.map(({ pbc }) => pbc.join()));
    expect(kinds.size).toBe(8);
    expect(structures.some(({ cell }) => cell === null)).toBe(true);
    const volumes = structures.flatMap(({ cell }) => {
      if (cell === null) return [];
      const [a, b, c, d, e, f, g, h, i] = [...cell] as [number, ...number[]];
      return [a * (e! * i! - f! * h!) - b! * (d! * i! - f! * g!) + c! * (d! * h! - e! * g!)];
    });
    expect(volumes.some((volume) => volume > 0) && volumes.some((volume) => volume < 0)).toBe(true);
  });
});

describe('maxAbsDifference', () => {
  it('is the largest difference', () => {
    expect(maxAbsDifference([1, 2, 3], Float64Array.of(1, 2.5, 2))).toBe(1);
    expect(maxAbsDifference([], [])).toBe(0);
  });

  it('is infinite where numbers cannot be compared', () => {
    expect(maxAbsDifference([Number.NaN], [0])).toBe(Number.POSITIVE_INFINITY);
    expect(maxAbsDifference([Number.NaN], [Number.NaN])).toBe(Number.POSITIVE_INFINITY);
    expect(maxAbsDifference([Number.POSITIVE_INFINITY], [1])).toBe(Number.POSITIVE_INFINITY);
    expect(maxAbsDifference([Number.POSITIVE_INFINITY], [Number.POSITIVE_INFINITY])).toBe(0);
    expect(() => maxAbsDifference([1], [1, 2])).toThrow(RangeError);
  });
});

describe('the environment', () => {
  it('names the folder of outside data and asks for long tests', () => {
    expect(outsideData()).toBe(process.env['SURPRISAL_DATA'] || undefined);
    expect(longTests).toBe(process.env['SURPRISAL_LONG'] === '1');
  });
});
