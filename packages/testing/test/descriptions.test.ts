import { atomCount, cellVolume, createStructure, type Structure } from '@surprisal/core';
import {
  bruteForceNeighbors,
  type CrystalName,
  crystalNames,
  idealCrystal,
  maxAbsDifference,
  property,
  randomOrder,
  randomRotation,
  randomStructure,
  renumber,
  rotate,
  scatterImages,
  skewCell,
  supercell,
  swapHandedness,
  translate,
} from '@surprisal/testing';
import { describe, expect, it } from 'vitest';

const CUTOFF = 4.5;

/** Distances of each atom, in an order that does not depend on images. */
function distancesOf(structure: Structure): number[][] {
  const rows: number[][] = Array.from({ length: atomCount(structure) }, () => []);
  for (const { atom, distance } of bruteForceNeighbors(structure, CUTOFF)) rows[atom]?.push(distance);
  return rows;
}

function expectSameDistances(actual: number[][], expected: number[][]): void {
  expect(actual.map((row) => row.length)).toEqual(expected.map((row) => row.length));
  expect(maxAbsDifference(actual.flat(), expected.flat())).toBeLessThan(1e-11);
}

describe('other descriptions of one crystal', () => {
  const periodic = { pbc: [true, true, true], atoms: 6 } as const;

  property('have the same distances', 15, (random) => {
    const crystal = randomStructure(random, periodic);
    const expected = distancesOf(crystal);
    const shift = [random.gaussian(), random.gaussian(), random.gaussian()];
    expectSameDistances(distancesOf(rotate(crystal, randomRotation(random))), expected);
    expectSameDistances(distancesOf(translate(crystal, shift)), expected);
    expectSameDistances(distancesOf(swapHandedness(crystal)), expected);
    expectSameDistances(distancesOf(skewCell(crystal, random)), expected);
    expectSameDistances(distancesOf(scatterImages(crystal, random)), expected);
    expectSameDistances(distancesOf(supercell(crystal, [2, 1, 3])), Array(6).fill(expected).flat());
    const order = randomOrder(random, atomCount(crystal));
    expectSameDistances(
      distancesOf(renumber(crystal, order)),
      Array.from(order, (from) => expected[from] ?? []),
    );
  });

  property('have the same volume', 15, (random) => {
    const crystal = randomStructure(random, periodic);
    const volume = cellVolume(crystal) ?? Number.NaN;
    for (const other of [rotate(crystal, randomRotation(random)), swapHandedness(crystal), skewCell(crystal, random)]) {
      expect((cellVolume(other) ?? Number.NaN) / volume).toBeCloseTo(1, 9);
    }
    expect((cellVolume(supercell(crystal, [2, 1, 3])) ?? Number.NaN) / volume).toBeCloseTo(6, 9);
  });

  property('keep species with their atoms', 10, (random) => {
    const crystal = randomStructure(random, periodic);
    const order = randomOrder(random, atomCount(crystal));
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from(order, (_, i) => i));
    const { symbols, index } = renumber(crystal, order).species;
    expect(Array.from(index, (i) => symbols[i])).toEqual(
      Array.from(order, (from) => crystal.species.symbols[crystal.species.index[from] ?? -1]),
    );
    expect([...supercell(crystal, [1, 2, 1]).species.index]).toEqual([
      ...crystal.species.index,
      ...crystal.species.index,
    ]);
  });

  property('are rotations where they should be', 10, (random) => {
    const turn = randomRotation(random);
    const [a, b, c] = [turn.subarray(0, 3), turn.subarray(3, 6), turn.subarray(6, 9)];
    const dot = (u: Float64Array, v: Float64Array) => u.reduce((sum, component, i) => sum + component * (v[i] ?? 0), 0);
    expect(
      maxAbsDifference([dot(a, a), dot(b, b), dot(c, c), dot(a, b), dot(b, c), dot(c, a)], [1, 1, 1, 0, 0, 0]),
    ).toBeLessThan(1e-14);
    const triple =
      (a[0]! * b[1]! - a[1]! * b[0]!) * c[2]! +
      (a[1]! * b[2]! - a[2]! * b[1]!) * c[0]! +
      (a[2]! * b[0]! - a[0]! * b[2]!) * c[1]!;
    expect(triple).toBeCloseTo(1, 12);
  });

  it('need a cell, and periodic axes to repeat along', () => {
    const molecule = createStructure({ positions: new Float64Array(3) });
    expect(() => supercell(molecule, [1, 1, 1])).toThrow('no cell');
    const wire = createStructure({
      positions: new Float64Array(3),
      cell: Float64Array.of(2, 0, 0, 0, 9, 0, 0, 0, 9),
      pbc: [true, false, false],
    });
    expect(() => supercell(wire, [1, 2, 1])).toThrow('does not repeat');
    expect(atomCount(supercell(wire, [4, 1, 1]))).toBe(4);
  });
});

describe('bruteForceNeighbors', () => {
  it('finds the shells of the ideal crystals', () => {
    const shells: Record<CrystalName, readonly (readonly [number, number])[]> = {
      fcc: [
        [12, Math.SQRT1_2],
        [6, 1],
        [24, Math.sqrt(1.5)],
      ],
      bcc: [
        [8, Math.sqrt(0.75)],
        [6, 1],
        [12, Math.SQRT2],
      ],
      hcp: [
        [12, 1],
        [6, Math.SQRT2],
        [2, Math.sqrt(8 / 3)],
      ],
      diamond: [
        [4, Math.sqrt(3) / 4],
        [12, Math.SQRT1_2],
        [12, Math.sqrt(11) / 4],
      ],
      nacl: [
        [6, 0.5],
        [12, Math.SQRT1_2],
        [8, Math.sqrt(0.75)],
      ],
    };
    for (const crystal of crystalNames) {
      const expected = shells[crystal].flatMap(([size, distance]) => Array<number>(size).fill(2.5 * distance));
      const structure = idealCrystal(crystal, 2.5);
      for (const row of distancesOf(structure)) {
        expect(maxAbsDifference(row.slice(0, expected.length), expected)).toBeLessThan(1e-12);
      }
    }
  });

  it('says which image of which atom it found, and where', () => {
    const wire = createStructure({
      positions: Float64Array.of(0, 0, 0, 2.5, 1, 0),
      cell: Float64Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0),
      pbc: [true, false, false],
    });
    expect(
      bruteForceNeighbors(wire, 1.2).map(({ atom, neighbor, shift, vector }) => ({ atom, neighbor, shift, vector })),
    ).toEqual([
      { atom: 0, neighbor: 1, shift: [-1, 0, 0], vector: [-0.5, 1, 0] },
      { atom: 1, neighbor: 0, shift: [1, 0, 0], vector: [0.5, -1, 0] },
    ]);
  });

  it('does not count what lies at the cutoff, nor an atom as its own neighbour', () => {
    const dimer = createStructure({ positions: Float64Array.of(0, 0, 0, 0, 0, 2) });
    expect(bruteForceNeighbors(dimer, 2)).toEqual([]);
    expect(bruteForceNeighbors(dimer, 2.1)).toHaveLength(2);
  });
});
