import { createStructure, type Progress, type Structure } from '@surprisal/core';
import { type NeighborListOptions, nearestNeighbors, neighborList, neighborSearch } from '@surprisal/neighbors';
import { idealCrystal, supercell } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';

const copper = idealCrystal('fcc');

function periodic(...cell: number[]): Structure {
  return createStructure({ positions: Float64Array.of(0, 0, 0), cell: Float64Array.from(cell) });
}

describe.each(['reference', 'native'] as const)('wrong input, %s backend', (backend) => {
  const list = (structure: Structure, options: Partial<NeighborListOptions> = {}) =>
    neighborList(structure, { cutoff: 5, backend, ...options });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses the cutoff %d', async (cutoff) => {
    const refused = { code: 'INVALID_ARGUMENT', message: expect.stringContaining(`cutoff is ${cutoff}`) };
    await expect(list(copper, { cutoff })).rejects.toMatchObject(refused);
    await expect(nearestNeighbors([copper], { k: 1, cutoff, backend })).rejects.toMatchObject(refused);
    expect(() => neighborSearch(copper, cutoff)).toThrow(expect.objectContaining(refused));
  });

  it.each([0, -1, 1.5, Number.NaN, 4097])('refuses k = %d', async (k) => {
    await expect(nearestNeighbors([copper], { k, cutoff: 5, backend })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`k is ${k}`),
    });
  });

  it.each([
    ['equal vectors', [3, 0, 0, 3, 0, 0, 0, 0, 3]],
    ['a vector in the plane of the others', [3, 0, 0, 0, 3, 0, 1, 2, 0]],
    ['vectors whose ratio is no fraction', [3, 0, 0, 3 * Math.SQRT2, 0, 0, 0, 0, 3]],
    ['a cell flat to rounding', [3, 0, 0, 0, 3, 0, 3, 3, 1e-12]],
    ['a cell of next to nothing', [1e-4, 0, 0, 0, 1e-4, 0, 0, 0, 1e-4]],
  ])('refuses %s', async (_, cell) => {
    await expect(list(periodic(...cell))).rejects.toMatchObject({ code: 'INVALID_CELL' });
    await expect(nearestNeighbors([copper, periodic(...cell)], { k: 1, cutoff: 5, backend })).rejects.toMatchObject({
      code: 'INVALID_CELL',
      message: expect.stringContaining('structure 2'),
      details: { structure: 1 },
    });
  });

  it('refuses a periodic axis without a cell vector', async () => {
    const unchecked: Structure = { ...copper, cell: null };
    await expect(list(unchecked)).rejects.toMatchObject({
      code: 'INVALID_CELL',
      message: expect.stringContaining('axis a is periodic but has no cell vector'),
    });
  });

  it('names atoms that lie at the same place', async () => {
    const twice = createStructure({ positions: Float64Array.of(0, 0, 0, 1, 1, 1, 2, 0, 0, 1, 1, 1) });
    await expect(list(twice)).rejects.toMatchObject({
      code: 'COINCIDENT_ATOMS',
      message: expect.stringContaining('atoms 2 and 4 of structure 1'),
      details: { structure: 0, atoms: [1, 3] },
    });
  });

  it('names an atom that lies at the same place as an image of another', async () => {
    const twice = createStructure({
      positions: Float64Array.of(0, 0, 0, 4, 0, 0),
      cell: Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 4),
    });
    await expect(list(twice)).rejects.toMatchObject({ code: 'COINCIDENT_ATOMS', details: { atoms: [0, 1] } });
  });

  it('stops when its signal has fired, and in mid-call', async () => {
    const aborted = { code: 'ABORTED' };
    await expect(list(copper, { signal: AbortSignal.abort() })).rejects.toMatchObject(aborted);
    const crystal = supercell(copper, [24, 24, 24]);
    const controller = new AbortController();
    const running = list(crystal, { signal: controller.signal });
    setTimeout(() => controller.abort(), 5);
    await expect(running).rejects.toMatchObject(aborted);
  });

  it('reports progress, and leaves the event loop alive', async () => {
    const reports: Progress[] = [];
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const crystal = supercell(copper, backend === 'native' ? [32, 32, 32] : [14, 14, 14]);
    await list(crystal, { onProgress: (progress) => reports.push(progress) });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
    expect(reports.length).toBeGreaterThan(0);
    for (const report of reports) {
      expect(report).toMatchObject({ stage: 'neighbours', unit: 'atoms', total: crystal.positions.length / 3 });
    }
    const done = reports.map((report) => report.done);
    expect(done).toEqual(done.slice().sort((a, b) => a - b));
  });
});

describe('choice of the backend', () => {
  it('refuses threads that make no sense', async () => {
    await expect(neighborList(copper, { cutoff: 5, threads: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('atoms that strayed beyond all bounds', () => {
  const crystal = createStructure({
    positions: Float64Array.of(0, 0, 0),
    cell: Float64Array.of(3, 0, 0, 0, 3, 0, 0, 0, 3),
  });
  const strayed: [string, Structure][] = [
    ['of a cell', createStructure({ positions: Float64Array.of(1e11, 0, 0), cell: crystal.cell })],
    ['of a cluster', createStructure({ positions: Float64Array.of(0, 0, 0, 0, 1e16, 0) })],
  ];
  it.each(strayed)('are refused by name on both backends: %s', async (_, structure) => {
    for (const backend of ['native', 'reference'] as const) {
      const search = nearestNeighbors([crystal, crystal, structure], { k: 4, cutoff: 3.5, backend });
      await expect(search).rejects.toMatchObject({
        code: 'INVALID_POSITIONS',
        message: expect.stringContaining('of structure 3'),
      });
    }
  });
});
