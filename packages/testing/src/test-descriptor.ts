import {
  atomCount,
  type Context,
  checkDescriptor,
  checkDescriptorMatrix,
  createStructure,
  type Descriptor,
  type Precision,
  type Structure,
} from '@surprisal/core';
import { describe, expect, test } from 'vitest';
import { scatterImages, skewCell, supercell, swapHandedness } from './cell-descriptions.ts';
import { type CrystalName, crystalNames, idealCrystal } from './ideal-crystal.ts';
import { maxAbsDifference } from './max-abs-difference.ts';
import { property } from './property.ts';
import type { RandomStream } from './random-stream.ts';
import { type RandomStructureOptions, randomStructure } from './random-structure.ts';
import { randomOrder, renumber } from './renumber.ts';
import { randomRotation, rotate, translate } from './rigid-motion.ts';
import { randomSpecies, rewriteSpeciesTable } from './species-descriptions.ts';

/** What a descriptor's author may say about it. */
export interface TestDescriptorOptions extends Pick<Context, 'backend' | 'threads'> {
  /** Random structures for each property. Default 12. */
  readonly runs?: number;
  /** How far values may move that should not move, in the descriptor's unit. Default 1e-9. */
  readonly tolerance?: number;
  /**
   * Symbols of all atoms of the structures, for a descriptor that takes no others. Default: H, C, O, Cu in random
   * structures, those of their substance in ideal crystals.
   */
  readonly species?: readonly string[];
  /** Whether values must not jump where an atom crosses the cutoff. Default false. */
  readonly continuous?: boolean;
}

/** How many roundings to float32 may add up in a number that is stored so. */
const FLOAT32_ROUNDINGS = 16;

/**
 * The suite that every descriptor passes: what it declares, shape, finite values, float32 storage, determinism,
 * cancellation, and invariance under rotation, translation, renumbering, supercells and every other description of one
 * crystal, ideal crystals with their degenerate shells included; nothing beyond the cutoff matters, and input is left as
 * it was. With `continuous`, nothing jumps at the cutoff either.
 *
 * Call it at the top of a vitest file. What fails says what to do about it.
 *
 * @example
 * testDescriptor(quests());
 * testDescriptor(multicomponent({ species: ['Al', 'Ti'] }), { species: ['Al', 'Ti'] });
 */
