import { readFileSync } from 'node:fs';
import { atomCount, createStructure, type Structure, SurprisalError } from '@surprisal/core';
import { QUESTS_DEFAULTS, type QuestsOptions, quests } from '@surprisal/descriptors';
import {
  bruteForceNeighbors,
  crystalNames,
  idealCrystal,
  maxAbsDifference,
  property,
  randomStructure,
  supercell,
  testDescriptor,
  translate,
} from '@surprisal/testing';
import { describe, expect, it } from 'vitest';

interface Fixture {
  readonly name: string;
  readonly positions: number[];
  readonly cell: number[] | null;
  readonly pbc: [boolean, boolean, boolean];
  readonly k: number;
  readonly rows: number[][];
}

const fixtures: { readonly cutoff: number; readonly tieTolerance: number; readonly structures: Fixture[] } = JSON.parse(
  readFileSync(new URL('./fixtures/environments.json', import.meta.url), 'utf8'),
);

/** The equations on plain numbers, for neighbours at these vectors: no ties, no padding beyond k. */
function plainX2(vectors: readonly (readonly number[])[], k: number, cutoff: number): number[] {
  const weight = (v: readonly number[]) => (1 - (Math.hypot(...v) / cutoff) ** 2) ** 2;
  const sums = Array<number>(k - 1).fill(0);
  for (const v of vectors) {
    const row = vectors
      .filter((u) => u !== v)
      .map((u) => Math.sqrt(weight(v) * weight(u)) / Math.hypot(u[0]! - v[0]!, u[1]! - v[1]!, u[2]! - v[2]!))
      .sort((a, b) => b - a);
    row.forEach((value, m) => {
      sums[m]! += value / k;
    });
  }
  return sums;
}

/** Every way to choose `size` of a list. */
function* choices<T>(list: readonly T[], size: number): Generator<T[]> {
  if (size === 0) yield [];
  for (let i = 0; i + size <= list.length && size > 0; i++) {
    for (const rest of choices(list.slice(i + 1), size - 1)) yield [list[i]!, ...rest];
  }
}

/** X2 as the mean over every choice among the tied, one by one; undefined where there are too many of them. */
function enumeratedX2(structure: Structure, atom: number, options: Required<QuestsOptions>): number[] | undefined {
  const { k, cutoff, tieTolerance } = options as typeof QUESTS_DEFAULTS;
  const pairs = bruteForceNeighbors(structure, cutoff).filter((pair) => pair.atom === atom);
  if (pairs.length <= k)
    return plainX2(
      pairs.map(({ vector }) => vector),
      k,
      cutoff,
    );
  const kth = pairs[k - 1]!.distance;
  const near = pairs.filter(({ distance }) => distance < kth - tieTolerance).map(({ vector }) => vector);
  const tied = pairs.filter(({ distance }) => Math.abs(distance - kth) <= tieTolerance).map(({ vector }) => vector);
  let count = 0;
  const mean = Array<number>(k - 1).fill(0);
  for (const chosen of choices(tied, k - near.length)) {
    if (++count > 3000) return undefined;
    plainX2([...near, ...chosen], k, cutoff).forEach((value, m) => {
      mean[m]! += value;
    });
  }
  return mean.map((sum) => sum / count);
}

for (const backend of ['reference', 'native'] as const) {
  testDescriptor(quests(), { backend });
  testDescriptor(quests({ k: 7, cutoff: 3.5, parts: 'x2' }), { backend, runs: 6 });
  testDescriptor(quests({ k: 5, cutoff: 4, parts: 'x1' }), { backend, runs: 6 });
}

