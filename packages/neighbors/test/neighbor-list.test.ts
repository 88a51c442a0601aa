import { atomCount, createStructure, type Structure } from '@surprisal/core';
import { type NeighborList, neighborList } from '@surprisal/neighbors';
import {
  bruteForceNeighbors,
  idealCrystal,
  longTests,
  maxAbsDifference,
  property,
  randomStructure,
  scatterImages,
  skewCell,
  supercell,
  swapHandedness,
} from '@surprisal/testing';
import { describe, expect, it } from 'vitest';

interface Pair {
  readonly key: string;
  readonly distance: number;
  readonly vector: readonly number[];
}

/** Pairs in an order that rounding cannot change. */
function pairsOf(list: NeighborList): Pair[] {
  const pairs: Pair[] = [];
  for (let atom = 0; atom + 1 < list.offsets.length; atom++) {
    for (let pair = list.offsets[atom]!; pair < list.offsets[atom + 1]!; pair++) {
      pairs.push({
        key: [atom, list.indices[pair], ...list.shifts.subarray(3 * pair, 3 * pair + 3)].join(' '),
        distance: list.distances[pair]!,
        vector: [...list.vectors.subarray(3 * pair, 3 * pair + 3)],
      });
    }
  }
  return pairs.sort(byKey);
}

function bruteForcePairs(structure: Structure, cutoff: number): Pair[] {
  return bruteForceNeighbors(structure, cutoff)
    .map(({ atom, neighbor, shift, distance, vector }) => ({
      key: [atom, neighbor, ...shift].join(' '),
      distance,
      vector,
    }))
    .sort(byKey);
}

function byKey(p: Pair, q: Pair): number {
  return p.key < q.key ? -1 : 1;
}

function expectSamePairs(actual: readonly Pair[], expected: readonly Pair[]): void {
  expect(actual.map(({ key }) => key)).toEqual(expected.map(({ key }) => key));
  expect(maxAbsDifference(distancesOf(actual), distancesOf(expected))).toBeLessThan(1e-12);
  expect(maxAbsDifference(actual.flatMap(vectorOf), expected.flatMap(vectorOf))).toBeLessThan(1e-12);
}

const distancesOf = (pairs: readonly Pair[]) => pairs.map(({ distance }) => distance);
const vectorOf = ({ vector }: Pair) => [...vector];

