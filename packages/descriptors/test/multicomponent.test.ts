import { atomCount, createStructure, type Matrix, matrixRows, type Progress, type Structure } from '@surprisal/core';
import { multicomponent, quests, speciesOf } from '@surprisal/descriptors';
import {
  idealCrystal,
  maxAbsDifference,
  property,
  randomStructure,
  supercell,
  testDescriptor,
} from '@surprisal/testing';
import { describe, expect, it } from 'vitest';

const ORGANIC = ['O', 'H', 'C'];

/** The symbol of each atom. */
function symbolsOf({ species: { symbols, index } }: Structure): string[] {
  return Array.from(index, (place) => symbols[place] as string);
}

/** The structure without the atoms of other species. */
function keepOnly(structure: Structure, symbol: string): Structure {
  const kept = symbolsOf(structure).map((other) => other === symbol);
  const { cell, pbc } = structure;
  return createStructure({ positions: structure.positions.filter((_, i) => kept[Math.floor(i / 3)]), cell, pbc });
}

for (const backend of ['reference', 'native'] as const) {
  testDescriptor(multicomponent({ species: ORGANIC }), { backend, species: ORGANIC, continuous: true, runs: 8 });
  testDescriptor(multicomponent({ species: ['Ti', 'Al'], k: 6, cutoff: 4, parts: 'x1' }), {
    backend,
    species: ['Al', 'Ti'],
    runs: 5,
  });
}

