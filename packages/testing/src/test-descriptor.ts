import {
  atomCount,
  type Context,
  createStructure,
  type Descriptor,
  type Matrix,
  type Structure,
} from '@surprisal/core';
import { describe, expect, test } from 'vitest';
import { scatterImages, skewCell, supercell, swapHandedness } from './cell-descriptions.ts';
import { crystalNames, idealCrystal } from './ideal-crystal.ts';
import { maxAbsDifference } from './max-abs-difference.ts';
import { property } from './property.ts';
import type { RandomStream } from './random-stream.ts';
import { randomStructure } from './random-structure.ts';
import { randomOrder, renumber } from './renumber.ts';
import { randomRotation, rotate, translate } from './rigid-motion.ts';

/** What a descriptor's author may say about it. */
export interface TestDescriptorOptions extends Pick<Context, 'backend' | 'threads'> {
  /** Random structures for each property. Default 12. */
  readonly runs?: number;
  /** How far values may move that should not move, in the descriptor's unit. Default 1e-9. */
  readonly tolerance?: number;
}

/**
 * The suite that every descriptor passes: shape, finite values, float32 storage, determinism, cancellation, and invariance under
 * rotation, translation, renumbering, supercells and every other description of one crystal, ideal crystals with their
 * degenerate shells included; nothing beyond the cutoff matters.
 *
 * Call it at the top of a vitest file.
 *
 * @example
 * testDescriptor(quests());
 */
export function testDescriptor(descriptor: Descriptor, options: TestDescriptorOptions = {}): void {
  const { runs = 12, tolerance = 1e-9, ...context } = options;
  const rowsOf = async (...structures: Structure[]) => (await descriptor.compute(structures, context)).data;

  const expectSameRows = async (structure: Structure, other: Structure) => {
    expect(maxAbsDifference(await rowsOf(other), await rowsOf(structure))).toBeLessThan(tolerance);
  };

  const invariances: Record<string, (structure: Structure, random: RandomStream) => Promise<void>> = {
    'rotation and reflection of the atoms': async (structure, random) => {
      const turn = randomRotation(random);
      await expectSameRows(structure, rotate(structure, turn));
      await expectSameRows(
        structure,
        rotate(
          structure,
          turn.map((component) => -component),
        ),
      );
    },
    translation: (structure, random) =>
      expectSameRows(
        structure,
        translate(structure, [random.between(-9, 9), random.between(-9, 9), random.between(-9, 9)]),
      ),
    renumbering: async (structure, random) => {
      const order = randomOrder(random, atomCount(structure));
      const { columns } = descriptor;
      const rows = await rowsOf(structure);
      const expected = Array.from(order, (from) => [...rows.subarray(from * columns, (from + 1) * columns)]).flat();
      expect(maxAbsDifference(await rowsOf(renumber(structure, order)), expected)).toBeLessThan(tolerance);
    },
    supercells: async (structure, random) => {
      if (structure.cell === null) return;
      const [a, b, c] = structure.pbc.map((periodic) => (periodic ? random.whole(1, 2) : 1)) as [
        number,
        number,
        number,
      ];
      const rows = await rowsOf(structure);
      const repeated = Array.from({ length: a * b * c }, () => [...rows]).flat();
      expect(maxAbsDifference(await rowsOf(supercell(structure, [a, b, c])), repeated)).toBeLessThan(tolerance);
    },
    'the description of the cell': async (structure, random) => {
      if (structure.cell === null) return;
      await expectSameRows(structure, swapHandedness(structure));
      await expectSameRows(structure, skewCell(structure, random));
      await expectSameRows(structure, scatterImages(structure, random));
    },
  };

  describe(`descriptor ${descriptor.name}, ${context.backend ?? 'auto'} backend`, () => {
    for (const [change, check] of Object.entries(invariances)) {
      property(`does not change under ${change}`, runs, (random) => check(randomStructure(random), random));
      for (const crystal of crystalNames) {
        property(`does not change under ${change} of ideal ${crystal}`, 1, (random) =>
          check(idealCrystal(crystal), random),
        );
      }
    }

    property('gives one finite row for each atom, structures in order', runs, async (random) => {
      const structures = [randomStructure(random), randomStructure(random), idealCrystal(random.pick(crystalNames))];
      const all = await descriptor.compute(structures, context);
      expect(all.rows).toBe(structures.reduce((sum, structure) => sum + atomCount(structure), 0));
      expect(all.columns).toBe(descriptor.columns);
      expect(all.data).toBeInstanceOf(Float64Array);
      expect(all.data.every(Number.isFinite)).toBe(true);
      const apart: number[] = [];
      for (const structure of structures) apart.push(...(await rowsOf(structure)));
      expect([...all.data]).toEqual(apart);
    });

    property('stores the same numbers in float32', runs, async (random) => {
      const structures = [randomStructure(random)];
      const wide = await descriptor.compute(structures, context);
      const narrow = await descriptor.compute(structures, { ...context, precision: 'f32' });
      expect(narrow.data).toBeInstanceOf(Float32Array);
      expect([...narrow.data]).toEqual([...Float32Array.from(wide.data)]);
    });

    property('gives the same bits again', runs, async (random) => {
      const structure = randomStructure(random);
      expect([...(await rowsOf(structure))]).toEqual([...(await rowsOf(structure))]);
    });

    property('does not see beyond its cutoff', runs, async (random) => {
      const cluster = randomStructure(random, { pbc: [false, false, false] });
      const rows = await rowsOf(cluster);
      const far = farFrom(cluster, descriptor.cutoff * (1 + 1e-6), random);
      const larger = createStructure({ positions: Float64Array.of(...cluster.positions, ...far) });
      expect(maxAbsDifference((await rowsOf(larger)).subarray(0, rows.length), rows)).toBeLessThan(tolerance);
    });

    test('has no rows for no structures', async () => {
      const nothing: Matrix = await descriptor.compute([], context);
      expect([nothing.rows, nothing.columns]).toEqual([0, descriptor.columns]);
    });

    test('stops when its signal has fired', async () => {
      const signal = AbortSignal.abort();
      const stopped = descriptor.compute([idealCrystal('fcc')], { ...context, signal });
      await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    });
  });
}

/** A point at least `distance` away from every atom, and at just that distance from one of them where that can be. */
function farFrom(structure: Structure, distance: number, random: RandomStream): [number, number, number] {
  const { positions } = structure;
  const direction = [random.gaussian(), random.gaussian(), random.gaussian()];
  const norm = Math.hypot(...direction);
  const height = (atom: number) =>
    direction.reduce((sum, component, xyz) => sum + (component / norm) * (positions[3 * atom + xyz] as number), 0);
  let highest = 0;
  for (let atom = 1; atom < atomCount(structure); atom++) if (height(atom) > height(highest)) highest = atom;
  return direction.map(
    (component, xyz) => (positions[3 * highest + xyz] as number) + (component / norm) * distance,
  ) as [number, number, number];
}
