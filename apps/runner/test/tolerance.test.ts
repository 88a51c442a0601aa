import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createMatrix } from '@surprisal/core';
import { compareSamples, entropyMany, estimateEntropyMany } from '@surprisal/entropy';
import { writeMatrix } from '@surprisal/io/node';
import { randomStream } from '@surprisal/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CompareDocument, EntropyDocument, MetricsDocument } from '../src/result-document.ts';
import { runJson, runRefused } from './command-checks.ts';
import { buildSurprisal, runSurprisal } from './surprisal-process.ts';

const WATER = fileURLToPath(new URL('fixtures/water.xyz', import.meta.url));

let folder: string;
const inFolder = (name: string) => join(folder, name);

/** A crystal with a few defects: small enough for a test, too large for the sample to be all of it. */
const made = (seed: number, rows: number, spread: number) => {
  const random = randomStream(seed);
  const data = Float64Array.from({ length: rows * 4 }, (_, at) => (at < 40 ? 0.3 : 0) + spread * random.gaussian());
  return createMatrix(rows, 4, data);
};
const [large, larger] = [made(1, 6000, 0.01), made(2, 9000, 0.013)];

beforeAll(async () => {
  await buildSurprisal();
  folder = await mkdtemp(join(tmpdir(), 'surprisal-tolerance-'));
  await writeMatrix(inFolder('large.npy'), large);
  await writeMatrix(inFolder('larger.npy'), larger);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('--tolerance', () => {
  it('of entropy: H with an interval, at each bandwidth, from one sample', async () => {
    const args = ['entropy', inFolder('large.npy'), '-b', '0.01,0.03', '--tolerance', '0.05', '--seed', '3'];
    const document = await runJson<EntropyDocument>(args);
    const options = { bandwidths: [0.01, 0.03], tolerance: 0.05, seed: 3 };
    expect(document.results).toEqual(await estimateEntropyMany(large, options));
    const exact = await entropyMany(large, options);
    for (const [b, { estimate }] of document.results.entries()) {
      expect(estimate?.halfWidth).toBeLessThanOrEqual(0.05);
      expect(estimate?.interval[0]).toBeLessThanOrEqual(exact[b]!.entropy);
      expect(estimate?.interval[1]).toBeGreaterThanOrEqual(exact[b]!.entropy);
    }
    const { stdout } = await runSurprisal(args);
    expect(stdout).toMatch(
      /^h 0\.01 1\/Å: H \d\.\d{3} ± 0\.0\d\d nats \(95 %, numerical; [\d,]+ of 6,000 environments asked\); D \d\.\d\d \(\d\.\d\d to \d\.\d\d\)$/m,
    );
    expect(stdout).toMatch(/^± is the numerical error for these environments alone/m);
    const table = inFolder('table.csv');
    await runJson([...args, '-o', table]);
    const [head] = (await readFile(table, 'utf8')).split('\n');
    expect(head).toBe(
      'group,bandwidth,entropy,maxEntropy,diversity,entropyLow,entropyHigh,diversityLow,diversityHigh,queries',
    );
  });

  it('asks everything where a sample would cost as much, and says so', async () => {
    const document = await runJson<EntropyDocument>(['entropy', WATER, '--tolerance', '0.01']);
    const exact = await runJson<EntropyDocument>(['entropy', WATER]);
    const [{ estimate, ...result } = { estimate: undefined }] = document.results;
    expect(result).toEqual(exact.results[0]);
    expect(estimate).toMatchObject({ exact: true, halfWidth: 0, queries: 12, environments: 12 });
    expect((await runSurprisal(['entropy', WATER, '--tolerance', '0.01'])).stdout).toMatch(
      /^H \d\.\d+ nats, exact: a sample would have cost as much$/m,
    );
  });

  it('of groups: an interval for each, and overlaps between them', async () => {
    const document = await runJson<EntropyDocument>([
      ...['entropy', inFolder('large.npy'), inFolder('larger.npy'), '--group-by', 'file'],
      ...['--tolerance', '0.1', '--eps', '-3', '--projections', '4'],
    ]);
    expect(document.results.map(({ estimate }) => estimate?.environments)).toEqual([15_000, 6000, 9000]);
    expect(document.results.every(({ estimate }) => estimate?.exact === false)).toBe(true);
    const { comparison } = document.groups!;
    const options = { bandwidths: [0.015], epsilon: -3, seed: 0, projections: 4 };
    expect(comparison).toEqual(await compareSamples([large, larger], options));
  });

  it('of compare: H and overlaps with intervals, distances exactly, no divergences', async () => {
    const args = ['compare', inFolder('large.npy'), inFolder('larger.npy'), '--tolerance', '0.1', '--projections', '4'];
    const { results, maps } = await runJson<CompareDocument>(args);
    expect(results.map(({ set, estimate }) => [set, estimate?.exact])).toEqual([
      [inFolder('large.npy'), false],
      [inFolder('larger.npy'), false],
    ]);
    const [map] = maps.comparison.maps;
    const [low, high] = map!.overlapInterval![0]![1]!;
    expect(low).toBeLessThanOrEqual(map!.overlap[0]![1]!);
    expect(high).toBeGreaterThan(low);
    expect(map?.kullbackLeibler).toEqual([
      [null, null],
      [null, null],
    ]);
    const { stdout } = await runSurprisal(args);
    expect(stdout).toMatch(/^large\.npy: H \d\.\d+ ± /m);
    expect(stdout).toMatch(/% \(\d+(\.\d+)? % to \d+(\.\d+)? %\)/);
    expect(stdout).toMatch(/^Divergences are not estimated/m);
    expect(stdout).not.toMatch(/Kullback/);
    const table = inFolder('maps.npz');
    expect((await runSurprisal([...args, '-o', table])).code).toBe(0);
  });

  it('of metrics: no δH of each environment; H of frames, which are small', async () => {
    const document = await runJson<MetricsDocument>(['metrics', WATER, '--tolerance', '0.1']);
    const exact = await runJson<MetricsDocument>(['metrics', WATER]);
    const [result, whole] = [document.results[0]!, exact.results[0]!];
    expect(result).toMatchObject({ entropy: whole.entropy, dH: null, frameEntropy: whole.frameEntropy });
    const { stdout } = await runSurprisal(['metrics', inFolder('large.npy'), '--tolerance', '0.1']);
    expect(stdout).toMatch(/^H \d\.\d+ ± 0\.\d+ nats \(95 %, numerical/m);
    expect(stdout).toMatch(/^δH of each environment: not computed with --tolerance$/m);
    const output = ['--tolerance', '0.1', '-o', inFolder('dH.csv')];
    expect(await runRefused(['metrics', WATER, ...output], 2)).toMatch(/--output writes δH of each environment/);
    const sensitivity = ['--tolerance', '0.1', '--sensitivity'];
    expect(await runRefused(['metrics', WATER, ...sensitivity], 2)).toMatch(/leave out --tolerance/);
  });

  it('has to be above 0, and takes a seed', async () => {
    for (const tolerance of ['0', '-1', 'much', '']) {
      expect(await runRefused(['entropy', WATER, '--tolerance', tolerance], 2)).toMatch(/must be a number above 0/);
    }
    const { stderr } = await runSurprisal(['entropy', WATER, '--tolerance', '0.1', '--seed', '1']);
    expect(stderr).not.toMatch(/no effect/);
    expect((await runSurprisal(['entropy', WATER, '--seed', '1'])).stderr).toMatch(/--seed has no effect/);
  });
});
