import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMatrix } from '@surprisal/core';
import { writeMatrix } from '@surprisal/io/node';
import { randomStream } from '@surprisal/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSurprisal, finished, startSurprisal } from './surprisal-process.ts';

const ROWS = 200_000;
const COLUMNS = 20;

let folder: string;
let matrix: string;

beforeAll(async () => {
  await buildSurprisal();
  folder = await mkdtemp(join(tmpdir(), 'surprisal-interruption-'));
  matrix = join(folder, 'large.npy');
  const random = randomStream(1);
  const row = Float32Array.from({ length: COLUMNS }, () => random.between(0, 1));
  const data = new Float32Array(ROWS * COLUMNS);
  for (let i = 0; i < ROWS; i++) {
    for (let j = 0; j < COLUMNS; j++) data[i * COLUMNS + j] = (row[j] as number) + i * 1e-6;
  }
  await writeMatrix(matrix, createMatrix(ROWS, COLUMNS, data), {});
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Waits until a process has said something on standard error. */
function untilSaid(child: ReturnType<typeof startSurprisal>, words: RegExp): Promise<void> {
  let said = '';
  return new Promise((resolve, reject) => {
    child.stderr?.on('data', (text) => {
      said += text;
      if (words.test(said)) resolve();
    });
    child.on('close', () => reject(new Error(`the command ended without saying ${words}:\n${said}`)));
  });
}

describe.each(['native', 'reference'])('%s backend', (backend) => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends it within a second, exit %i, and leaves no half file', async (signal, code) => {
    const output = join(folder, 'out.npy');
    const child = startSurprisal(['dh', matrix, '-r', matrix, '-o', output, '--backend', backend, '--verbose']);
    const end = new Promise<{ code: number | null; at: number }>((resolve) => {
      child.on('exit', (status) => resolve({ code: status, at: performance.now() }));
    });
    await untilSaid(child, /kernel sums of/);
    await sleep(500);
    const sent = performance.now();
    child.kill(signal);
    const ended = await end;
    expect(ended.code).toBe(code);
    expect(ended.at - sent).toBeLessThan(1000);
    expect(await readdir(folder)).toEqual(['large.npy']);
  });
});

it('a second Ctrl-C ends it at once', async () => {
  const child = startSurprisal(['entropy', matrix, '--verbose', '--backend', 'native']);
  await untilSaid(child, /kernel sums of/);
  child.kill('SIGINT');
  child.kill('SIGINT');
  const { code, stdout } = await finished(child);
  expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
});

it('says that it was interrupted, and prints no result', async () => {
  const child = startSurprisal(['entropy', matrix, '--json', '--verbose', '--no-progress']);
  const end = finished(child);
  await untilSaid(child, /kernel sums of/);
  child.kill('SIGINT');
  const { code, stdout, stderr } = await end;
  expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
  expect(stderr).toMatch(/\nsurprisal: error: interrupted\n$/);
});

it('tells how far it is in lines of text where no terminal looks', async () => {
  const child = startSurprisal(['entropy', matrix]);
  const end = finished(child);
  await untilSaid(child, /surprisal: kernel sums \d+ % \([\d,]+ of 200,000 environments\), .+ left\n/);
  child.kill('SIGINT');
  expect((await end).code).toBe(130);
});
