import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { atomCount } from '@surprisal/core';
import { quests } from '@surprisal/descriptors';
import { expandInputs, writeStructures } from '@surprisal/io/node';
import { idealCrystal, supercell } from '@surprisal/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EnvironmentChunk, EnvironmentStream } from '../src/environment-stream.ts';
import { MemoryBudget } from '../src/memory-budget.ts';
import type { CommandOptions } from '../src/option-values.ts';
import { runPipeline } from '../src/pipeline.ts';
import { createProgram } from '../src/program.ts';
import { type Run, runWithin, startRun } from '../src/run.ts';
import { standardStreams } from '../src/streams.ts';

const MIB = 2 ** 20;
const PROCESS = 160 * MIB;
const FRAMES = 5;
const ROW_BYTES = 63 * 8;

let folder: string;
let path: string;
let atoms: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surprisal-stream-'));
  path = join(folder, 'frames.xyz');
  const crystal = supercell(idealCrystal('fcc'), [12, 12, 12]);
  atoms = atomCount(crystal);
  await writeStructures(
    path,
    Array.from({ length: FRAMES }, () => crystal),
  );
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function runOf(words: readonly string[]): Promise<Run> {
  let given: CommandOptions | undefined;
  const program = createProgram(
    async (_, __, options) => {
      given = options;
    },
    () => undefined,
  );
  await program.parseAsync(words, { from: 'user' });
  return await startRun(given as CommandOptions, standardStreams(), new AbortController().signal);
}

/** Takes the chunks of a stream whose frames nobody releases, until `enough` frames are complete; then looks whether more come. */
async function takenWithout(budget: MemoryBudget, enough: number): Promise<{ chunks: number[]; comesMore: boolean }> {
  const outer = await runOf(['dh', path, '-r', path, '--quiet']);
  const stream = new EnvironmentStream(await expandInputs([path]), {
    descriptor: quests(),
    precision: 'f64',
    chunkRows: 1024,
    rowBytes: ROW_BYTES,
    budget,
    side: 'test',
    frameBytes: Math.floor(budget.left / 8),
    stage: 'reading',
    keepsStructures: true,
  });
  const chunks: number[] = [];
  let comesMore = false;
  await runPipeline(outer.signal, async (pipeline) => {
    const all = stream.chunks(runWithin(outer, pipeline.signal), pipeline);
    for (let complete = 0; complete < enough; ) {
      const { matrix, completes } = (await all.next()).value as EnvironmentChunk;
      chunks.push(matrix.rows);
      complete += completes.length;
    }
    const next = all.next();
    // What is still asked for is interrupted.
    next.catch(() => undefined);
    comesMore = (await Promise.race([next, sleep(300)])) !== undefined;
  }).catch((error) => {
    if (error.code !== 'ABORTED') throw error;
  });
  return { chunks, comesMore };
}

describe('a stream of frames larger than a chunk', () => {
  it('has a frame read and another described while one waits to be written, in parts of one size', async () => {
    const { chunks } = await takenWithout(new MemoryBudget(PROCESS + 8 * MIB, '--memory'), 3);
    expect(Math.min(...chunks)).toBeGreaterThan(0.95 * Math.max(...chunks));
  });

  it('goes frame by frame where there is no memory for more', async () => {
    const least = (3 * 8 + 2 + 136) * atoms;
    const budget = new MemoryBudget(PROCESS + least, '--memory');
    expect((await takenWithout(budget, 1)).comesMore).toBe(false);
    expect(budget.left).toBeGreaterThanOrEqual(0);
  });
});