describe.each(['reference', 'native'] as const)('quests, %s backend', (backend) => {
  const rowsOf = async (structure: Structure, options: QuestsOptions = {}) => {
    const matrix = await quests(options).compute([structure], { backend });
    return Array.from({ length: matrix.rows }, (_, i) => [
      ...matrix.data.subarray(i * matrix.columns, (i + 1) * matrix.columns),
    ]);
  };

  it.each(fixtures.structures)('agrees with another implementation: $name', async ({ rows, k, ...fixture }) => {
    const structure = createStructure({
      positions: Float64Array.from(fixture.positions),
      cell: fixture.cell && Float64Array.from(fixture.cell),
      pbc: fixture.pbc,
    });
    const { cutoff, tieTolerance } = fixtures;
    const actual = await rowsOf(structure, { k, cutoff, tieTolerance });
    expect(maxAbsDifference(actual.flat(), rows.flat())).toBeLessThan(1e-12);
  });

  it('is zero for an atom alone', async () => {
    expect(await rowsOf(createStructure({ positions: new Float64Array(3) }))).toEqual([Array(63).fill(0)]);
  });

  it('is w(r)/r for a dimer', async () => {
    const [first, second] = await rowsOf(createStructure({ positions: Float64Array.of(0, 0, 0, 0, 1.1, 0) }));
    const w = (1 - (1.1 / 5) ** 2) ** 2;
    expect(maxAbsDifference(first!, [w / 1.1, ...Array(62).fill(0)])).toBeLessThan(1e-15);
    expect(second).toEqual(first);
  });

  it('is 2/k of √(w w)/r for the two neighbours of a triangle', async () => {
    const triangle = createStructure({ positions: Float64Array.of(0, 0, 0, 3, 0, 0, 0, 4, 0) });
    const [corner] = await rowsOf(triangle, { k: 3, cutoff: 6 });
    const w = (r: number) => (1 - (r / 6) ** 2) ** 2;
    const expected = [w(3) / 3, w(4) / 4, 0, (2 / 3) * (Math.sqrt(w(3) * w(4)) / 5), 0];
    expect(maxAbsDifference(corner!, expected)).toBeLessThan(1e-15);
  });

  it('is one row for all atoms of an ideal crystal, with its shells in X1', async () => {
    const a = 3.615;
    const rows = await rowsOf(translate(supercell(idealCrystal('fcc', a), [2, 2, 2]), [0.1, -7, 3]));
    const value = (r: number) => (1 - (r / 5) ** 2) ** 2 / r;
    const shells = [
      ...Array(12).fill(value(a * Math.SQRT1_2)),
      ...Array(6).fill(value(a)),
      ...Array(14).fill(value(a * Math.sqrt(1.5))),
    ];
    for (const row of rows) {
      expect(maxAbsDifference(row.slice(0, 32), shells)).toBeLessThan(1e-13);
      expect(maxAbsDifference(row, rows[0]!)).toBeLessThan(1e-13);
    }
  });

  property('is the mean over every choice among tied neighbours, ideal crystals', 3, async (random) => {
    let compared = 0;
    for (const crystal of crystalNames) {
      const structure = idealCrystal(crystal);
      const options = { ...QUESTS_DEFAULTS, k: random.whole(2, 24) };
      const expected = enumeratedX2(structure, 0, options);
      if (expected === undefined) continue;
      compared++;
      const [row] = await rowsOf(structure, { ...options, parts: 'x2' });
      expect(maxAbsDifference(row!, expected)).toBeLessThan(1e-13);
    }
    expect(compared).toBeGreaterThan(0);
  });

  property('is the mean over every choice among tied neighbours, any structure and tolerance', 20, async (random) => {
    const structure = randomStructure(random, { atoms: 12, separation: 1.2 });
    const options = {
      k: random.whole(2, 10),
      cutoff: random.between(2, 5),
      tieTolerance: random.between(0, 0.4),
      parts: 'x2' as const,
    };
    const rows = await rowsOf(structure, options);
    for (let atom = 0; atom < atomCount(structure); atom++) {
      const expected = enumeratedX2(structure, atom, options);
      if (expected !== undefined) expect(maxAbsDifference(rows[atom]!, expected)).toBeLessThan(1e-12);
    }
  });

  property('moves as little as the atoms do, ties or not', 5, async (random) => {
    for (const crystal of crystalNames) {
      const ideal = supercell(idealCrystal(crystal), [2, 2, 2]);
      const positions = ideal.positions.map((coordinate) => coordinate + 1e-10 * random.gaussian());
      const noisy = createStructure({ positions, cell: ideal.cell });
      const before = (await rowsOf(ideal)).flat();
      const after = (await rowsOf(noisy)).flat();
      expect(maxAbsDifference(after, before)).toBeLessThan(2e-9);
    }
  });

  property('is X1 and X2 side by side', 5, async (random) => {
    const structure = randomStructure(random);
    const [both, x1, x2] = [
      await rowsOf(structure),
      await rowsOf(structure, { parts: 'x1' }),
      await rowsOf(structure, { parts: 'x2' }),
    ];
    expect(both).toEqual(x1.map((row, i) => [...row, ...x2[i]!]));
    expect([x1[0]!.length, x2[0]!.length]).toEqual([32, 31]);
  });

  it('does without X2 for k = 1', async () => {
    const [row] = await rowsOf(idealCrystal('fcc'), { k: 1 });
    expect(row).toHaveLength(1);
  });

  it('draws half of hundreds of tied neighbours', async () => {
    const [tied, k] = [300, 150];
    const around = Array.from({ length: tied }, (_, i) => {
      const [z, angle] = [1 - (2 * i + 1) / tied, i * Math.PI * (3 - Math.sqrt(5))];
      const ring = Math.sqrt(1 - z * z);
      return [2 * ring * Math.cos(angle), 2 * ring * Math.sin(angle), 2 * z];
    });
    const sphere = createStructure({ positions: Float64Array.from([0, 0, 0, ...around.flat()]) });
    const { data } = await quests({ k, cutoff: 3, parts: 'x2' }).compute([sphere], { backend });
    // Two given ones are both drawn with probability k(k − 1)/t(t − 1), whatever their place in a row.
    let pairs = 0;
    for (const u of around) {
      for (const v of around) {
        if (u !== v) pairs += (1 - 4 / 9) ** 2 / Math.hypot(u[0]! - v[0]!, u[1]! - v[1]!, u[2]! - v[2]!);
      }
    }
    const expected = ((pairs / k) * k * (k - 1)) / (tied * (tied - 1));
    const sum = Array.from(data.subarray(0, k - 1)).reduce((total, value) => total + value);
    expect(Math.abs(sum / expected - 1)).toBeLessThan(1e-11);
  });

  it.each([
    [{ k: 0 }, 'k is 0'],
    [{ k: 2.5 }, 'k is 2.5'],
    [{ k: 4097 }, 'k is 4097'],
    [{ cutoff: 0 }, 'cutoff is 0'],
    [{ cutoff: Number.NaN }, 'cutoff is NaN'],
    [{ tieTolerance: -1 }, 'tieTolerance is -1'],
    [{ parts: 'x3' as 'x1' }, 'parts is "x3"'],
    [{ k: 1, parts: 'x2' as const }, 'k is 1'],
  ])('refuses %o', (options, message) => {
    expect(() => quests(options)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) }),
    );
  });

  it('refuses what it cannot compute', async () => {
    const flat = createStructure({ positions: new Float64Array(3), cell: Float64Array.of(1, 0, 0, 2, 0, 0, 0, 0, 1) });
    await expect(rowsOf(flat)).rejects.toMatchObject({ name: 'SurprisalError', code: 'INVALID_CELL' });
    const twice = createStructure({ positions: Float64Array.of(3, 0, 0, 0, 0, 0, 3, 0, 0) });
    await expect(quests().compute([idealCrystal('fcc'), twice], { backend })).rejects.toMatchObject({
      code: 'COINCIDENT_ATOMS',
      message: expect.stringContaining('atoms 1 and 3 of structure 2'),
    });
    const precision = 'f16' as 'f32';
    await expect(quests().compute([twice], { backend, precision })).rejects.toBeInstanceOf(SurprisalError);
  });

  it.each(['f32', 'f64'] as const)('refuses coincident atoms around any atom that sees them, %s', async (precision) => {
    const crystal = supercell(idealCrystal('fcc'), [2, 2, 2]);
    const twice = createStructure({ ...crystal, positions: Float64Array.of(...crystal.positions) });
    twice.positions.copyWithin(3 * 30, 3 * 31, 3 * 32);
    // Every one of the 32 atoms sees all others.
    for (const options of [
      { k: 400, cutoff: 8 },
      { k: 200, cutoff: 8 },
    ]) {
      const parts = quests({ ...options, parts: 'x2' }).computeParts?.(twice, 1, { backend, precision });
      await expect(parts?.next()).rejects.toMatchObject({
        code: 'COINCIDENT_ATOMS',
        message: expect.stringContaining('atoms 31 and 32'),
      });
    }
  });

  it('stops in mid-call', async () => {
    const crystal = supercell(idealCrystal('fcc'), backend === 'native' ? [40, 40, 40] : [8, 8, 8]);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 10);
    const running = quests().compute([crystal], { backend, signal: controller.signal });
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
  });

  const reference = backend === 'reference' ? it : undefined;
  reference?.('stops within one environment of thousands of neighbours', async () => {
    const controller = new AbortController();
    let aborted = 0;
    setTimeout(() => {
      aborted = performance.now();
      controller.abort();
    }, 10);
    const running = quests({ k: 4096, cutoff: 30 }).compute([idealCrystal('fcc')], {
      backend,
      signal: controller.signal,
    });
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    expect(performance.now() - aborted).toBeLessThan(1000);
  });
});

