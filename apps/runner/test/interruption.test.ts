import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createMatrix } from '@surprisal/core';
import { writeMatrix } from '@surprisal/io/node';
import { randomStream } from '@surprisal/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSurprisal, finished, runProcess, shellCode, startSurprisal } from './surprisal-process.ts';

// Enough of them, and all within reach of each other, that nothing is skipped and the sums last.
const ROWS = 400_000;
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
    for (let j = 0; j < COLUMNS; j++) data[i * COLUMNS + j] = (row[j] as number) + i * 1e-8;
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
      child.on('exit', (status, name) => resolve({ code: shellCode(status, name), at: performance.now() }));
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

describe('while the operating system holds up a file call', () => {
  let own: string;
  let pipe: string;

  beforeAll(async () => {
    own = await mkdtemp(join(tmpdir(), 'surprisal-held-up-'));
    pipe = join(own, 'pipe.xyz');
    expect((await runProcess('mkfifo', [pipe])).code).toBe(0);
  });

  afterAll(() => rm(own, { recursive: true, force: true }));

  it.each([
    ['SIGINT', 130, 1],
    ['SIGTERM', 143, 1],
    ['SIGINT', 130, 2],
  ] as const)('%s ends it within a second, exit %i, signals sent: %i', async (signal, code, times) => {
    const child = startSurprisal(['entropy', pipe, '--verbose']);
    const end = finished(child);
    await untilSaid(child, /backend/);
    await sleep(300);
    const sent = performance.now();
    for (let i = 0; i < times; i++) {
      // Two of them at the same moment would be one.
      await sleep(100 * i);
      child.kill(signal);
    }
    expect((await end).code).toBe(code);
    expect(performance.now() - sent).toBeLessThan(times === 1 ? 1200 : 600);
  });

  it('no half file stays', async () => {
    const target = join(own, 'half.txt');
    const source = `
      import { writeFileSafely, removeUnfinishedFiles } from '@surprisal/io/node';
      process.on('SIGTERM', () => {
        if (process.argv[1] === 'exit') process.exit(143);
        removeUnfinishedFiles();
        process.kill(process.pid, 'SIGKILL');
      });
      await writeFileSafely(process.argv[2], {}, async (sink) => {
        await sink.write('x'.repeat(1e6));
        console.log('written');
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      });
    `;
    for (const way of ['exit', 'kill']) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', source, way, target], {
        cwd: fileURLToPath(new URL('..', import.meta.url)),
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const end = finished(child);
      await once(child.stdout as Readable, 'data');
      expect(await readdir(own)).toHaveLength(2);
      child.kill('SIGTERM');
      expect((await end).code).toBe(way === 'exit' ? 143 : 137);
      expect(await readdir(own)).toEqual(['pipe.xyz']);
    }
  });

  it('structures that cannot be read twice are refused where they would have to be', async () => {
    const { code, stderr } = await finished(startSurprisal(['metrics', pipe, '-o', join(own, 'out.xyz')]));
    expect(code).toBe(2);
    expect(stderr).toMatch(/pipe\.xyz.*read twice.*\n$/);
  });
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
  await untilSaid(child, /surprisal: kernel sums \d+ % \([\d,]+ of 400,000 environments\), .+ left\n/);
  child.kill('SIGINT');
  expect((await end).code).toBe(130);
});
