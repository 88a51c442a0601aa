import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { atomCount, type Structure } from '@surprisal/core';
import { formatExtxyz, formatStructures, WRITABLE_FORMATS } from '@surprisal/io';
import { openStructures, readMatrix } from '@surprisal/io/node';
import { maxAbsDifference, outsideTest } from '@surprisal/testing';
import { describe, expect } from 'vitest';
import { readText, refusal } from './read-text.ts';

interface IndexRow {
  readonly file: string;
  readonly format: string;
  readonly frames: number | undefined;
  /** Over all frames. */
  readonly atoms: number | undefined;
  readonly species: readonly string[];
  readonly pbc: string;
  readonly cell: string;
}

/** The rows of the table in INDEX.md. */
function indexRows(folder: string): IndexRow[] {
  const rows: IndexRow[] = [];
  for (const line of readFileSync(join(folder, 'INDEX.md'), 'utf8').split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim());
    const [, file, , format, frames, atoms, species, pbc, cell] = cells;
    if (file === undefined || cells.length < 11 || !/\/|\.xyz/.test(file)) continue;
    rows.push({
      file,
      format: format as string,
      frames: /^\d+$/.test(frames as string) ? Number(frames) : undefined,
      atoms: Number(/\((\d+)\)/.exec(atoms as string)?.[1] ?? Number.NaN) || undefined,
      species: (species as string).split(','),
      pbc: pbc as string,
      cell: cell as string,
    });
  }
  return rows;
}

async function readAll(path: string): Promise<Structure[]> {
  const structures: Structure[] = [];
  for await (const structure of openStructures(path)) structures.push(structure);
  return structures;
}

const READABLE = /^(extxyz|lammps-dump-text|lammps-data|vasp|vasp-xdatcar|cif)$/;
/** Declares two atoms more than it holds. */
const SHORT = 'lammps/conf.triclinic.dump';