describe.each(['reference', 'native'] as const)('neighborList, %s backend', (backend) => {
  const list = (structure: Structure, cutoff: number) => neighborList(structure, { cutoff, vectors: true, backend });

  property('finds what brute force finds, for any cell, axes and cutoff', 60, async (random) => {
    const structure = scatterImages(randomStructure(random), random);
    const cutoff = random.between(0.5, 7);
    expectSamePairs(pairsOf(await list(structure, cutoff)), bruteForcePairs(structure, cutoff));
  });

  property('finds what brute force finds in cells of many bins', 6, async (random) => {
    const structure = randomStructure(random, { atoms: 150, lengths: [12, 25] });
    const cutoff = random.between(1, 4);
    expectSamePairs(pairsOf(await list(structure, cutoff)), bruteForcePairs(structure, cutoff));
  });

  property('sorts rows by distance, and leaves vectors out unless they are wanted', 10, async (random) => {
    const structure = randomStructure(random);
    const { offsets, indices, shifts, distances, vectors } = await neighborList(structure, { cutoff: 5, backend });
    expect(offsets).toHaveLength(atomCount(structure) + 1);
    expect([offsets[0], offsets.at(-1)]).toEqual([0, indices.length]);
    expect([shifts.length, distances.length, vectors.length]).toEqual([3 * indices.length, indices.length, 0]);
    for (let atom = 0; atom + 1 < offsets.length; atom++) {
      const row = distances.subarray(offsets[atom], offsets[atom + 1]);
      expect(row).toEqual(row.slice().sort());
    }
  });

  property('gives every pair both ways round', 10, async (random) => {
    const pairs = pairsOf(await list(randomStructure(random), 5));
    const back = pairs.map(({ key, distance, vector }) => {
      const [atom, other, ...shift] = key.split(' ').map(Number);
      const turned = [other, atom, ...shift.map((number) => 0 - number)].join(' ');
      return { key: turned, distance, vector: vector.map((component) => -component) };
    });
    expectSamePairs(back.sort(byKey), pairs);
  });

  it('knows the shells of the ideal crystals', async () => {
    const shells = { fcc: [12, 6, 24], bcc: [8, 6, 12], diamond: [4, 12, 12], nacl: [6, 12, 8] } as const;
    for (const [crystal, sizes] of Object.entries(shells)) {
      const distances = (await list(idealCrystal(crystal as keyof typeof shells, 3), 5)).distances;
      const nearest = distances.slice(0, sizes[0] + sizes[1] + sizes[2]);
      const edges = [0, sizes[0], sizes[0] + sizes[1], nearest.length];
      for (let shell = 0; shell < 3; shell++) {
        const members = nearest.subarray(edges[shell], edges[shell + 1]);
        expect(members.at(-1)! - members[0]!).toBeLessThan(1e-12);
        if (shell > 0) expect(members[0]! - nearest[edges[shell]! - 1]!).toBeGreaterThan(0.1);
      }
    }
  });

  it('counts images of images where the cutoff is longer than the cell', async () => {
    const row = createStructure({
      positions: Float64Array.of(0.3, 7, -2),
      cell: Float64Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0),
      pbc: [true, false, false],
    });
    const { distances, shifts } = await list(row, 3.5);
    expect(maxAbsDifference(distances, [1, 1, 2, 2, 3, 3])).toBeLessThan(1e-15);
    expect([...shifts].sort((a, b) => a - b)).toEqual([-3, -2, -1, ...Array(12).fill(0), 1, 2, 3]);
  });

  property('does not look at cell vectors of axes that are not periodic', 10, async (random) => {
    const structure = randomStructure(random, { pbc: [true, false, true] });
    const cell = structure.cell!.map((component, i) => (i >= 3 && i < 6 ? random.gaussian() * 10 : component));
    const other = createStructure({ positions: structure.positions, cell, pbc: structure.pbc });
    expectSamePairs(pairsOf(await list(other, 5)), pairsOf(await list(structure, 5)));
    const flat = createStructure({
      positions: structure.positions,
      cell: cell.map((component, i) => (i >= 3 && i < 6 ? 0 : component)),
      pbc: structure.pbc,
    });
    expectSamePairs(pairsOf(await list(flat, 5)), pairsOf(await list(structure, 5)));
  });

  property('finds the same distances in every description of a crystal', 10, async (random) => {
    const crystal = supercell(randomStructure(random, { pbc: [true, true, true], atoms: 4 }), [2, 1, 2]);
    const expected = (await list(crystal, 5)).distances.sort();
    for (const other of [skewCell(skewCell(crystal, random), random), swapHandedness(crystal)]) {
      expect(maxAbsDifference((await list(other, 5)).distances.sort(), expected)).toBeLessThan(1e-11);
    }
  });

  it('works in a cell skewed by thousands of lattice vectors', async () => {
    const skewed = createStructure({
      positions: Float64Array.of(0, 0, 0),
      cell: Float64Array.of(1, 0, 0, 4000, 1, 0, -3000, 2000, 1),
    });
    const { distances } = await list(skewed, 1.5);
    expect(distances).toHaveLength(6 + 12);
    expect(maxAbsDifference(distances.subarray(0, 6), Array(6).fill(1))).toBeLessThan(1e-9);
  });

  it('puts an atom on the border of the cell on one side of it', async () => {
    const structure = createStructure({
      positions: Float64Array.of(-1e-17, 5, 5, 1, 5, 5, 10, 4, 5, 10 - 1e-15, 6, 5, 20, 5, 6),
      cell: Float64Array.of(10, 0, 0, 0, 10, 0, 0, 0, 10),
    });
    expectSamePairs(pairsOf(await list(structure, 2.4)), bruteForcePairs(structure, 2.4));
  });

  it('takes atoms that are flung far apart for what they are', async () => {
    const clusters = 400;
    const positions = Float64Array.from({ length: 6 * clusters }, (_, i) => {
      const [cluster, atom, axis] = [Math.floor(i / 6), Math.floor(i / 3) % 2, i % 3];
      return ((cluster * 7919 * (axis + 1)) % 1009) * 1e6 + atom;
    });
    const { distances } = await list(createStructure({ positions }), 5);
    expect([...distances]).toEqual(Array(2 * clusters).fill(Math.sqrt(3)));
  });

  it('needs one atom at least for a pair', async () => {
    const empty = await list(createStructure({ positions: new Float64Array(0) }), 5);
    expect([empty.offsets.length, empty.indices.length]).toEqual([1, 0]);
    expect((await list(createStructure({ positions: new Float64Array(3) }), 5)).indices).toHaveLength(0);
  });

  it('does not count what lies at the cutoff', async () => {
    const dimer = createStructure({ positions: Float64Array.of(0, 0, 0, 0, 0, 2) });
    expect((await list(dimer, 2)).indices).toHaveLength(0);
    expect((await list(dimer, 2 + 1e-12)).indices).toHaveLength(2);
  });
});