describe('the backends of quests', () => {
  property('agree to a part in 10¹²', 25, async (random) => {
    const structures = [randomStructure(random), randomStructure(random, { lengths: [8, 15], atoms: 60 })];
    const options = {
      k: random.whole(2, 40),
      cutoff: random.between(2, 6),
      tieTolerance: random.pick([1e-9, 1e-6, 0.1]),
    };
    const reference = await quests(options).compute(structures, { backend: 'reference' });
    const native = await quests(options).compute(structures, { backend: 'native' });
    const relative = native.data.map((value, i) => (value - reference.data[i]!) / (1 + Math.abs(reference.data[i]!)));
    expect(maxAbsDifference(relative, new Float64Array(relative.length))).toBeLessThan(1e-12);
  });

  property('give the same bits on 1, 2 and 7 threads', 3, async (random) => {
    const structures = [randomStructure(random, { lengths: [10, 20], atoms: 300 }), idealCrystal('fcc')];
    const on = async (threads: number) => (await quests().compute(structures, { backend: 'native', threads })).data;
    const one = await on(1);
    expect(maxAbsDifference(await on(2), one)).toBe(0);
    expect(maxAbsDifference(await on(7), one)).toBe(0);
  });

  it.each([60, 100, 150])('agree where all but one of %i equidistant neighbours are taken', async (shell) => {
    // Points of a Fibonacci spiral on a sphere, around one atom.
    const positions = Float64Array.from({ length: 3 * (shell + 1) }, (_, i) => {
      const point = Math.floor(i / 3);
      if (point === shell) return 0;
      const z = 1 - (2 * point + 1) / shell;
      const angle = point * Math.PI * (3 - Math.sqrt(5));
      const radius = Math.sqrt(1 - z * z);
      return 3 * ([radius * Math.cos(angle), radius * Math.sin(angle), z][i % 3] as number);
    });
    const structure = createStructure({ positions });
    for (const k of [shell - 1, shell - 2, 2]) {
      const [native, reference] = await Promise.all(
        (['native', 'reference'] as const).map((backend) =>
          quests({ k, cutoff: 6.5 }).compute([structure], { backend }),
        ),
      );
      expect(maxAbsDifference(native!.data, reference!.data), `k = ${k}`).toBeLessThan(1e-12);
    }
  });

  it('compute structures of more than one batch as if each were alone', async () => {
    const crystal = supercell(idealCrystal('bcc'), [16, 16, 16]);
    const structures = [...Array(18).fill(crystal), idealCrystal('nacl')] as Structure[];
    const all = await quests().compute(structures, { backend: 'native' });
    const last = await quests().compute([idealCrystal('nacl')], { backend: 'native' });
    const one = await quests().compute([crystal], { backend: 'native' });
    expect(maxAbsDifference(all.data.subarray(-last.data.length), last.data)).toBe(0);
    expect(maxAbsDifference(all.data.subarray(17 * one.data.length, 18 * one.data.length), one.data)).toBe(0);
  });

  it('keep input that is changed or taken away in mid-call', async () => {
    const { positions, ...rest } = supercell(idealCrystal('diamond'), [14, 14, 14]);
    const expected = await quests().compute([{ positions, ...rest }], { backend: 'native' });
    const copy = positions.slice();
    const running = quests().compute([{ positions: copy, ...rest }], { backend: 'native' });
    structuredClone(copy, { transfer: [copy.buffer] });
    expect(maxAbsDifference((await running).data, expected.data)).toBe(0);
  });
});