export function testDescriptor(descriptor: Descriptor, options: TestDescriptorOptions = {}): void {
  const { runs = 12, tolerance = 1e-9, species, continuous = false, ...context } = options;

  const anyStructure = (random: RandomStream, more: RandomStructureOptions = {}) =>
    randomStructure(random, species === undefined ? more : { ...more, species });
  const anyCrystal = (random: RandomStream, name: CrystalName = random.pick(crystalNames)) =>
    species === undefined ? idealCrystal(name) : randomSpecies(idealCrystal(name), random, species);

  const compute = async (structures: readonly Structure[], precision: Precision = 'f64') => {
    const matrix = await descriptor.compute(structures, precision === 'f64' ? context : { ...context, precision });
    return checkDescriptorMatrix(matrix, descriptor, structures, precision);
  };
  const rowsOf = async (...structures: Structure[]) => (await compute(structures)).data;

  const expectSame = (actual: ArrayLike<number>, expected: ArrayLike<number>, advice: string) =>
    expect(maxAbsDifference(actual, expected), advice).toBeLessThan(tolerance);
  const expectSameRows = async (structure: Structure, other: Structure, advice: string) =>
    expectSame(await rowsOf(other), await rowsOf(structure), advice);

  const invariances: Record<string, (structure: Structure, random: RandomStream) => Promise<void>> = {
    'rotation and reflection of the atoms': async (structure, random) => {
      const advice = 'take distances and angles, not components of vectors; a mirror image is the same environment';
      const turn = randomRotation(random);
      const mirror = turn.map((component) => -component);
      await expectSameRows(structure, rotate(structure, turn), advice);
      await expectSameRows(structure, rotate(structure, mirror), advice);
    },
    translation: (structure, random) =>
      expectSameRows(
        structure,
        translate(structure, [random.between(-9, 9), random.between(-9, 9), random.between(-9, 9)]),
        'take differences of positions, not positions; atoms may lie outside of the cell',
      ),
    renumbering: async (structure, random) => {
      const order = randomOrder(random, atomCount(structure));
      const { columns } = descriptor;
      const rows = await rowsOf(structure);
      const expected = Array.from(order, (from) => [...rows.subarray(from * columns, (from + 1) * columns)]).flat();
      expectSame(
        await rowsOf(renumber(structure, order)),
        expected,
        'give rows in the order of the atoms; let no number of an atom decide, also not among neighbours at one distance',
      );
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
      expectSame(
        await rowsOf(supercell(structure, [a, b, c])),
        repeated,
        'count every image within the cutoff, also in cells shorter than it, and none along an axis that is not periodic',
      );
    },
    'the description of the cell': async (structure, random) => {
      if (structure.cell === null) return;
      const advice =
        'any vectors that span the lattice are one crystal: left-handed or skewed, and atoms outside of the cell';
      await expectSameRows(structure, swapHandedness(structure), advice);
      await expectSameRows(structure, skewCell(structure, random), advice);
      await expectSameRows(structure, scatterImages(structure, random), advice);
    },
    'the table of species': (structure) =>
      expectSameRows(
        structure,
        rewriteSpeciesTable(structure),
        'look at symbols, species.symbols[species.index[atom]], not at places in that table; it may hold symbols of no atom',
      ),
  };

  describe(`descriptor ${descriptor.name}, ${context.backend ?? 'auto'} backend`, () => {
    test('declares what it is', () => {
      checkDescriptor(descriptor);
    });

    for (const [change, check] of Object.entries(invariances)) {
      property(`does not change under ${change}`, runs, (random) => check(anyStructure(random), random));
      for (const crystal of crystalNames) {
        property(`does not change under ${change} of ideal ${crystal}`, 1, (random) =>
          check(anyCrystal(random, crystal), random),
        );
      }
    }

    property('gives one finite row for each atom, structures in order', runs, async (random) => {
      const empty = createStructure({ positions: new Float64Array(0) });
      const structures = [anyStructure(random), empty, anyStructure(random), anyCrystal(random)];
      const all = await compute(structures);
      const apart: number[] = [];
      for (const structure of structures) apart.push(...(await rowsOf(structure)));
      expect([...all.data], 'rows of several structures are those of each, one after the other').toEqual(apart);
    });

    property('stores the same numbers in float32', runs, async (random) => {
      const structures = [anyStructure(random)];
      const wide = await compute(structures);
      const narrow = await compute(structures, 'f32');
      // A few roundings of the largest number: small ones may be differences of such.
      const bound = FLOAT32_ROUNDINGS * 2 ** -24 * maxAbsDifference(wide.data, new Float64Array(wide.data.length));
      const advice = 'decide in float64 which atoms count, and compute in float32, if at all, only from differences';
      expect(maxAbsDifference(narrow.data, wide.data), advice).toBeLessThanOrEqual(bound);
    });

    const inParts = descriptor.computeParts?.bind(descriptor);
    if (inParts !== undefined) {
      property('gives the same rows in parts, every one once', runs, async (random) => {
        for (const structure of [anyStructure(random), anyCrystal(random)]) {
          for (const precision of ['f64', 'f32'] as const) {
            const { data, columns } = await compute([structure], precision);
            const pieced = data.slice().fill(Number.NaN);
            const most = random.whole(1, 7);
            for await (const { atoms, matrix } of inParts(structure, most, { ...context, precision })) {
              expect(matrix.rows, 'a part has no more rows than it may have').toBeLessThanOrEqual(most);
              expect([atoms.length, matrix.columns], 'one row for each atom that it names').toEqual([
                matrix.rows,
                columns,
              ]);
              atoms.forEach((atom, row) => {
                expect(pieced[atom * columns], `atom ${atom} comes once`).toBeNaN();
                pieced.set(matrix.data.subarray(row * columns, (row + 1) * columns), atom * columns);
              });
            }
            expect([...pieced], 'parts are the rows of the whole, to the bit').toEqual([...data]);
          }
        }
      });
    }

    property('gives the same bits again', runs, async (random) => {
      const structure = anyStructure(random);
      const again = 'nothing but structures and parameters may matter: no state, no random numbers without a seed';
      expect([...(await rowsOf(structure))], again).toEqual([...(await rowsOf(structure))]);
    });

    property('leaves structures as they were', runs, async (random) => {
      const structure = anyStructure(random);
      const before = structuredClone(structure);
      await rowsOf(structure);
      expect(structure, 'whoever receives a structure may read, but not write it').toEqual(before);
    });

    property('does not see beyond its cutoff', runs, async (random) => {
      const cluster = anyStructure(random, { pbc: [false, false, false] });
      const rows = await rowsOf(cluster);
      const larger = withOuterAtom(cluster, randomDirection(random), descriptor.cutoff * (1 + 1e-6));
      expectSame(
        (await rowsOf(larger)).subarray(0, rows.length),
        rows,
        'declare a larger cutoff, or leave out what lies beyond it',
      );
    });

    if (continuous) {
      property('does not jump where an atom crosses the cutoff', runs, async (random) => {
        const cluster = anyStructure(random, { pbc: [false, false, false] });
        const direction = randomDirection(random);
        const rowsAt = (distance: number) => rowsOf(withOuterAtom(cluster, direction, distance));
        const movesOver = async (width: number) =>
          maxAbsDifference(
            await rowsAt(descriptor.cutoff * (1 - width)),
            await rowsAt(descriptor.cutoff * (1 + width)),
          );
        // What is continuous moves less the narrower the step is; a jump stays as high as it is.
        const [wide, narrow] = [await movesOver(1e-3), await movesOver(1e-7)];
        expect(narrow, 'let the weight of a neighbour go to 0 at the cutoff, as (1 − (r/r_c)²)² does').toBeLessThan(
          Math.max(tolerance, 0.1 * wide),
        );
      });
    }

    test('has no rows for no structures', async () => {
      await compute([]);
    });

    property('stops when its signal has fired', 1, async (random) => {
      const code = await descriptor
        .compute([anyCrystal(random, 'fcc')], { ...context, signal: AbortSignal.abort() })
        .then(
          () => 'none, it went on',
          (error) => error.code,
        );
      expect(code, 'call throwIfAborted(context.signal), and again within long loops').toBe('ABORTED');
    });
  });
}

function randomDirection(random: RandomStream): Vector {
  const components = [random.gaussian(), random.gaussian(), random.gaussian()];
  const norm = Math.hypot(...components);
  return components.map((component) => component / norm) as unknown as Vector;
}

type Vector = readonly [number, number, number];

/**
 * The structure with one more atom, of the species of its first: at just that distance from the atom that lies farthest in
 * some direction, so at least that far from all others.
 *
 * @param direction  of length 1
 */
function withOuterAtom(structure: Structure, direction: Vector, distance: number): Structure {
  const { positions, species, cell, pbc } = structure;
  const height = (atom: number) =>
    direction.reduce((sum, component, xyz) => sum + component * (positions[3 * atom + xyz] as number), 0);
  let highest = 0;
  for (let atom = 1; atom < atomCount(structure); atom++) if (height(atom) > height(highest)) highest = atom;
  const added = direction.map((component, xyz) => (positions[3 * highest + xyz] as number) + component * distance);
  return createStructure({
    positions: Float64Array.of(...positions, ...added),
    species: { symbols: species.symbols, index: Uint16Array.of(...species.index, species.index[0] as number) },
    cell,
    pbc,
  });
}
