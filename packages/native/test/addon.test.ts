import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { addonPath, loadAddon, type NativeAddon, runJob, type StructureBatch } from '../src/index.ts';

const loaded = loadAddon();
if (loaded.addon === null) throw new Error(`these tests need the binary: ${loaded.reason}`);
const { addon } = loaded;

const COLUMNS = 63;
const BANDWIDTH = Float64Array.of(0.015);
const OPTIONS = { skipBelow: 0, double: false, exact: false, decisions: new Float64Array(0) };

/** Rows that differ from one another a little, the same on every run. */
function rows(count: number, shared = false): Float64Array {
  const bytes = count * COLUMNS * 8;
  const x = new Float64Array(shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
  for (let i = 0; i < x.length; i++) x[i] = 0.2 + 0.01 * Math.sin(i * 12.9898);
  return x;
}

function sums(x: Float64Array, y: Float64Array, threads = 2) {
  return addon.logKernelSum(x, y, COLUMNS, BANDWIDTH, null, null, OPTIONS, threads);
}

/** Two queries against three references, some of them left out. */
function leavingOut(a: NativeAddon, starts: readonly number[], ends: readonly number[]) {
  const windows = { starts: Uint32Array.from(starts), ends: Uint32Array.from(ends) };
  return a.logKernelSum(rows(2), rows(3), COLUMNS, BANDWIDTH, null, windows, OPTIONS, 1);
}

const dimer: StructureBatch = {
  positions: Float64Array.of(0, 0, 0, 1.1, 0, 0),
  offsets: Uint32Array.of(0, 2),
  cells: new Float64Array(9),
  pbc: new Uint8Array(3),
};

describe('buffers', () => {
  it('survives that its inputs are transferred away and collected in mid-call', async () => {
    const expected = await sums(rows(6000), rows(6000)).result;
    let x: Float64Array | undefined = rows(6000);
    let y: Float64Array | undefined = rows(6000);
    const job = sums(x, y);
    // Detach both buffers, drop what was transferred, and let the collector run while the threads work.
    structuredClone(x, { transfer: [x.buffer as ArrayBuffer] });
    structuredClone(y, { transfer: [y.buffer as ArrayBuffer] });
    expect(x.length).toBe(0);
    x = undefined;
    y = undefined;
    for (let i = 0; i < 20; i++) {
      new Float64Array(1e6).fill(1);
      globalThis.gc?.();
      await sleep(1);
    }
    expect(await job.result).toEqual(expected);
  });

  it('keeps a SharedArrayBuffer that nobody else holds', async () => {
    const expected = await sums(rows(4000), rows(4000)).result;
    const job = sums(rows(4000, true), rows(4000, true));
    for (let i = 0; i < 10; i++) {
      new Float64Array(1e6).fill(1);
      globalThis.gc?.();
      await sleep(1);
    }
    expect(await job.result).toEqual(expected);
  });

  it('survives positions in shared memory that another thread changes in mid-call', async () => {
    const atoms = 5000;
    const positions = new Float64Array(new SharedArrayBuffer(24 * atoms));
    const script = `
      const { parentPort, workerData: r } = require('node:worker_threads');
      for (let round = 0; ; round++) {
        for (let i = 0; i < r.length; i++) r[i] = Math.random() * 40;
        if (round === 0) parentPort.postMessage('started');
      }`;
    const worker = new Worker(script, { eval: true, workerData: positions });
    await new Promise((resolve) => worker.once('message', resolve));
    const batch = { ...dimer, positions, offsets: Uint32Array.of(0, atoms) };
    for (let round = 0; round < 5; round++) {
      const code = await addon.neighborList(batch, 5, true, 2).result.then(
        () => 'done',
        (error) => error.code,
      );
      expect(['done', 'INVALID_POSITIONS']).toContain(code);
    }
    await worker.terminate();
  });

  it('writes only where nobody can take the memory away', () => {
    expect(() => addon.questsDescriptors(dimer, 32, 5, 1e-6, 3, new Float64Array(126), 1)).toThrow(/SharedArrayBuffer/);
  });
});

describe('a long call', () => {
  it('leaves the event loop alive, and tells how far it is', async () => {
    const job = sums(rows(9000), rows(9000));
    const seen: number[] = [];
    let ticks = 0;
    const ticker = setInterval(() => {
      ticks++;
      seen.push(job.done());
    }, 5);
    await job.result;
    clearInterval(ticker);
    expect(ticks).toBeGreaterThan(3);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(new Set(seen).size).toBeGreaterThan(2);
    expect(job.done()).toBe(job.total);
  });

  it('stops when it is told to', async () => {
    const job = sums(rows(60_000), rows(60_000));
    await sleep(30);
    const start = performance.now();
    job.cancel();
    await expect(job.result).rejects.toMatchObject({ code: 'ABORTED' });
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it('may be one of many', async () => {
    const expected = await sums(rows(1000), rows(1000)).result;
    const jobs = Array.from({ length: 12 }, (_, i) => sums(rows(1000), rows(1000), 1 + (i % 5)));
    for (const job of jobs) expect(await job.result).toEqual(expected);
  });
});

describe('worker threads', () => {
  const script = `
    const { parentPort, workerData } = require('node:worker_threads');
    const addon = require(workerData.path);
    const x = new Float64Array(workerData.rows * 63).fill(0.1);
    const OPTIONS = { skipBelow: 0, double: false, exact: false, decisions: new Float64Array(0) };
    const job = addon.logKernelSum(x, x, 63, Float64Array.of(0.015), null, null, OPTIONS, 2);
    parentPort.postMessage('started');
    if (workerData.cancelAfter) setTimeout(() => job.cancel(), workerData.cancelAfter);
    job.result.then((sums) => parentPort.postMessage({ sum: sums[0], done: job.done(), total: job.total }),
                    (error) => parentPort.postMessage({ code: error.code, done: job.done(), total: job.total }));
  `;
  const start = (workerData: { rows: number; cancelAfter?: number }) =>
    new Worker(script, { eval: true, workerData: { path: addonPath, ...workerData } });
  const message = (worker: Worker) =>
    new Promise<unknown>((resolve, reject) => {
      worker.on('message', (value) => value !== 'started' && resolve(value));
      worker.on('error', reject);
    });

  it('compute, in one pool', async () => {
    const workers = [start({ rows: 2000 }), start({ rows: 2000 })];
    // Listen to both before waiting for either: what arrives while nobody listens is lost.
    for (const result of await Promise.all(workers.map(message))) {
      const { sum, done, total } = result as { sum: number; done: number; total: number };
      expect(sum).toBe(Math.log(2000));
      expect(done).toBe(total);
    }
    await Promise.all(workers.map((worker) => worker.terminate()));
  });

  it('are told how far a call is, and can cancel it', async () => {
    const worker = start({ rows: 60_000, cancelAfter: 30 });
    const { code, done, total } = (await message(worker)) as { code: string; done: number; total: number };
    expect(code).toBe('ABORTED');
    expect(done).toBeLessThan(total);
    await worker.terminate();
  });

  it('may be terminated in mid-call', async () => {
    const worker = start({ rows: 60_000 });
    await new Promise((resolve) => worker.once('message', resolve));
    const begun = performance.now();
    await worker.terminate();
    expect(performance.now() - begun).toBeLessThan(2000);
    expect((await sums(rows(10), rows(10)).result).length).toBe(10);
  });
});

describe('an addon that only worker threads load', () => {
  it('stays when they end', () => {
    const script = `
      const { Worker } = require('node:worker_threads');
      const work = ${JSON.stringify(`
        const addon = require(${JSON.stringify(addonPath)});
        const x = new Float64Array(500 * 63).fill(0.1);
        const OPTIONS = { skipBelow: 0, double: false, exact: false, decisions: new Float64Array(0) };
        addon.logKernelSum(x, x, 63, Float64Array.of(0.015), null, null, OPTIONS, 3).result.then(() => {});`)};
      (async () => {
        for (let i = 0; i < 20; i++) {
          await new Promise((resolve) => new Worker(work, { eval: true }).on('exit', resolve));
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        console.log('alive');
      })();`;
    const run = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    expect(`${run.stdout}${run.stderr} ${run.signal}`).toBe('alive\n null');
  });
});

describe('wrong input is refused before any memory is touched', () => {
  const refused: [string, (a: NativeAddon) => unknown, RegExp][] = [
    [
      'no typed array',
      (a) => a.logKernelSum([1] as never, rows(1), COLUMNS, BANDWIDTH, null, null, OPTIONS, 1),
      /typed array/,
    ],
    [
      'an integer array',
      (a) => a.logKernelSum(new Int32Array(63) as never, rows(1), 63, BANDWIDTH, null, null, OPTIONS, 1),
      /type/,
    ],
    [
      'two precisions',
      (a) => a.logKernelSum(new Float32Array(63), rows(1), 63, BANDWIDTH, null, null, OPTIONS, 1),
      /precision/,
    ],
    [
      'half a row',
      (a) => a.logKernelSum(new Float64Array(70), rows(1), 63, BANDWIDTH, null, null, OPTIONS, 1),
      /whole rows/,
    ],
    [
      'no reference',
      (a) => a.logKernelSum(rows(1), new Float64Array(0), 63, BANDWIDTH, null, null, OPTIONS, 1),
      /empty/,
    ],
    ['no columns', (a) => a.logKernelSum(rows(1), rows(1), 0, BANDWIDTH, null, null, OPTIONS, 1), /columns/],
    [
      'a bandwidth of 0',
      (a) => a.logKernelSum(rows(1), rows(1), 63, Float64Array.of(0), null, null, OPTIONS, 1),
      /bandwidths/,
    ],
    ['no threads', (a) => a.logKernelSum(rows(1), rows(1), 63, BANDWIDTH, null, null, OPTIONS, 0), /threads/],
    ['NaN threads', (a) => a.logKernelSum(rows(1), rows(1), 63, BANDWIDTH, null, null, OPTIONS, Number.NaN), /threads/],
    [
      'too few weights',
      (a) => a.logKernelSum(rows(2), rows(2), 63, BANDWIDTH, Float64Array.of(1), null, OPTIONS, 1),
      /weights/,
    ],
    [
      'weights of 0',
      (a) => a.logKernelSum(rows(1), rows(1), 63, BANDWIDTH, Float64Array.of(0), null, OPTIONS, 1),
      /weight/,
    ],
    ['no options', (a) => a.logKernelSum(rows(1), rows(1), 63, BANDWIDTH, null, null, 3 as never, 1), /options/],
    [
      'a skip of 1 nat',
      (a) => a.logKernelSum(rows(1), rows(1), 63, BANDWIDTH, null, null, { ...OPTIONS, skipBelow: 1 }, 1),
      /skipBelow/,
    ],
    [
      'self sums of half a row',
      (a) => a.selfKernelSums(new Float64Array(70), 63, BANDWIDTH, { ...OPTIONS, share: 0, shares: 1 }, 1),
      /whole rows/,
    ],
    [
      'self sums of nothing',
      (a) => a.selfKernelSums(rows(0), 63, BANDWIDTH, { ...OPTIONS, share: 0, shares: 1 }, 1),
      /empty/,
    ],
    [
      'a share that there is not',
      (a) => a.selfKernelSums(rows(2), 63, BANDWIDTH, { ...OPTIONS, share: 2, shares: 2 }, 1),
      /share/,
    ],
    [
      'windows that are no object',
      (a) => a.logKernelSum(rows(1), rows(2), 63, BANDWIDTH, null, 3 as never, OPTIONS, 1),
      /object/,
    ],
    [
      'windows without ends',
      (a) => a.logKernelSum(rows(1), rows(2), 63, BANDWIDTH, null, { starts: new Uint32Array(1) } as never, OPTIONS, 1),
      /ends must be a typed array/,
    ],
    [
      'windows of another type',
      (a) =>
        a.logKernelSum(
          rows(1),
          rows(2),
          63,
          BANDWIDTH,
          null,
          { starts: new Int32Array(1), ends: new Int32Array(1) } as never,
          OPTIONS,
          1,
        ),
      /starts has the wrong element type/,
    ],
    ['too few windows', (a) => leavingOut(a, [0], [1]), /one for each query/],
    ['a window that ends before it starts', (a) => leavingOut(a, [0, 2], [1, 1]), /past ends/],
    ['a window past the references', (a) => leavingOut(a, [0, 0], [1, 4]), /past the references/],
    [
      'a window past the references to be near to',
      (a) => {
        const windows = { starts: new Uint32Array(2), ends: Uint32Array.of(1, 4) };
        return a.nearestReferences(rows(2), rows(3), COLUMNS, 1, windows, -1, 1, 1);
      },
      /past the references/,
    ],
    ['no neighbour', (a) => a.nearestReferences(rows(1), rows(1), COLUMNS, 0, null, -1, 1, 1), /k must/],
    [
      'no reference to be near to',
      (a) => a.nearestReferences(rows(1), new Float64Array(0), COLUMNS, 1, null, -1, 1, 1),
      /not empty/,
    ],
    [
      'references of another precision',
      (a) => a.nearestReferences(rows(1), new Float32Array(63), COLUMNS, 1, null, -1, 1, 1),
      /precision/,
    ],
    [
      'too few windows of references',
      (a) =>
        a.nearestReferences(
          rows(2),
          rows(2),
          COLUMNS,
          1,
          { starts: new Uint32Array(1), ends: new Uint32Array(1) },
          -1,
          1,
          1,
        ),
      /one for each query/,
    ],
    [
      'a reach that is no number',
      (a) => a.nearestReferences(rows(1), rows(1), COLUMNS, 1, null, -1, Number.NaN, 1),
      /within/,
    ],
    ['a batch that is no object', (a) => a.neighborList(3 as never, 5, false, 1), /object/],
    ['offsets that fall', (a) => a.neighborList({ ...dimer, offsets: Uint32Array.of(0, 3, 2) }, 5, false, 1), /ascend/],
    [
      'offsets past the end',
      (a) => a.neighborList({ ...dimer, offsets: Uint32Array.of(0, 9) }, 5, false, 1),
      /lengths/,
    ],
    ['too few cells', (a) => a.neighborList({ ...dimer, cells: new Float64Array(3) }, 5, false, 1), /lengths/],
    [
      'NaN positions',
      (a) => a.neighborList({ ...dimer, positions: new Float64Array(6).fill(Number.NaN) }, 5, false, 1),
      /finite/,
    ],
    ['a negative cutoff', (a) => a.nearestNeighbors(dimer, 4, -1, 1), /cutoff/],
    ['an endless cutoff', (a) => a.nearestNeighbors(dimer, 4, 1e17, 1), /cutoff/],
    ['k of 0', (a) => a.nearestNeighbors(dimer, 0, 5, 1), /k must/],
    ['k of 2.5', (a) => a.nearestNeighbors(dimer, 2.5, 5, 1), /k must/],
    [
      'an output of another length',
      (a) => a.questsDescriptors(dimer, 32, 5, 1e-6, 3, new Float64Array(new SharedArrayBuffer(8 * 125)), 1),
      /length/,
    ],
    [
      'two structures as one frame',
      (a) =>
        a.questsFrame(
          { ...dimer, offsets: Uint32Array.of(0, 1, 2), cells: new Float64Array(18), pbc: new Uint8Array(6) },
          32,
          5,
          1e-6,
          3,
        ),
      /one structure/,
    ],
    ['a part past the end', (a) => a.questsFrame(dimer, 32, 5, 1e-6, 3).describe(1, 3, sharedRows(2), 1), /end must/],
    [
      'a part of another length',
      (a) => a.questsFrame(dimer, 32, 5, 1e-6, 3).describe(0, 1, sharedRows(2), 1),
      /length/,
    ],
    [
      'a part in memory that could be taken away',
      (a) => a.questsFrame(dimer, 32, 5, 1e-6, 3).describe(0, 2, new Float64Array(126), 1),
      /SharedArrayBuffer/,
    ],
    [
      'two parts at a time',
      (a) => {
        const frame = a.questsFrame(dimer, 32, 5, 1e-6, 3);
        void frame.describe(0, 2, sharedRows(2), 1).result;
        frame.describe(0, 2, sharedRows(2), 1);
      },
      /one part .* at a time/,
    ],
    [
      'a frame that was closed',
      (a) => {
        const frame = a.questsFrame(dimer, 32, 5, 1e-6, 3);
        frame.close();
        frame.close();
        frame.describe(0, 2, sharedRows(2), 1);
      },
      /closed/,
    ],
  ];
  it.each(refused)('%s', (_, call, words) => {
    expect(() => call(addon)).toThrow(words);
    try {
      call(addon);
    } catch (error) {
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', stack: expect.stringContaining('addon.test') });
    }
  });

  it('says which atoms coincide', async () => {
    const job = addon.nearestNeighbors({ ...dimer, positions: new Float64Array(6) }, 4, 5, 1);
    await expect(job.result).rejects.toMatchObject({
      code: 'COINCIDENT_ATOMS',
      message: expect.stringContaining('1 and 2'),
    });
  });
});

function sharedRows(count: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(8 * 63 * count));
}

describe('runJob', () => {
  it('stops the work and hands on what a report of progress throws', async () => {
    const broken = new Error('broken bar');
    const run = runJob(() => sums(rows(60_000), rows(60_000)), {
      onProgress: () => {
        throw broken;
      },
    });
    await expect(run).rejects.toBe(broken);
  });

  it('tells why it was interrupted', async () => {
    const reason = new Error('no time left');
    const controller = new AbortController();
    const run = runJob(() => sums(rows(60_000), rows(60_000)), { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 20);
    await expect(run).rejects.toMatchObject({ code: 'ABORTED', cause: reason });
  });
});

describe('results', () => {
  it('do not count what is left out, even where that is everything', async () => {
    const sums = await leavingOut(addon, [0, 0], [2, 3]).result;
    expect(sums[0]).toBeLessThan(0);
    expect(sums[1]).toBe(Number.NEGATIVE_INFINITY);
  });

  it('are refused where no array could hold them, and the promise settles', async () => {
    const atoms = 132_000;
    const batch: StructureBatch = {
      positions: Float64Array.from({ length: 3 * atoms }, (_, i) => 10 * i),
      offsets: Uint32Array.of(0, atoms),
      cells: new Float64Array(9),
      pbc: new Uint8Array(3),
    };
    await expect(addon.nearestNeighbors(batch, 4096, 1, 2).result).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
  });

  it('do not depend on the number of threads', async () => {
    const x = rows(1500);
    const one = await sums(x, x, 1).result;
    for (const threads of [2, 7]) expect(await sums(x, x, threads).result).toEqual(one);
  });
});

describe('writeRows', () => {
  const { writeRows } = addon;
  const index = Uint16Array.of(0, 1);

  it('writes some rows', () => {
    const fields = [
      { words: ['Cu', 'Al'], index },
      { values: Float64Array.of(1, 2.5, -3, 1e-9), width: 2 },
    ];
    expect(writeRows(fields, 0, 2)).toBe('Cu 1 2.5\nAl -3 1e-9\n');
    expect(writeRows(fields, 1, 2)).toBe('Al -3 1e-9\n');
  });

  it.each([
    ['numbers of too few rows', [{ values: new Float64Array(3), width: 2 }]],
    ['numbers of no width', [{ values: new Float64Array(3), width: 0 }]],
    ['numbers of another kind', [{ values: new Float32Array(4), width: 2 }]],
    ['words that are not there', [{ words: ['Cu'], index }]],
    ['places of too few rows', [{ words: ['Cu'], index: new Uint16Array(1) }]],
    ['places of another kind', [{ words: ['Cu'], index: new Uint32Array(2) }]],
    ['no list of words', [{ index }]],
    ['no object', [1]],
    ['no list', null],
  ])('refuses %s', (_, fields) => {
    expect(() => writeRows(fields as never, 0, 2)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it('refuses rows that end before they begin', () => {
    expect(() => writeRows([], 2, 1)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});
