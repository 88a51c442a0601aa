import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Column, createStructure, type Pbc, type Structure } from '@surprisal/core';
import { formatStructures, type StructureFormat, WRITABLE_FORMATS } from '@surprisal/io';
import { openStructures, writeStructures } from '@surprisal/io/node';
import { bruteForceNeighbors, maxAbsDifference, property, randomStructure } from '@surprisal/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readText, symbolsOf } from './read-text.ts';

const CELL = Float64Array.of(4, 0, 0, 0, 5, 0, 0, 0, 6);

function structureOf(rest: {
  readonly cell?: Float64Array | null;
  readonly pbc?: Pbc;
  readonly species?: string[];
  readonly columns?: [string, Column][];
}): Structure {
  const { cell = CELL, species = ['Cu', 'O'], columns = [], pbc } = rest;
  return createStructure({
    positions: Float64Array.of(0, 0, 0, 1, 2, 3),
    species,
    cell,
    columns: new Map(columns),
    ...(pbc && { pbc }),
  });
}

const real = (width: number, ...values: number[]): Column => ({
  kind: 'real',
  width,
  values: Float64Array.from(values),
});

async function written(format: StructureFormat, ...structures: Structure[]): Promise<{ text: string; said: string[] }> {
  const said: string[] = [];
  let text = '';
  const pieces = formatStructures(structures, { format, onWarning: (message) => said.push(message) });
  for await (const piece of pieces) text += piece;
  return { text, said };
}

async function refused(format: StructureFormat, ...structures: Structure[]): Promise<string> {
  return written(format, ...structures).then(
    () => 'written',
    (error: Error) => error.message,
  );
}

/** Distances to all neighbours of all atoms, in order. */
function distances(structure: Structure): number[] {
  return bruteForceNeighbors(structure, 4)
    .map(({ distance }) => distance)
    .sort((a, b) => a - b);
}

