import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { availableThreads, loadAddon } from '@surprisal/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DhDocument, EntropyDocument } from '../src/result-document.ts';
import { runJson, runRefused } from './command-checks.ts';
import { makeControlGroup } from './real-control-group.ts';
import { buildSurprisal, runProcess, surprisalPath } from './surprisal-process.ts';

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const COPPER = fixture('copper.xyz');
const WATER = fixture('water.xyz');

const isas = loadAddon().addon?.isas ?? [];

interface Doctor {
  readonly backend: { readonly isa: string; readonly threads: number };
  readonly threads: { readonly threads: number; readonly source: string };
  readonly memory: { readonly total: number; readonly available: number; readonly source: string };
}

let folder: string;
const inFolder = (name: string) => join(folder, name);

beforeAll(async () => {
  await buildSurprisal();
  folder = await mkdtemp(join(tmpdir(), 'surprisal-limits-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function valuesOf(args: readonly string[], env: Readonly<Record<string, string>>): Promise<number[]> {
  const output = inFolder(`dh-${env['SURPRISAL_ISA']}.csv`);
  const document = await runJson<DhDocument>([...args, '-o', output, '--overwrite'], { env });
  expect(document.backend).toMatchObject({ name: 'native', isa: env['SURPRISAL_ISA'] });
  const [header = '', ...rows] = (await readFile(output, 'utf8')).trimEnd().split('\n');
  const first = header.split(',').findIndex((name) => name.startsWith('dH'));
  return rows.flatMap((row) => row.split(',').slice(first).map(Number));
}

describe('the instruction set', () => {
  // Far outliers and near ones: water against copper, copper against copper.
  it.each([
    ['f64', 1e-9, 1e-9],
    // What is stated of sums in float32, once for each side.
    ['f32', 4e-5, 2e-6],
  ])(
    'is named by every result, and each gives the same δH within the stated error, %s',
    async (precision, absolute, relative) => {
      expect(isas.length).toBeGreaterThan(0);
      const args = ['dh', COPPER, WATER, '-r', `${COPPER}@0`, '-b', '0.015,0.1', '--precision', precision];
      const [best = [], ...others] = await Promise.all(isas.map((isa) => valuesOf(args, { SURPRISAL_ISA: isa })));
      expect(best.length).toBe(2 * (3 * 32 + 4 * 3));
      for (const values of others) {
        expect(values.length).toBe(best.length);
        for (const [i, value] of values.entries()) {
          expect(Math.abs(value - best[i]!)).toBeLessThanOrEqual(absolute + relative * Math.abs(best[i]!));
        }
      }
    },
  );

  it('is the best one by default; the doctor names it too', async () => {
    expect((await runJson<Doctor>(['doctor'])).backend.isa).toBe(isas[0]);
    for (const isa of isas) {
      expect((await runJson<Doctor>(['doctor'], { env: { SURPRISAL_ISA: isa } })).backend.isa).toBe(isa);
    }
  });

  it('that cannot run here is refused with those that can, and nothing runs in its place', async () => {
    // Of another kind of processor than this one.
    const foreign = process.arch === 'x64' ? 'neon' : 'avx2';
    for (const command of [['entropy', WATER], ['doctor'], ['entropy', WATER, '--backend', 'native']]) {
      const message = await runRefused(command, 2, { env: { SURPRISAL_ISA: foreign } });
      expect(message).toContain(`SURPRISAL_ISA is "${foreign}"`);
      expect(message).toContain(isas.join(', '));
    }
    // Which asks for no instruction set.
    const reference = await runJson<EntropyDocument>(['entropy', WATER, '--backend', 'reference'], {
      env: { SURPRISAL_ISA: foreign },
    });
    expect(reference.backend).toEqual({ name: 'reference', isa: 'none', threads: 1 });
  });

  it('stands in the document of every command', async () => {
    const { $defs, oneOf } = JSON.parse(
      await readFile(new URL('../schema/result.schema.json', import.meta.url), 'utf8'),
    ) as {
      $defs: Record<string, { required: string[]; properties: { backend?: object } }>;
      oneOf: { $ref: string }[];
    };
    for (const { $ref } of oneOf) {
      const command = $defs[$ref.slice('#/$defs/'.length)];
      expect(command?.required, $ref).toContain('backend');
      expect(JSON.stringify(command?.properties.backend), $ref).toMatch(/"#\/\$defs\/backend"|"isa"/);
    }
  });
});

describe('threads', () => {
  it('one, and more than there are cores, give the same bits', async () => {
    const counts = [1, availableParallelism() + 5, 200];
    const documents = await Promise.all(
      counts.map((count) => runJson<EntropyDocument>(['entropy', COPPER, WATER, '-j', String(count)])),
    );
    expect(documents.map(({ backend }) => backend.threads)).toEqual(counts);
    for (const { results } of documents) expect(results).toEqual(documents[0]?.results);
  });

  it.each(['1', '7'])('an error in one of %s ends the command with one sentence', async (threads) => {
    const path = inFolder(`coincident-${threads}.xyz`);
    const atoms = Array.from({ length: 40 }, (_, i) => `Cu ${i} 0 0`);
    await writeFile(path, `41\nProperties=species:S:1:pos:R:3 pbc="F F F"\n${atoms.join('\n')}\nCu 39 0 0\n`);
    expect(await runRefused(['entropy', path, '-j', threads], 1)).toMatch(/atoms 40 and 41 lie at the same place/);
  });
});

describe('memory', () => {
  it('of which there is too little for the native backend ends the command with one sentence', async () => {
    // All neighbours within 200 Å take more than 4 GB.
    const { code, stdout, stderr } = await runProcess('sh', [
      ...['-c', 'ulimit -v 2500000; exec "$@"', 'sh', process.execPath, surprisalPath],
      ...['neighbors', `${COPPER}@0`, '--atom', '0', '--cutoff', '200', '-o', inFolder('cut.xyz'), '--no-progress'],
    ]);
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^surprisal: error: there is not enough memory [^\n]*\n$/),
    });
  });
});