describe('outside data', () => {
  outsideTest('every structure file reads as the index says', async (folder) => {
    const rows = indexRows(folder).filter(
      ({ file, format }) => READABLE.test(format) && !/^bad\//.test(file) && file !== SHORT,
    );
    expect(rows.length).toBeGreaterThan(60);
    for (const row of rows) {
      const structures = await readAll(join(folder, row.file));
      const atoms = structures.reduce((sum, structure) => sum + atomCount(structure), 0);
      if (row.frames !== undefined)
        expect([row.file, structures.length, atoms]).toEqual([row.file, row.frames, row.atoms]);
      if (!/^ 0 atoms/m.test(readFileSync(join(folder, row.file), 'latin1').slice(0, 200))) {
        expect(atoms, row.file).toBeGreaterThan(0);
      }
      const symbols = new Set(structures.flatMap(({ species }) => species.symbols));
      const isNamed = row.format === 'extxyz' || structures[0]?.columns.has('type') !== true;
      if (row.frames !== undefined && isNamed)
        expect([row.file, [...symbols].sort()]).toEqual([row.file, [...row.species].sort()]);
      else if (row.frames !== undefined) expect([row.file, symbols.size]).toEqual([row.file, row.species.length]);
      if (row.pbc === '-') continue;
      // The index speaks of what another reader saw in any frame: the first one stands for all here.
      const first = structures[0] as Structure;
      const pbc = first.pbc.map((periodic) => (periodic ? 'T' : 'F')).join('');
      expect([row.file, pbc, first.cell === null]).toEqual([row.file, row.pbc, row.cell === 'none']);
    }
  });

  outsideTest('every file of edge/ reads', async (folder) => {
    for (const name of readdirSync(join(folder, 'edge'))) {
      const [structure, ...others] = await readAll(join(folder, 'edge', name));
      expect([name, others.length]).toEqual([name, 0]);
      expect(atomCount(structure as Structure), name).toBeGreaterThan(0);
      if (name.startsWith('slab_')) {
        const pbc = (structure as Structure).pbc.map((periodic) => (periodic ? 'T' : 'F')).join('');
        expect(name).toContain(pbc);
      }
    }
  });

  outsideTest('everything written again reads the same', async (folder) => {
    const rows = indexRows(folder).filter(
      ({ file, format }) => READABLE.test(format) && !/^bad\//.test(file) && file !== SHORT,
    );
    for (const { file } of rows) {
      const structures = await readAll(join(folder, file));
      const again = await readText(structures.flatMap((structure) => [...formatExtxyz(structure)]).join(''));
      for (let frame = 0; frame < structures.length; frame++)
        expectSame(again[frame], structures[frame] as Structure, file);
      expect(again.length, file).toBe(structures.length);
    }
  });

  outsideTest('everything written in any format has its atoms at the same places', async (folder) => {
    const rows = indexRows(folder).filter(
      ({ file, format }) => READABLE.test(format) && !/^(bad|mlearn|rmd17|gap20)\//.test(file) && file !== SHORT,
    );
    const refused = new Set<string>();
    for (const { file } of rows) {
      const structures = (await readAll(join(folder, file))).slice(0, 3);
      for (const format of WRITABLE_FORMATS) {
        const written = ['poscar', 'lammps-data'].includes(format) ? structures.slice(0, 1) : structures;
        const warnings: string[] = [];
        let text = '';
        try {
          const onWarning = (message: string) => warnings.push(message);
          for await (const piece of formatStructures(written, { format, onWarning })) text += piece;
        } catch (error) {
          expect(error, `${file} as ${format}`).toMatchObject({ code: 'INVALID_ARGUMENT' });
          refused.add((error as Error).message.replace(/,.*/, ''));
          continue;
        }
        const again = await readText(text, { format });
        expect(again.length, `${file} as ${format}`).toBe(written.length);
        if (warnings.some((warning) => /turned|in order/.test(warning))) continue;
        for (const [frame, { positions }] of written.entries()) {
          const off = maxAbsDifference((again[frame] as Structure).positions, positions);
          expect(off, `${file} as ${format}`).toBeLessThan(1e-10);
        }
      }
    }
    expect([...refused].sort()).toEqual(
      [
        'POSCAR cannot hold a structure without atoms',
        'XDATCAR cannot hold a structure without atoms',
        'the structure has no cell',
      ].sort(),
    );
  });

  outsideTest('every broken file is refused with its place and a sentence', async (folder) => {
    const broken = indexRows(folder).filter(({ file }) => /^bad\//.test(file));
    expect(broken.length).toBeGreaterThan(7);
    for (const { file } of [...broken, { file: SHORT }]) {
      const name = join(folder, file);
      await expect(readAll(name), file).rejects.toMatchObject({ code: 'PARSE_ERROR' });
      const sentence = await refusal(readFileSync(name), { file });
      expect(sentence).toMatch(new RegExp(`^${file.replaceAll('.', '\\.')}:\\d+(:\\d+)?: .{20,}`));
    }
  });

  outsideTest('every frame of a file of broken frames is refused alone', async (folder) => {
    const lines = readFileSync(join(folder, 'bad/xyz/extended.xyz'), 'utf8').trimEnd().split('\n');
    expect(lines.length % 3).toBe(0);
    for (let at = 0; at < lines.length; at += 3) {
      const sentence = await refusal(`${lines.slice(at, at + 3).join('\n')}\n`, { file: 'frame' });
      expect(sentence).toMatch(/^frame:3(:\d+)?: atom 1 of 1, column "bad": .* expected/);
    }
  });

  outsideTest('gzipped files read as their content does', async (folder) => {
    for (const file of ['lammps/conf.dump.gz', 'xyz/water.9.xyz.gz']) {
      const path = join(folder, file);
      expect(await readAll(path)).toEqual(await readText(gunzipSync(readFileSync(path))));
    }
  });

  outsideTest('every reference matrix reads', async (folder) => {
    const names = readdirSync(join(folder, 'reference')).filter((name) => name.endsWith('.npy'));
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) {
      const { rows, columns, data } = await readMatrix(join(folder, 'reference', name));
      expect([name, columns, data.length]).toEqual([name, 63, 63 * rows]);
    }
  });
});

/** As toEqual, without the cost of walking through every number of every file. */
function expectSame(read: Structure | undefined, structure: Structure, file: string): void {
  const facts = (one: Structure | undefined) =>
    one && [one.species.symbols, one.cell, one.pbc, [...one.columns.keys()], one.info];
  expect(facts(read), file).toEqual(facts(structure));
  const arrays = (one: Structure) => [
    one.positions,
    one.species.index,
    ...[...one.columns.values()].map(({ values }) => values),
  ];
  const expected = arrays(structure);
  for (const [at, values] of arrays(read as Structure).entries()) {
    const same =
      values.length === expected[at]?.length &&
      (values as readonly unknown[]).every((value, i) => Object.is(value, expected[at]?.[i]));
    if (!same) expect(values, file).toEqual(expected[at]);
  }
}