describe('neighborList', () => {
  property('gives the same distances natively, to the last digits', 30, async (random) => {
    const structure = randomStructure(random);
    const options = { cutoff: random.between(1, 6), vectors: true };
    const reference = await neighborList(structure, { ...options, backend: 'reference' });
    const native = await neighborList(structure, { ...options, backend: 'native' });
    expect([...native.offsets]).toEqual([...reference.offsets]);
    expect(maxAbsDifference(native.distances, reference.distances)).toBeLessThan(1e-12);
    expectSamePairs(pairsOf(native), pairsOf(reference));
  });

  property('gives the same bits on 1, 2 and 7 threads', 5, async (random) => {
    const structure = randomStructure(random, { atoms: 200, lengths: [10, 20] });
    const on = (threads: number) => neighborList(structure, { cutoff: 5, vectors: true, backend: 'native', threads });
    const one = await on(1);
    for (const list of [await on(2), await on(7)]) {
      for (const field of ['offsets', 'indices', 'shifts', 'distances', 'vectors'] as const) {
        expect(maxAbsDifference(list[field], one[field])).toBe(0);
      }
    }
  });
});

if (longTests) {
  describe('neighborList of a million atoms', { timeout: 600_000 }, () => {
    it.each(['reference', 'native'] as const)('is linear in the number of atoms, %s backend', async (backend) => {
      const seconds: number[] = [];
      for (const side of [32, 63]) {
        const crystal = supercell(idealCrystal('fcc'), [side, side, side]);
        const begin = performance.now();
        const { indices } = await neighborList(crystal, { cutoff: 5, backend });
        seconds.push((performance.now() - begin) / 1000);
        expect(indices).toHaveLength(42 * atomCount(crystal));
      }
      // Eight times the atoms; a square law would take sixty-four times as long.
      expect(seconds[1]! / seconds[0]!).toBeLessThan(30);
    });
  });
}

describe('lists of both backends', () => {
  const keys = async (structure: Structure, cutoff: number, backend: 'native' | 'reference') =>
    pairsOf(await neighborList(structure, { cutoff, vectors: true, backend }));

  it('hold every pair both ways with the same bits, and the same pairs, where the cutoff is a distance of the crystal', async () => {
    const crystal = supercell(idealCrystal('fcc'), [2, 2, 2]);
    const cutoff = (crystal.cell?.[0] as number) / 2;
    const native = await keys(crystal, cutoff, 'native');
    expect(native).toEqual(await keys(crystal, cutoff, 'reference'));
    const distances = new Map(native.map(({ key, distance }) => [key, distance]));
    for (const { key, distance } of native) {
      const [atom, neighbor, a, b, c] = key.split(' ').map(Number) as [number, number, number, number, number];
      expect(distances.get([neighbor, atom, 0 - a, 0 - b, 0 - c].join(' '))).toBe(distance);
    }
  });

  it('know the shortest vectors of a lattice that no pair of vectors gives away', async () => {
    const [edge, thin] = [30, 0.4];
    const plain = createStructure({
      positions: Float64Array.of(0, 0, 0),
      cell: Float64Array.of(edge, 0, 0, -edge / 2, (edge * Math.sqrt(3)) / 2, 0, 0, 0, thin),
    });
    const a = plain.cell as Float64Array;
    const skewed = createStructure({
      positions: Float64Array.of(0, 0, 0),
      cell: a.map((x, i) => (i < 6 ? x : x - (a[i - 6] as number) - (a[i - 3] as number))),
    });
    for (const backend of ['native', 'reference'] as const) {
      const expected = (await keys(plain, 5, backend)).map(({ distance }) => distance).sort((x, y) => x - y);
      const found = (await keys(skewed, 5, backend)).map(({ distance }) => distance).sort((x, y) => x - y);
      expect(expected.length).toBe(24);
      expect(maxAbsDifference(found, expected)).toBeLessThan(1e-12);
    }
  });

  it('do not mind a fragment far away', async () => {
    const positions = Float64Array.of(0, 0, 0, 2, 0, 0, 1e9, 1e9, 1e9, 1e9 + 2, 1e9, 1e9);
    const structure = createStructure({ positions });
    for (const backend of ['native', 'reference'] as const) {
      expect((await keys(structure, 5, backend)).map(({ distance }) => distance)).toEqual([2, 2, 2, 2]);
    }
  });
});