describe('the doctor', () => {
  it('says how many threads and how much memory can be had, and why', async () => {
    const document = await runJson<Doctor>(['doctor'], {
      env: { SLURM_CPUS_PER_TASK: '1', SLURM_MEM_PER_NODE: '900' },
    });
    expect(document.threads).toEqual({
      threads: 1,
      source: availableThreads() === 1 ? expect.any(String) : 'SLURM_CPUS_PER_TASK',
    });
    expect(document.backend.threads).toBe(1);
    expect(document.memory.source).toBe('SLURM_MEM_PER_NODE');
    expect(document.memory.available).toBeLessThan(900 * 1024 ** 2);
    const { stdout } = await runProcess(process.execPath, [surprisalPath, 'doctor'], {
      env: { SLURM_MEM_PER_NODE: '900' },
    });
    expect(stdout).toMatch(/^threads +\d+ in use, \d+ can be had: \S/m);
    expect(stdout).toMatch(/^memory +\d+ MiB can be had of .*: SLURM_MEM_PER_NODE$/m);
  });

  // Where none can be made, the tests of `availableThreads` and `availableMemory` on made-up files are what there is.
  const half = makeControlGroup('cpu', {
    1: { 'cpu.cfs_period_us': '100000', 'cpu.cfs_quota_us': '50000' },
    2: { 'cpu.max': '50000 100000' },
  });
  const small = makeControlGroup('memory', {
    1: { 'memory.limit_in_bytes': String(700 * 1024 ** 2) },
    2: { 'memory.max': String(700 * 1024 ** 2) },
  });
  afterAll(() => {
    half?.remove();
    small?.remove();
  });

  if (half !== undefined) {
    it('sees one thread in a real control group of half a core', async () => {
      const { code, stdout, stderr } = await runProcess(half.command, [
        ...half.args,
        ...[process.execPath, surprisalPath, 'doctor', '--json'],
      ]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const { backend, threads } = JSON.parse(stdout) as Doctor;
      expect(backend.threads).toBe(1);
      expect(threads).toEqual({ threads: 1, source: expect.stringContaining(`of the control group ${half.name}`) });
    });
  }

  if (small !== undefined) {
    it('sees the memory of a real control group', async () => {
      const { code, stdout, stderr } = await runProcess(small.command, [
        ...small.args,
        ...[process.execPath, surprisalPath, 'doctor', '--json'],
      ]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const { memory } = JSON.parse(stdout) as Doctor;
      expect(memory.source).toContain(`of the control group ${small.name}`);
      // Less what this process itself took: Node alone needs some tens of MiB.
      expect(memory.available).toBeGreaterThan(300 * 1024 ** 2);
      expect(memory.available).toBeLessThan(690 * 1024 ** 2);
    });
  }
});