describe.each(['reference', 'native'] as const)('multicomponent, %s backend', (backend) => {
  property('is the descriptor among all atoms, then among those of each species, else zero', 10, async (random) => {
    const structures = [randomStructure(random, { species: ORGANIC }), randomStructure(random, { species: ['C'] })];
    const plain = quests({ k: 8 });
    const x = await multicomponent({ k: 8, species: ORGANIC }).compute(structures, { backend });
    expect([x.rows, x.columns]).toEqual([atomCount(structures[0]!) + atomCount(structures[1]!), 4 * 15]);
    let row = 0;
    for (const structure of structures) {
      const together = await plain.compute([structure], { backend });
      const alone = new Map<string, Matrix>();
      for (const symbol of ORGANIC) alone.set(symbol, await plain.compute([keepOnly(structure, symbol)], { backend }));
      const met = new Map<string, number>();
      for (const [atom, own] of symbolsOf(structure).entries()) {
        const place = met.get(own) ?? 0;
        met.set(own, place + 1);
        const expected = [
          matrixRows(together, atom, atom + 1).data,
          ...ORGANIC.map((symbol) =>
            symbol === own ? matrixRows(alone.get(own)!, place, place + 1).data : new Float64Array(15),
          ),
        ].flatMap((block) => [...block]);
        expect([...matrixRows(x, row, row + 1).data]).toEqual(expected);
        row++;
      }
    }
  });

  property('is the plain descriptor for one species', 5, async (random) => {
    const structure = randomStructure(random, { species: ['Si'] });
    const one = multicomponent({ species: ['Si'] });
    expect(one.columns).toBe(63);
    const x = await one.compute([structure], { backend });
    expect(maxAbsDifference(x.data, (await quests().compute([structure], { backend })).data)).toBe(0);
  });

  property('has its blocks in the order of the list', 5, async (random) => {
    const structure = randomStructure(random, { species: ['H', 'O'] });
    const there = await multicomponent({ species: ['H', 'O'], k: 4 }).compute([structure], { backend });
    const back = await multicomponent({ species: ['O', 'H'], k: 4 }).compute([structure], { backend });
    const swapped = Array.from({ length: there.rows }, (_, row) => {
      const values = [...matrixRows(there, row, row + 1).data];
      return [...values.slice(0, 7), ...values.slice(14), ...values.slice(7, 14)];
    });
    expect([...back.data]).toEqual(swapped.flat());
  });

  it('gives the atoms of rock salt their own sublattice, an fcc crystal', async () => {
    const salt = idealCrystal('nacl');
    const x = await multicomponent({ species: ['Na', 'Cl'] }).compute([salt], { backend });
    const sublattice = await quests().compute([idealCrystal('fcc', 5.64)], { backend });
    const ofSodium = matrixRows(x, 0, 1).data;
    expect(maxAbsDifference(ofSodium.subarray(63, 126), matrixRows(sublattice, 0, 1).data)).toBeLessThan(1e-13);
    expect(ofSodium.subarray(126).every((value) => value === 0)).toBe(true);
  });

  it('names an atom of another species, its structure, and what to do', async () => {
    const water = createStructure({ positions: Float64Array.of(0, 0, 0, 0, 0, 1), species: ['O', 'H'] });
    for (const species of [['O', 'C'], ['O']]) {
      await expect(
        multicomponent({ species }).compute([keepOnly(water, 'N'), water], { backend }),
      ).rejects.toMatchObject({
        name: 'SurprisalError',
        code: 'INVALID_ARGUMENT',
        message: `atom 2 of structure 2 is H, which is not among the species ${species.join(', ')}; add H to them`,
        details: { structure: 1, atom: 1, symbol: 'H' },
      });
    }
  });

  it('does not mind a species of which there is no atom', async () => {
    const { data } = await multicomponent({ species: ['Xe', 'Cu'] }).compute([idealCrystal('fcc')], { backend });
    expect(data.subarray(63, 126).every((value) => value === 0)).toBe(true);
    expect(maxAbsDifference(data.subarray(126, 189), data.subarray(0, 63))).toBeLessThan(1e-14);
  });

  it('finds coincident atoms of different species by the numbers of their structure', async () => {
    const twice = createStructure({ positions: Float64Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0), species: ['H', 'H', 'O'] });
    await expect(multicomponent({ species: ['H', 'O'] }).compute([twice], { backend })).rejects.toMatchObject({
      code: 'COINCIDENT_ATOMS',
      message: expect.stringContaining('atoms 2 and 3 of structure 1'),
    });
  });

  it('stops in mid-call, and says how far it is', async () => {
    const salt = supercell(idealCrystal('nacl'), backend === 'native' ? [28, 28, 28] : [9, 9, 9]);
    const controller = new AbortController();
    const seen: Progress[] = [];
    const running = multicomponent({ species: ['Na', 'Cl'] }).compute([salt], {
      backend,
      signal: controller.signal,
      onProgress: (progress) => {
        seen.push(progress);
        // In the second half: of every atom among all others, and again among those of its species.
        if (progress.done > atomCount(salt)) controller.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    expect(seen.every(({ done, total }) => total === 2 * atomCount(salt) && done <= total)).toBe(true);
  });

  it('gives the same bits on any number of threads, in either precision', async () => {
    const salt = supercell(idealCrystal('nacl'), [3, 3, 3]);
    const compute = async (threads: number, precision: 'f32' | 'f64') =>
      (await multicomponent({ species: ['Cl', 'Na'] }).compute([salt], { backend, threads, precision })).data;
    const wide = await compute(1, 'f64');
    expect(maxAbsDifference(await compute(7, 'f64'), wide)).toBe(0);
    const narrow = await compute(1, 'f32');
    expect(maxAbsDifference(await compute(2, 'f32'), narrow)).toBe(0);
    expect(maxAbsDifference(narrow, wide)).toBeLessThan(2e-7);
  });
});

describe('multicomponent', () => {
  it('says what its values depend on', () => {
    expect(multicomponent({ species: ['Al', 'Ti'], k: 16 })).toMatchObject({
      name: 'multicomponent',
      columns: 3 * 31,
      cutoff: 5,
      parameters: { k: 16, cutoff: 5, tieTolerance: 1e-6, parts: 'x1x2', species: 'Al,Ti' },
    });
  });

  it.each([
    [{ species: [] }, 'no species are given'],
    [{ species: undefined as unknown as string[] }, 'no species are given'],
    [{ species: 'Al' as unknown as string[] }, 'no species are given'],
    [{ species: ['Al', ''] }, 'species hold ""'],
    [{ species: [13 as unknown as string] }, 'species hold 13'],
    [{ species: ['Al', 'Ti', 'Al'] }, 'species hold Al twice'],
    [{ species: ['Al'], k: 0 }, 'k is 0'],
  ])('refuses %o', (options, message) => {
    expect(() => multicomponent(options)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) }),
    );
  });
});

describe('speciesOf', () => {
  it('is what atoms are, sorted, each once', () => {
    const positions = Float64Array.of(0, 0, 0, 0, 0, 1);
    const water = createStructure({ positions, species: ['O', 'H'] });
    const metal = createStructure({ positions, species: { symbols: ['Zr', 'Al', 'O'], index: Uint16Array.of(1, 2) } });
    expect(speciesOf([water, metal, water])).toEqual(['Al', 'H', 'O']);
    expect(speciesOf([])).toEqual([]);
  });
});
