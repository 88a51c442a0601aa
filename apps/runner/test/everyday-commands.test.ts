import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { matrixRows, type Structure } from '@surprisal/core';
import { quests } from '@surprisal/descriptors';
import { entropy as entropyOf } from '@surprisal/entropy';
import { openStructures, readMatrix } from '@surprisal/io/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  BandwidthDocument,
  CompareDocument,
  ConvertDocument,
  DhDocument,
  EntropyDocument,
  GapDocument,
  LeakageDocument,
  LearningCurveDocument,
  MetricsDocument,
  NeighborsDocument,
  OverlapDocument,
} from '../src/result-document.ts';
import { checkDocument, runJson, runRefused } from './command-checks.ts';
import { buildSurprisal, runSurprisal, surprisalPath } from './surprisal-process.ts';

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const COPPER = fixture('copper.xyz');
const WATER = fixture('water.xyz');

let folder: string;
const inFolder = (name: string) => join(folder, name);
/** Two kinds of frames, one without a label. */
let labelled: string;

beforeAll(async () => {
  await buildSurprisal();
  folder = await mkdtemp(join(tmpdir(), 'surprisal-everyday-'));
  labelled = inFolder('labelled.xyz');
  const frame = (label: string, scale: number) =>
    `3\n${label === '' ? 'x=1' : `config_type=${label}`} Properties=species:S:1:pos:R:3\n` +
    `O 0 0 0\nH ${0.75 * scale} 0.6 0\nH ${-0.75 * scale} 0.6 0\n`;
  const frames = [frame('cold', 1), frame('cold', 1.001), frame('hot', 1.1), frame('hot', 1.2), frame('', 1)];
  await writeFile(labelled, frames.join(''));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function framesOf(path: string): Promise<Structure[]> {
  const frames: Structure[] = [];
  for await (const structure of openStructures(path)) frames.push(structure);
  return frames;
}

/** The rows of a CSV file, a record each. */
async function csvRows(path: string): Promise<Record<string, string>[]> {
  const [head = '', ...rows] = (await readFile(path, 'utf8')).trimEnd().split('\n');
  const names = head.split(',');
  return rows.map((row) => Object.fromEntries(row.split(',').map((field, i) => [names[i] as string, field])));
}

describe('groups', () => {
  it('by a label of frames: a result for each, and maps between them', async () => {
    const { code, stdout, stderr } = await runSurprisal([
      ...['entropy', labelled, '--group-by', 'config_type', '--eps', '1', '--json'],
    ]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/1 frame without "config_type" make the group \(none\)/);
    const document = JSON.parse(stdout) as EntropyDocument;
    checkDocument(document);
    expect(document.results.map(({ group }) => group)).toEqual([undefined, '(none)', 'cold', 'hot']);
    expect(document.groups?.sets).toEqual([
      { name: '(none)', environments: 3 },
      { name: 'cold', environments: 6 },
      { name: 'hot', environments: 6 },
    ]);
    const overlap = document.groups?.comparison.maps[0]?.overlap as number[][];
    // The frame without a label is the first of the cold ones.
    expect(overlap[0]?.[1]).toBe(1);
    expect(overlap[0]?.[2]).toBeLessThan(1);
    const frames = await framesOf(labelled);
    const cold = await quests().compute(frames.slice(0, 2), { precision: 'f32' });
    expect(document.results[2]?.entropy).toBe((await entropyOf(cold)).entropy);
  });

  it('by species, across test and reference', async () => {
    const document = await runJson<OverlapDocument>(['overlap', WATER, '-r', WATER, '--group-by', 'species']);
    expect(document.results.map(({ group, overlap }) => [group, overlap])).toEqual([
      [undefined, 1],
      ['H', 1],
      ['O', 1],
    ]);
    expect(document.groups?.maps[0]?.overlap).toEqual([
      [1, 0],
      [0, 1],
    ]);
    const dh = await runJson<DhDocument>(['dh', WATER, '-r', WATER, '--group-by', 'species']);
    expect(dh.results.map(({ group }) => group)).toEqual([undefined, 'H', 'O']);
  });

  it('are refused where nothing has the label, or a matrix could not', async () => {
    const matrix = inFolder('water.npy');
    await runJson(['descriptors', WATER, '-o', matrix]);
    expect(await runRefused(['entropy', WATER, '--group-by', 'konfig'], 2)).toMatch(
      /no frame has the label "konfig".*"comment"/,
    );
    expect(await runRefused(['entropy', matrix, '--group-by', 'species'], 2)).toMatch(
      /is a matrix and holds no labels/,
    );
    const byFile = await runJson<EntropyDocument>(['entropy', matrix, COPPER, '--group-by', 'file', '-c', '5']);
    expect(byFile.groups?.sets.map(({ environments }) => environments).toSorted()).toEqual([12, 96]);
  });

  it('need no label in the reference set: then that is one group', async () => {
    const matrix = inFolder('reference.npy');
    await runJson(['descriptors', WATER, '-o', matrix]);
    for (const command of ['dh', 'overlap']) {
      const byMatrix = await runJson<DhDocument>([command, WATER, '-r', matrix, '--group-by', 'species']);
      expect(byMatrix.groups?.reference).toEqual([{ name: '(none)', environments: 12 }]);
      expect(byMatrix.groups?.maps[0]?.overlap).toEqual(byMatrix.groups?.sets.map(() => [1]));
    }
    const { code, stdout } = await runSurprisal([
      ...['dh', labelled, '-r', WATER, '--group-by', 'config_type', '--json'],
    ]);
    expect(code).toBe(0);
    const document = JSON.parse(stdout) as DhDocument;
    checkDocument(document);
    expect(document.groups?.reference).toEqual([{ name: '(none)', environments: 12 }]);
    expect(await runRefused(['dh', WATER, '-r', `${labelled}@:4`, '--group-by', 'config_type'], 2)).toMatch(
      /water\.xyz: no frame has the label "config_type"/,
    );
  });

  it('of leakage count rows and frames as the whole does', async () => {
    const { stdout } = await runSurprisal([
      ...['leakage', `${labelled}@1:4`, `${labelled}@:4`, '--group-by', 'config_type', '--json'],
    ]);
    const { results } = JSON.parse(stdout) as LeakageDocument;
    const hot = results.find(({ group }) => group === 'hot');
    expect(hot?.frames?.pairs).toEqual([
      { frame: 2, of: 1 },
      { frame: 3, of: 2 },
    ]);
    expect(hot?.exact.pairs[0]).toMatchObject({ row: 6, of: 3, frame: 2, ofFrame: 1 });
    // With so large an ε the second of the hot frames is near the first.
    const near = JSON.parse(
      (
        await runSurprisal([
          ...['leakage', `${labelled}@1:3`, `${labelled}@:4`, '--group-by', 'config_type', '--eps', '1000', '--json'],
        ])
      ).stdout,
    ) as LeakageDocument;
    expect(near.results.find(({ group }) => group === 'hot')?.nearFrames?.pairs).toEqual([{ frame: 3, of: 1 }]);
  });

  it('have names in tables of arrays', async () => {
    const npz = inFolder('groups.npz');
    await runJson(['entropy', WATER, '--group-by', 'species', '-o', npz]);
    const bytes = await readFile(npz);
    expect(bytes.includes("{'descr': '<U3', 'fortran_order': False, 'shape': (3,), }")).toBe(true);
    expect(bytes.includes(Buffer.from(Uint32Array.from('allH\0\0O', (c) => c.codePointAt(0) ?? 0).buffer))).toBe(true);
  });

  it('work on every analysis', async () => {
    for (const args of [
      ['metrics', labelled],
      ['learning-curve', labelled, '-f', '0.5,1'],
      ['gap', labelled, '--subset', `${labelled}@:3`],
      ['compare', labelled],
      ['leakage', labelled, `${labelled}@:2`],
      ['bandwidth', labelled],
    ]) {
      const { code, stdout, stderr } = await runSurprisal([...args, '--group-by', 'config_type', '--json']);
      expect({ code, args, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, args, stderr: '' });
      const document = JSON.parse(stdout);
      checkDocument(document);
      expect(JSON.stringify(document)).toContain('"cold"');
      const text = await runSurprisal([...args, '--group-by', 'config_type']);
      expect(text.stdout).toMatch(/cold/);
    }
  });
});

describe('metrics', () => {
  it('gives what entropy and dh give, and H of each frame', async () => {
    const csv = inFolder('metrics.csv');
    const document = await runJson<MetricsDocument>(['metrics', COPPER, '-b', '0.015,0.03', '-o', csv]);
    const whole = await runJson<EntropyDocument>(['entropy', COPPER, '-b', '0.015,0.03']);
    const self = await runJson<DhDocument>(['dh', COPPER, '-r', COPPER, '-b', '0.015,0.03']);
    expect(document.results).toMatchObject(whole.results);
    // A set meets itself by pairs, and a reference by rows: the same within the error of both.
    for (const [b, { dH }] of self.results.entries()) {
      const own = document.results[b]?.dH as unknown as Record<string, number>;
      for (const [name, value] of Object.entries(dH)) {
        expect(Math.abs((own[name] as number) - value), name).toBeLessThan(5e-5);
      }
    }
    const frames = await framesOf(COPPER);
    const first = await entropyOf(await quests().compute([frames[0] as Structure], { precision: 'f32' }));
    const rows = await csvRows(csv);
    expect(rows).toHaveLength(96);
    expect(Number(rows[0]?.['H_frame_0.015'])).toBe(first.entropy);
    expect(rows[95]).toMatchObject({ frame: '2', atom: '31' });
  });

  it('writes arrays, and structures with δH and H', async () => {
    const npz = inFolder('metrics.npz');
    const xyz = inFolder('metrics.xyz');
    await runJson(['metrics', COPPER, '-o', npz]);
    await runJson(['metrics', COPPER, '-o', xyz]);
    expect((await readMatrix(npz, { array: 'frame_entropy' })).rows).toBe(3);
    await expect(readMatrix(npz, { array: 'dH' })).rejects.toThrow(/shape \(96,\)/);
    const several = inFolder('metrics-several.npz');
    await runJson(['metrics', COPPER, '-b', '0.015,0.03', '-o', several]);
    expect(await readMatrix(several, { array: 'dH' })).toMatchObject({ rows: 96, columns: 2 });
    const [frame] = await framesOf(xyz);
    expect(frame?.columns.has('dH')).toBe(true);
    expect(frame?.info.get('H')).toMatchObject({ kind: 'real' });
  });

  it('--sensitivity shows how H moves with k, cutoff and h', async () => {
    const document = await runJson<MetricsDocument>(['metrics', COPPER, '-b', '0.05', '--sensitivity']);
    expect(document.sensitivity?.rows.length).toBeGreaterThan(5);
    const { stdout } = await runSurprisal(['metrics', COPPER, '-b', '0.05', '--sensitivity']);
    expect(stdout).toMatch(/cutoff/);
    expect(document.sensitivity?.rows[0]?.parameter).toBeNull();
    expect(document.sensitivity?.rows[0]?.entropy).toBeCloseTo(document.results[0]?.entropy as number, 5);
    const ofMatrix = await runJson<MetricsDocument>(['metrics', inFolder('water.npy'), '-b', '0.05', '--sensitivity']);
    expect(new Set(ofMatrix.sensitivity?.rows.map(({ parameter }) => parameter))).toEqual(new Set([null, 'bandwidth']));
  });

  it('warns where the set is too small for its bandwidth', async () => {
    const { stderr } = await runSurprisal(['entropy', COPPER, '-b', '0.005,1']);
    expect(stderr.match(/undersampled/g)).toHaveLength(1);
    expect(stderr).toMatch(/h = 0.005/);
  });
});

describe('learning-curve', () => {
  it('ends at H of the whole, and is the same for the same seed', async () => {
    const csv = inFolder('curve.csv');
    const args = ['learning-curve', COPPER, '--unit', 'environments', '-f', '0.25,0.5,1', '-n', '2', '-b', '0.05'];
    const document = await runJson<LearningCurveDocument>([...args, '-o', csv]);
    const whole = await runJson<EntropyDocument>(['entropy', COPPER, '-b', '0.05']);
    const [curve] = document.results;
    expect(curve?.points.map(({ units }) => units)).toEqual([24, 48, 96]);
    expect(curve?.points.at(-1)?.entropy.values).toEqual([whole.results[0]?.entropy]);
    expect((await runJson<LearningCurveDocument>(args)).results).toEqual(document.results);
    expect((await runJson<LearningCurveDocument>([...args, '--seed', '1'])).results).not.toEqual(document.results);
    expect(await csvRows(csv)).toHaveLength(3);
  });

  it('refuses shares that cannot be, and frames of a matrix', async () => {
    for (const share of ['0', '1.5', '-0.1', 'NaN', '']) {
      expect(await runRefused(['learning-curve', COPPER, '-f', share], 2)).toMatch(/above 0 and not above 1/);
    }
    expect(await runRefused(['learning-curve', inFolder('water.npy')], 2)).toMatch(/--unit environments/);
    expect(await runRefused(['learning-curve', COPPER, '-n', '0'], 2)).toMatch(/from 1 on/);
  });
});

describe('gap', () => {
  it('is the difference of two entropies', async () => {
    const document = await runJson<GapDocument>(['gap', COPPER, '--subset', `${COPPER}@:1`, '-b', '0.05']);
    const [result] = document.results;
    expect(result?.gap).toBe((result?.full.entropy as number) - (result?.subset.entropy as number));
    expect(result?.full.environments).toBe(96);
    expect(result?.subset.environments).toBe(32);
    const { stderr } = await runSurprisal(['gap', `${COPPER}@:1`, '--subset', COPPER]);
    expect(stderr).toMatch(/right way round/);
  });
});

describe('compare', () => {
  it('maps many sets, both directions', async () => {
    const csv = inFolder('maps.csv');
    const document = await runJson<CompareDocument>(['compare', COPPER, WATER, `${COPPER}@0`, '-o', csv]);
    expect(document.maps.sets.map(({ environments }) => environments)).toEqual([96, 12, 32]);
    const overlap = document.maps.comparison.maps[0]?.overlap as number[][];
    expect(overlap[2]?.[0]).toBe(1);
    expect(overlap[0]?.[2]).toBeLessThan(1);
    expect(overlap[0]?.[1]).toBe(0);
    expect(await csvRows(csv)).toHaveLength(9);
    expect(document.maps.comparison.shared).toEqual([
      [96, 0, 32],
      [0, 12, 0],
      [32, 0, 32],
    ]);
    expect(document.warnings.join()).toMatch(/share environments \(33.33 % of copper.xyz in copper.xyz@0, 100 % of/);
    const { stdout, stderr } = await runSurprisal(['compare', COPPER, WATER]);
    expect(stdout).toMatch(/Kullback–Leibler/);
    expect(stderr).not.toMatch(/share/);
  });

  it('-b auto takes one bandwidth from all sets together', async () => {
    const document = await runJson<CompareDocument>(['compare', COPPER, WATER, '-b', 'auto', '--quiet']);
    expect(document.parameters.bandwidthRule?.name).toBe('neighbors');
    expect(new Set(document.results.map(({ bandwidth }) => bandwidth)).size).toBe(1);
  });

  it('needs two sets, and takes a folder or a pattern as one', async () => {
    expect(await runRefused(['compare', COPPER], 2)).toMatch(/one set only/);
    await mkdir(inFolder('sets/a'), { recursive: true });
    await mkdir(inFolder('sets/b'));
    await copyFile(COPPER, inFolder('sets/a/1.xyz'));
    await copyFile(WATER, inFolder('sets/a/2.xyz'));
    await copyFile(COPPER, inFolder('sets/b/1.xyz'));
    const document = await runJson<CompareDocument>(['compare', inFolder('sets/a'), inFolder('sets/b/*.xyz')]);
    expect(document.maps.sets.map(({ environments }) => environments)).toEqual([108, 96]);
  });
});

describe('leakage', () => {
  it('finds what stands in both, and twice in one', async () => {
    const csv = inFolder('leakage.csv');
    const document = await runJson<LeakageDocument>(['leakage', COPPER, `${COPPER}@1`, '-o', csv]);
    expect(document.results[0]).toMatchObject({ test: { environments: 32 }, train: { environments: 96 } });
    const text = (await runSurprisal(['leakage', COPPER, `${COPPER}@1`])).stdout;
    expect(text).toMatch(/test environments that stand in train +32 of 32 +100 %/);
    expect(text).toMatch(/each of their environments within it of one +1 of 1 +100 %/);
    const { results } = await runJson<LeakageDocument>(['leakage', COPPER, WATER]);
    expect(results[0]).toMatchObject({ exact: { count: 0 }, near: { count: 0 }, nearFrames: { count: 0 } });
  });
});

describe('bandwidth', () => {
  it('by a volume, and from files by the rule that holds', async () => {
    const byVolume = await runJson<BandwidthDocument>(['bandwidth', '--volume', '11.8', '--rule', 'cutoff']);
    expect(byVolume.results[0]).toMatchObject({ rule: 'cutoff', bandwidth: expect.closeTo(0.0613, 3) });
    const solid = await runJson<BandwidthDocument>(['bandwidth', COPPER]);
    expect(solid.results[0]).toMatchObject({ rule: 'gaussian', bandwidth: expect.closeTo(0.0618, 3) });
    const molecule = await runJson<BandwidthDocument>(['bandwidth', WATER]);
    expect(molecule.results[0]?.rule).toBe('neighbors');
    expect(await runRefused(['bandwidth', WATER, '--rule', 'gaussian'], 2)).toMatch(/does not hold here.*neighbors/);
    expect(await runRefused(['bandwidth'], 2)).toMatch(/--volume/);
    expect(await runRefused(['bandwidth', '--volume', '-3'], 2)).toMatch(/above 0/);
  });

  it('-b auto takes it from the data, and says so', async () => {
    const { stderr, stdout } = await runSurprisal(['entropy', COPPER, '-b', 'auto', '--json']);
    const document = JSON.parse(stdout) as EntropyDocument;
    expect(document.parameters.bandwidthRule?.name).toBe('gaussian');
    expect(document.results[0]?.bandwidth).toBeCloseTo(0.0618, 3);
    expect(stderr).toMatch(/bandwidth 0.06\d+ 1\/Å by the rule gaussian/);
    expect(await runRefused(['entropy', WATER, '-b', 'auto:cutoff'], 2)).toMatch(/does not hold/);
    expect(await runRefused(['entropy', WATER, '-b', 'auto:best'], 2)).toMatch(/auto:neighbors/);
  });

  it('--scan gives a table', async () => {
    const csv = inFolder('scan.csv');
    const document = await runJson<BandwidthDocument>([
      ...['bandwidth', COPPER, '--scan', '--scan-range', '0.01,1,5', '-o', csv],
    ]);
    expect(document.scan).toHaveLength(5);
    const rows = await csvRows(csv);
    expect(Number(rows[0]?.['bandwidth'])).toBeCloseTo(0.01, 12);
    expect(Number(rows[4]?.['bandwidth'])).toBeCloseTo(1, 12);
    const entropies = rows.map((row) => Number(row['entropy']));
    expect(entropies).toEqual(entropies.toSorted((a, b) => b - a));
  });
});

describe('neighbors', () => {
  it('by density and mass', async () => {
    const document = await runJson<NeighborsDocument>(['neighbors', '--density', '8.96', '--mass', '63.546']);
    // fcc copper has 42 neighbours in three shells within 5 Å.
    expect(document.results[0]?.expected).toBeCloseTo(44.46, 1);
    expect(await runRefused(['neighbors', '--density', '8.96'], 2)).toMatch(/belong together/);
    expect(await runRefused(['neighbors'], 2)).toMatch(/--density and --mass/);
  });

  it('as counted, and an environment cut out', async () => {
    const document = await runJson<NeighborsDocument>(['neighbors', WATER]);
    expect(document.results[0]).toMatchObject({ counted: { min: 2, max: 2 }, suggested: 2, seenWhole: 1 });
    const target = inFolder('environment.xyz');
    await runJson(['neighbors', `${COPPER}@1`, '--atom', '5', '-c', '3', '-o', target]);
    const [environment] = await framesOf(target);
    const distances = environment?.columns.get('distance');
    if (environment === undefined || distances?.kind !== 'real') throw new Error('there is no distance');
    expect([...environment.positions.subarray(0, 3)]).toEqual([0, 0, 0]);
    expect(environment.positions.length).toBe(3 * 13);
    for (let i = 0; i < 13; i++) {
      expect(Math.hypot(...environment.positions.subarray(3 * i, 3 * i + 3))).toBeCloseTo(
        distances.values[i] as number,
        9,
      );
    }
    expect(await runRefused(['neighbors', WATER, '--atom', '3', '-o', inFolder('x.xyz')], 2)).toMatch(/no atom 3/);
    expect(await runRefused(['neighbors', WATER, '--atom', '0'], 2)).toMatch(/-o/);
  });
});

describe('convert', () => {
  it('keeps what a format can hold, there and back', async () => {
    const dump = inFolder('copper.dump');
    const poscar = inFolder('POSCAR');
    const back = inFolder('back.xyz.gz');
    const document = await runJson<ConvertDocument>(['convert', COPPER, back]);
    expect(document.results[0]).toEqual({ frames: 3, environments: 96, format: 'extxyz' });
    expect(await framesOf(back)).toEqual(await framesOf(COPPER));
    const one = await runSurprisal(['convert', `${COPPER}@1`, poscar]);
    expect({ code: one.code }).toEqual({ code: 0 });
    expect(one.stderr).toMatch(/forces/);
    expect((await framesOf(poscar))[0]?.species.symbols).toEqual(['Cu']);
    expect((await runSurprisal(['convert', COPPER, dump])).code).toBe(0);
    expect((await framesOf(dump)).length).toBe(3);
    expect(
      (await runSurprisal(['convert', COPPER, inFolder('out.data'), '--frames', '0', '--to', 'lammps-data'])).code,
    ).toBe(0);
  });

  it('refuses what it cannot', async () => {
    expect(await runRefused(['convert', COPPER, inFolder('copper.unknown')], 2)).toMatch(/--to/);
    expect(await runRefused(['convert', COPPER], 2)).toMatch(/out/);
    const existing = inFolder('existing.xyz');
    await writeFile(existing, 'mine');
    expect(await runRefused(['convert', COPPER, existing], 2)).toMatch(/--overwrite/);
    expect(await readFile(existing, 'utf8')).toBe('mine');
    const many = await runSurprisal(['convert', COPPER, inFolder('CONTCAR')]);
    expect(many.code).not.toBe(0);
    expect(many.stderr).toMatch(/one/);
  });

  it('takes matrices too', async () => {
    const npz = inFolder('converted.npz');
    await runJson(['convert', inFolder('water.npy'), npz]);
    expect(await readMatrix(npz)).toEqual(await readMatrix(inFolder('water.npy')));
  });
});

describe('descriptors', () => {
  it('multicomponent finds the species of all inputs, or takes those that are named', async () => {
    const matrix = inFolder('multi.npy');
    const document = await runJson<EntropyDocument>(['entropy', WATER, '--descriptor', 'multicomponent']);
    expect(document.parameters).toMatchObject({
      descriptor: 'multicomponent',
      descriptorParameters: { species: 'H,O' },
    });
    await runJson(['descriptors', WATER, '--descriptor', 'multicomponent', '-o', matrix]);
    expect((await readMatrix(matrix)).columns).toBe(3 * 63);
    const named = ['--descriptor', 'multicomponent', '--descriptor-options', '{"species":["O"]}'];
    expect(await runRefused(['entropy', WATER, ...named], 1)).toMatch(/H/);
  });

  it('of your own, from a path and nothing else', async () => {
    const module = inFolder('mine.mjs');
    await writeFile(
      module,
      `export default { name: 'count', columns: 1, cutoff: 1, parameters: { power: 2 }, async compute(structures, { precision } = {}) {
        const rows = structures.reduce((sum, { positions }) => sum + positions.length / 3, 0);
        return { rows, columns: 1, data: precision === 'f32' ? new Float32Array(rows) : new Float64Array(rows) };
      } };\n`,
    );
    const document = await runJson<EntropyDocument>(['entropy', WATER, '--descriptor', module]);
    expect(document.parameters).toMatchObject({
      descriptor: 'count',
      descriptorParameters: { power: 2 },
      k: null,
      cutoff: 1,
    });
    expect(document.results[0]?.entropy).toBe(0);
    const idle = await runSurprisal(['entropy', WATER, '--descriptor', module, '-k', '8']);
    expect(idle.stderr).toMatch(/--k has no effect/);
    expect(await runRefused(['entropy', WATER, '--descriptor', 'lodash'], 2)).toMatch(/quests/);
    expect(await runRefused(['entropy', WATER, '--descriptor', module, '-b', 'auto:gaussian'], 2)).toMatch(
      /does not hold/,
    );
  });
});

describe('paths', () => {
  it('take a slice, unless a file has that name', async () => {
    const odd = inFolder('run@0.xyz');
    await copyFile(COPPER, odd);
    const sliced = await runJson<EntropyDocument>(['entropy', `${COPPER}@1:`, `${COPPER}@-1`]);
    expect(sliced.inputs).toEqual([
      { path: `${COPPER}@1:`, frames: 2, environments: 64 },
      { path: `${COPPER}@-1`, frames: 1, environments: 32 },
    ]);
    expect((await runJson<EntropyDocument>(['entropy', odd])).inputs[0]?.frames).toBe(3);
    expect(await runRefused(['entropy', inFolder('*.nothing')], 2)).toMatch(/nothing/);
  });
});

describe('help', () => {
  it('shows examples of every command, and guesses what was meant', async () => {
    const all = await runSurprisal(['--help']);
    const names = [...all.stdout.matchAll(/^ {2}([a-z-]+) .*$/gm)].map(([, name]) => name as string);
    expect(names.length).toBeGreaterThanOrEqual(15);
    for (const name of names.filter((command) => command !== 'help')) {
      const { code, stdout } = await runSurprisal([name, '--help']);
      expect({ name, code }).toEqual({ name, code: 0 });
      expect(stdout).toMatch(/\nExamples:\n {2}/);
    }
    expect(await runRefused(['entorpy', COPPER], 2)).toMatch(/Did you mean entropy\?/);
    expect(await runRefused(['entropy', COPPER, '--cutof', '3'], 2)).toMatch(/Did you mean --cutoff\?/);
  });

  it('completes commands, options and their values, and leaves files to the shell', async () => {
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { code, stdout } = await runSurprisal(['completion', shell]);
      expect(code).toBe(0);
      expect(stdout).toContain('surprisal');
    }
    const commands = await runSurprisal(['complete', '--', 'learn']);
    expect(commands.stdout).toMatch(/^learning-curve/m);
    const completed = async (...words: string[]) => (await runSurprisal(['complete', '--', ...words])).stdout;
    expect(await completed('entropy', '--group')).toMatch(/^--group-by\t/);
    expect(await completed('entropy', '--backend', '')).toBe('auto\nnative\nreference\n');
    expect(await completed('entropy', '--backend', '=', 'n')).toBe('native\n');
    expect(await completed('entropy', '--backend=n')).toBe('--backend=native\n');
    expect(await completed('completion', '')).toBe('bash\nzsh\nfish\n');
    expect(await completed('entropy', '--json', '')).toBe('');
    expect(await completed('dh', 'test.xyz', '-r', 'tr')).toBe('');
    expect(await runRefused(['completion', 'tcsh'], 2)).toMatch(/bash/);
  });

  it('completes in bash itself', async () => {
    const { stdout: script } = await runSurprisal(['completion', 'bash']);
    const asked = `surprisal() { '${process.execPath}' '${surprisalPath}' "$@"; }
${script}
complete -p surprisal
COMP_WORDS=(surprisal learn); COMP_CWORD=1; _surprisal; echo "\${COMPREPLY[@]}"
COMP_WORDS=(surprisal entropy wa); COMP_CWORD=2; _surprisal; echo "\${#COMPREPLY[@]}"`;
    const { stdout } = await promisify(execFile)('bash', ['--norc', '-c', asked]);
    const [registered, ...found] = stdout.trim().split('\n');
    expect(registered).toContain('-o default');
    expect(found).toEqual(['learning-curve', '0']);
  });
});

describe('results of a matrix', () => {
  it('are those of its rows', async () => {
    const matrix = await readMatrix(inFolder('water.npy'));
    const h = await entropyOf(matrixRows(matrix, 0, matrix.rows));
    const document = await runJson<EntropyDocument>(['entropy', inFolder('water.npy')]);
    expect(document.results[0]?.entropy).toBe(h.entropy);
  });
});