describe('what is written', () => {
  it('is what VASP and LAMMPS want', async () => {
    const column = { kind: 'logical', width: 3, values: Uint8Array.of(1, 1, 0, 0, 0, 0) } as const;
    const structure = structureOf({
      columns: [
        ['selective', column],
        ['velocities', real(3, 1, 0, 0, 0, -0.5, 0)],
      ],
    });
    expect((await written('poscar', structure)).text).toBe(
      'Cu O\n1.0\n4 0 0\n0 5 0\n0 0 6\nCu O\n1 1\nSelective dynamics\nCartesian\n0 0 0 T T F\n1 2 3 F F F\n\n1 0 0\n0 -0.5 0\n',
    );
    expect((await written('xdatcar', structureOf({}), structureOf({}))).text).toBe(
      'Cu O\n1.0\n4 0 0\n0 5 0\n0 0 6\nCu O\n1 1\nDirect configuration= 1\n0 0 0\n0.25 0.4 0.5\nDirect configuration= 2\n0 0 0\n0.25 0.4 0.5\n',
    );
    const charged = structureOf({
      columns: [
        ['q', real(1, 2, -2)],
        ['velocities', real(3, 1, 0, 0, 0, -0.5, 0)],
      ],
    });
    expect((await written('lammps-data', charged)).text).toBe(
      'LAMMPS data file, units = metal\n\n2 atoms\n2 atom types\n\n0 4 xlo xhi\n0 5 ylo yhi\n0 6 zlo zhi\n\nMasses\n\n1 63.546 # Cu\n2 15.999 # O\n\nAtoms # charge\n\n1 1 2 0 0 0\n2 2 -2 1 2 3\n\nVelocities\n\n1 1000 0 0\n2 0 -500 0\n',
    );
    expect((await written('lammps-dump', structureOf({ pbc: [true, false, true] }))).text).toBe(
      'ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp ff pp\n0 4\n0 5\n0 6\nITEM: ATOMS id type element x y z\n1 1 Cu 0 0 0\n2 2 O 1 2 3\n',
    );
    expect((await written('xyz', structureOf({ cell: null }))).text).toBe('2\n\nCu 0 0 0\nO 1 2 3\n');
  });

  it('names everything that a format has no place for', async () => {
    const structure = createStructure({
      positions: Float64Array.of(0, 0, 0),
      species: 'Cu',
      cell: CELL,
      pbc: [true, true, false],
      columns: new Map<string, Column>([
        ['forces', real(3, 1, 2, 3)],
        ['name', { kind: 'string', width: 1, values: ['a'] }],
      ]),
      info: new Map([['energy', { kind: 'real', shape: [], values: Float64Array.of(-1) }]]),
    });
    const no = (format: string, what: string) => `<output>: ${format} has no place for the ${what}; it is left out`;
    const boundaries = (format: string) =>
      `<output>: ${format} has no place for boundaries: c will be read as periodic`;
    const several = (format: string, what: string) => `<output>: ${format} has no place for ${what}; they are left out`;
    const everything = (format: string) => [several(format, 'the columns "forces", "name" and the value "energy"')];
    expect((await written('xyz', structure, structure)).said).toEqual([
      ...everything('plain XYZ'),
      no('plain XYZ', 'cell'),
    ]);
    expect((await written('poscar', structure)).said).toEqual([boundaries('POSCAR'), ...everything('POSCAR')]);
    expect((await written('xdatcar', structure, structure)).said).toEqual([
      boundaries('XDATCAR'),
      ...everything('XDATCAR'),
    ]);
    expect((await written('lammps-data', structure)).said).toEqual([
      boundaries('LAMMPS data'),
      ...everything('LAMMPS data'),
    ]);
    expect((await written('lammps-dump', structure, structure)).said).toEqual([
      '<output>: the column "forces" is written as fx fy fz',
      several('LAMMPS dump', 'the column "name" and the value "energy"'),
    ]);
    const labelled = createStructure({ positions: Float64Array.of(0, 0, 0), species: 'Cu', info: structure.info });
    expect((await written('xyz', labelled, structure)).said).toEqual([
      no('plain XYZ', 'value "energy"'),
      several('plain XYZ', 'the columns "forces", "name"'),
      no('plain XYZ', 'cell'),
    ]);
    expect((await written('extxyz', structure)).said).toEqual([]);
  });

  it('is refused where the format cannot hold it', async () => {
    const one = structureOf({});
    expect(await refused('poscar', one, one)).toContain('write xdatcar or extxyz');
    expect(await refused('lammps-data', one, one)).toContain('write lammps-dump or extxyz');
    const loose = structureOf({ cell: null });
    expect(await refused('poscar', loose)).toContain('the structure has no cell, which POSCAR needs');
    expect(await refused('xdatcar', loose)).toContain('the structure has no cell, which XDATCAR needs');
    const flat = structureOf({ cell: Float64Array.of(4, 0, 0, 0, 5, 0, 0, 0, 0), pbc: [true, true, false] });
    expect(await refused('poscar', flat)).toContain('has a cell without volume');
    expect(await refused('lammps-data', flat)).toContain('has a cell without volume');
    for (const symbol of ['two words', '', '12', '-1x', 'a#b', 'a/b']) {
      expect(await refused('poscar', structureOf({ species: ['Cu', symbol] })), symbol).toContain('rename it');
    }
    for (const format of ['xyz', 'extxyz', 'lammps-data', 'lammps-dump'] as const) {
      expect(await refused(format, structureOf({ species: ['Cu', 'a b'] })), format).toMatch(/rename it|white space/);
    }
    for (const format of WRITABLE_FORMATS) expect(await refused(format), format).toContain('no structure to write');
    const none = createStructure({ positions: new Float64Array(0), cell: CELL });
    expect(await refused('poscar', none)).toContain('without atoms');
    expect(await refused('cif' as StructureFormat, one)).toContain('is not written; the formats that are: ');
  });

  it('keeps a slab without a third cell vector in a dump, and draws a box around a molecule', async () => {
    const slab = structureOf({ cell: Float64Array.of(4, 0, 0, 0, 5, 0, 0, 0, 0), pbc: [true, true, false] });
    const [again] = await readText((await written('lammps-dump', slab)).text);
    expect([again?.cell, again?.pbc]).toEqual([slab.cell, slab.pbc]);
    const molecule = structureOf({ cell: null });
    for (const format of ['lammps-dump', 'lammps-data'] as const) {
      const { text, said } = await written(format, molecule);
      expect(said[0]).toContain('a box around the atoms is written');
      const [read] = (await readText(text)) as [Structure];
      expect(read.positions).toEqual(molecule.positions);
      expect([...(read.cell as Float64Array)]).toEqual([3, 0, 0, 0, 4, 0, 0, 0, 5]);
    }
  });

  it('counts species in the order of the atoms', async () => {
    const mixed = createStructure({ positions: new Float64Array(12), species: ['O', 'H', 'H', 'O'], cell: CELL });
    const { text, said } = await written('poscar', mixed);
    expect(text).toContain('\nO H O\n1 2 1\n');
    expect(said[0]).toContain('VASP wants a potential for each time');
    expect(symbolsOf((await readText(text))[0] as Structure)).toEqual(['O', 'H', 'H', 'O']);
  });

  it('keeps ids and types where they mean something', async () => {
    const integer = (...values: number[]): Column => ({ kind: 'integer', width: 1, values: Float64Array.from(values) });
    const kept = structureOf({
      columns: [
        ['id', integer(3, 9)],
        ['type', integer(4, 1)],
      ],
    });
    for (const format of ['lammps-data', 'lammps-dump'] as const) {
      const [read] = await readText((await written(format, kept)).text);
      expect([read?.columns.get('id'), read?.columns.get('type')]).toEqual([integer(3, 9), integer(4, 1)]);
      expect(symbolsOf(read as Structure)).toEqual(['Cu', 'O']);
    }
    const useless = structureOf({
      columns: [
        ['id', integer(3, 3)],
        ['type', integer(1, 1)],
      ],
    });
    const { text, said } = await written('lammps-dump', useless);
    expect(said).toEqual([
      '<output>: the types in the column "type" are not the species, one for one; they are numbered anew',
      '<output>: the column "id" does not tell the atoms apart; they are numbered anew',
      '<output>: the column "id" is written as id_',
      '<output>: the column "type" is written as type_',
    ]);
    expect((await readText(text))[0]?.columns.get('id_')).toEqual(integer(3, 3));
    expect((await written('lammps-data', structureOf({ columns: [['id', integer(9, 3)]] }))).said).toEqual([
      '<output>: the ids are not in order; readers sort atoms by id',
    ]);
  });

  it('gives labels to types that are no elements, each its own', async () => {
    const integer = (...values: number[]): Column => ({ kind: 'integer', width: 1, values: Float64Array.from(values) });
    const gaps = await written('lammps-data', structureOf({ columns: [['type', integer(4, 1)]] }));
    expect(gaps.text).toContain('\nAtom Type Labels\n\n1 O\n2 X2\n3 X3\n4 Cu\n\nMasses\n\n1 15.999 # O\n2 1.0 # X2\n');
    const shared = structureOf({ species: ['A', 'A'], columns: [['type', integer(1, 2)]] });
    const { text, said } = await written('lammps-data', shared);
    expect(text).toContain('\n1 atom types\n');
    expect(said[0]).toContain('they are numbered anew');
    expect(symbolsOf((await readText(text))[0] as Structure)).toEqual(['A', 'A']);
  });

  it('has velocities in the units of each format, whichever they came from', async () => {
    const structure = structureOf({ columns: [['velocities', real(3, 0.25, 0, 0, 0, -0.5, 1)]] });
    for (const format of ['poscar', 'lammps-data'] as const) {
      const [read] = await readText((await written(format, structure)).text);
      expect(read?.columns.get('velocities')).toEqual(structure.columns.get('velocities'));
    }
    const [dumped] = (await readText((await written('lammps-dump', structure)).text)) as [Structure];
    expect(dumped.columns.get('vx')).toEqual(real(1, 250, 0));
    const [read] = await readText((await written('poscar', dumped)).text);
    expect(read?.columns.get('velocities')).toEqual(structure.columns.get('velocities'));
  });

  property('is the same crystal in the frame of LAMMPS', 25, async (random) => {
    const structure = randomStructure(random, { pbc: [true, true, true] });
    const turned = (await written('lammps-data', structure)).text;
    const [again] = (await readText(turned)) as [Structure];
    expect(maxAbsDifference(distances(again), distances(structure))).toBeLessThan(1e-9);
    const { text } = await written('lammps-dump', structure);
    const [dumped] = (await readText(text)) as [Structure];
    expect(dumped.positions).toEqual(structure.positions);
    expect(maxAbsDifference(dumped.cell as Float64Array, structure.cell as Float64Array)).toBeLessThan(1e-12);
  });

  property('comes back from every format of cells', 25, async (random) => {
    const structure = randomStructure(random, { pbc: [true, true, true] });
    for (const [format, tolerance] of [
      ['poscar', 0],
      ['xdatcar', 1e-10],
      ['extxyz', 0],
    ] as const) {
      const { text } = await written(format, structure);
      const [again] = (await readText(text, { format })) as [Structure];
      expect(maxAbsDifference(again.positions, structure.positions), format).toBeLessThanOrEqual(tolerance);
      expect(again.cell, format).toEqual(structure.cell);
      expect(symbolsOf(again)).toEqual(symbolsOf(structure));
    }
  });
});

