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

/** Takes the chunks of a stream whose frames nobody releases, until `enough` frames are complete or none comes any more. */
async function takenWithout(budget: MemoryBudget, enough: number): Promise<{ chunks: number[]; complete: number }> {
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
  let complete = 0;
  await runPipeline(outer.signal, async (pipeline) => {
    const all = stream.chunks(runWithin(outer, pipeline.signal), pipeline);
    let next = all.next();
    while (complete < enough) {
      const taken = await Promise.race([next, sleep(3000, undefined)]);
      if (taken === undefined || taken.done) break;
      const { matrix, completes }: EnvironmentChunk = taken.value;
      chunks.push(matrix.rows);
      complete += completes.length;
      next = all.next();
    }
    next.catch(() => undefined);
  }).catch((error) => {
    // What was still asked for is interrupted.
    if (error.code !== 'ABORTED') throw error;
  });
  return { chunks, complete };
}

describe('a stream of frames larger than a chunk', () => {
  it('has a frame read and another described while one waits to be written', async () => {
    const { chunks, complete } = await takenWithout(new MemoryBudget(PROCESS + 40 * MIB, '--memory'), 3);
    expect(complete).toBe(3);
    // In parts of one size.
    expect(Math.min(...chunks)).toBeGreaterThan(0.95 * Math.max(...chunks));
  });

  it('goes frame by frame where there is no memory for more', async () => {
    const least = (3 * 8 + 2 + 136) * atoms;
    const budget = new MemoryBudget(PROCESS + least, '--memory');
    const { complete } = await takenWithout(budget, 3);
    expect(complete).toBe(1);
    expect(budget.left).toBeGreaterThanOrEqual(0);
  });
});
