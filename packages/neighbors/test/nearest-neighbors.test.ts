import { atomCount, createStructure, type Structure } from '@surprisal/core';
import { nearestNeighbors } from '@surprisal/neighbors';
import { bruteForceNeighbors, idealCrystal, maxAbsDifference, property, randomStructure } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';

const NOBODY = 0xffffffff;

describe.each(['reference', 'native'] as const)('nearestNeighbors, %s backend', (backend) => {
  property('takes the first k of what brute force finds', 30, async (random) => {
    const structures = [randomStructure(random), randomStructure(random), randomStructure(random)];
    const k = random.whole(1, 20);
    const cutoff = random.between(1, 6);
    const nearest = await nearestNeighbors(structures, { k, cutoff, backend });
    let row = 0;
    let firstAtom = 0;
    for (const structure of structures) {
      const pairs = bruteForceNeighbors(structure, cutoff);
      for (let atom = 0; atom < atomCount(structure); atom++, row++) {
        const around = pairs.filter((pair) => pair.atom === atom);
        const distances = around.map(({ distance }) => distance);
        const padded = [...distances, ...Array(k).fill(Number.POSITIVE_INFINITY)].slice(0, k);
        expect(nearest.counts[row]).toBe(around.length);
        expect(maxAbsDifference(nearest.distances.subarray(row * k, (row + 1) * k), padded)).toBeLessThan(1e-12);
        const gap = around.length > k ? distances[k]! - distances[k - 1]! : Number.POSITIVE_INFINITY;
        expect(maxAbsDifference([nearest.gaps[row]!], [gap])).toBeLessThan(1e-12);
        for (let n = 0; n < k; n++) {
          const index = nearest.indices[row * k + n]!;
          // Several atoms may lie at one distance, as an atom and its mirror image do; any of them may come first.
          const there = around.filter(({ distance }) => Math.abs(distance - padded[n]!) < 1e-12);
          expect(n < around.length ? there.map(({ neighbor }) => firstAtom + neighbor) : [NOBODY]).toContain(index);
        }
      }
      firstAtom += atomCount(structure);
    }
    expect(row).toBe(nearest.counts.length);
  });

  it('shows ties as gaps of nearly nothing', async () => {
    const { counts, gaps } = await nearestNeighbors([idealCrystal('fcc')], { k: 32, cutoff: 5, backend });
    expect([...counts]).toEqual([42, 42, 42, 42]);
    expect(Math.max(...gaps)).toBeLessThan(1e-12);
    const filled = await nearestNeighbors([idealCrystal('fcc')], { k: 18, cutoff: 5, backend });
    expect(Math.min(...filled.gaps)).toBeGreaterThan(0.8);
    const all = await nearestNeighbors([idealCrystal('fcc')], { k: 42, cutoff: 5, backend });
    expect([...all.gaps]).toEqual(Array(4).fill(Number.POSITIVE_INFINITY));
  });

  it('has no rows for no structures', async () => {
    expect((await nearestNeighbors([], { k: 3, cutoff: 5, backend })).counts).toHaveLength(0);
  });
});

describe('nearestNeighbors in batches', () => {
  it('counts atoms over all structures, of which more than one batch is needed', async () => {
    const structures = [latticeOf(60_000), latticeOf(90_000), latticeOf(3), latticeOf(140_000)];
    const { indices, distances } = await nearestNeighbors(structures, { k: 1, cutoff: 1.1, backend: 'native' });
    let firstAtom = 0;
    for (const structure of structures) {
      const atoms = atomCount(structure);
      const own = indices.subarray(firstAtom, firstAtom + atoms);
      expect(own.every((index) => index >= firstAtom && index < firstAtom + atoms)).toBe(true);
      firstAtom += atoms;
    }
    expect(distances.every((distance) => distance === 1)).toBe(true);
  });

  it('names the structure in which atoms coincide, whichever batch it is in', async () => {
    const twice = createStructure({ positions: Float64Array.of(0, 0, 0, 3, 0, 0, 3, 0, 0) });
    const structures = [latticeOf(140_000), latticeOf(10), twice];
    await expect(nearestNeighbors(structures, { k: 1, cutoff: 1.1, backend: 'native' })).rejects.toMatchObject({
      code: 'COINCIDENT_ATOMS',
      message: expect.stringContaining('atoms 2 and 3 of structure 3'),
      details: { structure: 2, atoms: [1, 2] },
    });
  });
});

/** Atoms 1 Å apart in rows of 100. */
function latticeOf(atoms: number): Structure {
  const positions = new Float64Array(3 * atoms);
  for (let atom = 0; atom < atoms; atom++) {
    positions[3 * atom] = atom % 100;
    positions[3 * atom + 1] = Math.floor(atom / 100) % 100;
    positions[3 * atom + 2] = Math.floor(atom / 10_000);
  }
  return createStructure({ positions });
}