describe('writeStructures', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'surprisal-formats-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it.each([
    ['POSCAR', '1.0\n'],
    ['a.vasp.gz', '1.0\n'],
    ['XDATCAR', 'Direct configuration='],
    ['a.lmp', 'xlo xhi'],
    ['data.a', 'xlo xhi'],
    ['a.dump', 'ITEM: '],
    ['a.lammpstrj.gz', 'ITEM: '],
    ['a.extxyz', 'Properties='],
  ])('takes the format of %s from its name', async (name, part) => {
    const path = join(folder, name);
    await writeStructures(path, [structureOf({})]);
    const bytes = await readFile(path);
    expect((name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()).toContain(part);
    for await (const { positions } of openStructures(path)) expect([...positions]).toEqual([0, 0, 0, 1, 2, 3]);
  });

  it('takes the format that is given, and leaves nothing where it is refused', async () => {
    const path = join(folder, 'a.dump');
    await writeStructures(path, [structureOf({})], { format: 'xyz' });
    expect(await readFile(path, 'utf8')).toBe('2\n\nCu 0 0 0\nO 1 2 3\n');
    const twice = writeStructures(join(folder, 'POSCAR'), [structureOf({}), structureOf({})]);
    await expect(twice).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(readFile(join(folder, 'POSCAR'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(writeStructures(join(folder, 'a.unheard'), [])).rejects.toThrow('known are .dump, ');
  });
});

describe('streams', () => {
  it('are written as they come', async () => {
    const seen: number[] = [];
    async function* frames(): AsyncGenerator<Structure, void> {
      for (let frame = 0; frame < 3; frame++) {
        seen.push(frame);
        yield structureOf({});
      }
    }
    const pieces = formatStructures(frames(), { format: 'xdatcar' });
    await pieces.next();
    expect(seen).toEqual([0]);
    await pieces.return();
  });
});
