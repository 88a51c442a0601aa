import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createStructure, type Pbc, type Structure } from '@surprisal/core';
import { quests } from '@surprisal/descriptors';
import { maxAbsDifference, outsideTest } from '@surprisal/testing';
import { describe, expect } from 'vitest';

/** Made for this purpose by another implementation; `quests.test.ts` covers the same ground with structures of its own. */
const EDGE_CASES = [
  'dimer',
  'ideal_bcc',
  'ideal_fcc',
  'ideal_hcp',
  'left_handed',
  'one_atom_cell',
  'single_atom',
  'skewed',
  'slab_TFF',
  'slab_TTF',
  'two_atom_triclinic',
  'unwrapped',
  'vacancy_fcc',
];

interface Reference {
  readonly x: { readonly sum: number; readonly sumsq: number; readonly min: number; readonly max: number };
  readonly first_row: number[];
  readonly last_row: number[];
}

/** The extended XYZ of these files: one frame, species and positions, full quoted lattice and pbc. */
function readFrame(path: string): Structure {
  const [, comment = '', ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  const lattice = /Lattice="([^"]*)"/.exec(comment)?.[1];
  const pbc = /pbc="([^"]*)"/.exec(comment)?.[1]?.split(' ') ?? [];
  return createStructure({
    positions: Float64Array.from(lines.flatMap((line) => line.trim().split(/\s+/).slice(1, 4).map(Number))),
    cell: lattice === undefined ? null : Float64Array.from(lattice.split(' '), Number),
    pbc: pbc.map((flag) => flag === 'T') as unknown as Pbc,
  });
}

/** The float64 numbers of a NumPy file of version 1. */
function readNumbers(path: string): Float64Array {
  const bytes = readFileSync(path);
  return new Float64Array(
    bytes.buffer.slice(bytes.byteOffset + 10 + bytes.readUInt16LE(8), bytes.byteOffset + bytes.length),
  );
}

describe.each(['reference', 'native'] as const)('published values, %s backend', (backend) => {
  const tolerance = backend === 'reference' ? 1e-9 : 1e-6;
  for (const name of EDGE_CASES) {
    outsideTest(`descriptors of edge/${name}`, async (folder) => {
      const structure = readFrame(join(folder, 'edge', `${name}.xyz`));
      const prefix = join(folder, 'reference', `edge__${name}.xyz`);
      const { x, first_row, last_row }: Reference = JSON.parse(readFileSync(`${prefix}.json`, 'utf8'));
      const data = Float64Array.from((await quests().compute([structure], { backend })).data);
      expect(maxAbsDifference(data.subarray(0, 63), first_row)).toBeLessThan(tolerance);
      expect(maxAbsDifference(data.subarray(-63), last_row)).toBeLessThan(tolerance);
      const statistics = [Math.min(...data), Math.max(...data)];
      expect(maxAbsDifference(statistics, [x.min, x.max])).toBeLessThan(tolerance);
      const sum = data.reduce((total, value) => total + value, 0);
      const squares = data.reduce((total, value) => total + value * value, 0);
      expect(Math.abs(sum - x.sum)).toBeLessThan(tolerance * (1 + x.sum));
      expect(Math.abs(squares - x.sumsq)).toBeLessThan(tolerance * (1 + x.sumsq));
      if (existsSync(`${prefix}.npy`)) {
        expect(maxAbsDifference(data, readNumbers(`${prefix}.npy`))).toBeLessThan(tolerance);
      }
    });
  }
});
