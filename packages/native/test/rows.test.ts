import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { loadAddon, type NativeAddon } from '../src/index.ts';

const loaded = loadAddon();
if (loaded.addon === null) throw new Error(`these tests need the binary: ${loaded.reason}`);
const { addon } = loaded;

const shared = (length: number) => new Uint8Array(new SharedArrayBuffer(length));

function sharedText(text: string): Uint8Array {
  const bytes = shared(text.length);
  bytes.set(new TextEncoder().encode(text));
  return bytes;
}

/** A word, and three coordinates side by side, of up to `rows` rows. */
const fieldsOf = (rows: number) =>
  Uint32Array.of(4, 0, 24 * rows, 2, ...[0, 8, 16].flatMap((offset, axis) => [1, 1 + axis, offset, 24]));
const sizeOf = (rows: number) => 26 * rows;

describe('rows of text', () => {
  it('become numbers and places among words', async () => {
    const out = shared(sizeOf(4));
    const rows = await addon.parseRows(
      sharedText('Cu 1 2 3\nZr -1.5 0 1e-3\nCu 0.1 nan 2\n'),
      fieldsOf(4),
      false,
      0,
      4,
      2,
      out,
    ).result;
    expect(rows).toMatchObject({ rows: 2, length: 24, odd: true });
    expect(rows.words[0]).toEqual(['Cu', 'Zr']);
    expect([...new Float64Array(out.buffer, 0, 6)]).toEqual([1, 2, 3, -1.5, 0, 0.001]);
    expect([...new Uint16Array(out.buffer, 96, 2)]).toEqual([0, 1]);
  });

  it('survive that another thread changes the text in mid-call', async () => {
    const bytes = sharedText('Cu 1.25 2.5 3.125\n'.repeat(60_000));
    const script = `
      const { parentPort, workerData: bytes } = require('node:worker_threads');
      parentPort.postMessage('started');
      for (let round = 0; ; round++) {
        for (let i = 0; i < bytes.length; i += 1 + (round % 7)) bytes[i] = 'C 19.\\n'.charCodeAt((i + round) % 6);
      }`;
    const worker = new Worker(script, { eval: true, workerData: bytes });
    await new Promise((resolve) => worker.once('message', resolve));
    const out = shared(sizeOf(60_000));
    for (let round = 0; round < 20; round++) {
      bytes[bytes.length - 1] = 10;
      try {
        const job = addon.parseRows(bytes, fieldsOf(60_000), true, 2, 60_000, 2, out);
        expect((await job.result).rows).toBeLessThanOrEqual(60_000);
      } catch (error) {
        expect(error).toMatchObject({ message: expect.stringContaining('whole lines') });
      }
    }
    await worker.terminate();
  });

  it('can be cancelled', async () => {
    const job = addon.parseRows(
      sharedText('Cu 1.25 2.5 3.125\n'.repeat(300_000)),
      fieldsOf(300_000),
      false,
      0,
      300_000,
      1,
      shared(sizeOf(300_000)),
    );
    job.cancel();
    await expect(job.result).rejects.toMatchObject({ code: 'ABORTED' });
  });

  const text = sharedText('Cu 1 2 3\n');
  const plain = new Uint8Array(64);
  const refused: [string, (a: NativeAddon) => unknown, RegExp][] = [
    ['text that could be taken away', (a) => a.parseRows(plain, fieldsOf(1), false, 0, 1, 1, shared(26)), /Shared/],
    ['room that could be taken away', (a) => a.parseRows(text, fieldsOf(1), false, 0, 1, 1, plain), /Shared/],
    ['no text', (a) => a.parseRows(shared(0), fieldsOf(1), false, 0, 1, 1, shared(26)), /whole lines/],
    ['half a line', (a) => a.parseRows(sharedText('Cu 1'), fieldsOf(1), false, 0, 1, 1, shared(26)), /whole lines/],
    ['no fields', (a) => a.parseRows(text, new Uint32Array(0), false, 0, 1, 1, shared(26)), /fields/],
    ['half a field', (a) => a.parseRows(text, new Uint32Array(6), false, 0, 1, 1, shared(26)), /fields/],
    ['a kind beyond all', (a) => a.parseRows(text, Uint32Array.of(6, 0, 0, 8), false, 0, 1, 1, shared(26)), /kind/],
    ['a column beyond all', (a) => a.parseRows(text, Uint32Array.of(0, 1, 0, 8), false, 0, 1, 1, shared(26)), /column/],
    ['values that overlap', (a) => a.parseRows(text, Uint32Array.of(0, 0, 0, 4), false, 0, 2, 1, shared(26)), /fit/],
    ['too little room', (a) => a.parseRows(text, fieldsOf(2), false, 0, 2, 1, shared(51)), /fit/],
    ['an offset beyond', (a) => a.parseRows(text, Uint32Array.of(0, 0, 24, 8), false, 0, 1, 1, shared(26)), /fit/],
    ['ends of no kind', (a) => a.parseRows(text, fieldsOf(1), false, 3, 1, 1, shared(26)), /ends/],
    ['no rows', (a) => a.parseRows(text, fieldsOf(1), false, 0, 0, 1, shared(26)), /rows/],
  ];
  it.each(refused)('are refused with %s', (_, call, words) => {
    expect(() => call(addon)).toThrow(words);
  });
});

describe('rows by their ids', () => {
  const held = (values: readonly number[]) => {
    const array = new Float64Array(addon.largeBuffer(8 * values.length));
    array.set(values);
    return array;
  };

  it('come with their columns', async () => {
    const column = new Uint16Array(addon.largeBuffer(6));
    column.set([7, 8, 9]);
    const sorted = await addon.sortRows(held([30, 10, 20]), [column], 2).result;
    expect(sorted).toMatchObject({ order: 'found', rows: Uint32Array.of(1, 2, 0), ids: Float64Array.of(10, 20, 30) });
    const [bytes] = (sorted as { columns: readonly Uint8Array[] }).columns;
    expect([...new Uint16Array(bytes?.buffer as ArrayBuffer)]).toEqual([8, 9, 7]);
  });

  it('come even if their memory is taken away in mid-call', async () => {
    const rows = 500_000;
    let ids: Float64Array | undefined = new Float64Array(addon.largeBuffer(8 * rows));
    for (let i = 0; i < rows; i++) ids[i] = (i * 7919) % rows;
    const job = addon.sortRows(ids, [ids], 2);
    const { buffer } = ids;
    // Newer versions of Node can detach a buffer by this alone.
    (buffer as { transfer?: () => ArrayBuffer }).transfer?.();
    ids = undefined;
    for (let i = 0; i < 10; i++) {
      new Float64Array(1e6).fill(1);
      globalThis.gc?.();
      await sleep(1);
    }
    const sorted = await job.result;
    expect((sorted as { ids: Float64Array }).ids[rows - 1]).toBe(rows - 1);
  });

  const refused: [string, (a: NativeAddon) => unknown, RegExp][] = [
    ['ids in another buffer', (a) => a.sortRows(Float64Array.of(1, 2), [], 1), /largeBuffer/],
    ['ids in shared memory', (a) => a.sortRows(new Float64Array(new SharedArrayBuffer(16)), [], 1), /largeBuffer/],
    ['ids of another type', (a) => a.sortRows(new Uint16Array(a.largeBuffer(4)) as never, [], 1), /Float64Array/],
    ['no ids', (a) => a.sortRows(new Float64Array(a.largeBuffer(8), 0, 0), [], 1), /ids/],
    ['a column of another length', (a) => a.sortRows(held([1, 2, 3]), [held([1, 2]).subarray(0, 1)], 1), /rows/],
    ['no list of columns', (a) => a.sortRows(held([1]), 3 as never, 1), /list/],
  ];
  it.each(refused)('are refused with %s', (_, call, words) => {
    expect(() => call(addon)).toThrow(words);
  });
});

describe('large buffers', () => {
  it('hold zeros, and go when nobody holds them', async () => {
    const bytes = 32 * 1024 * 1024;
    const before = process.memoryUsage.rss();
    for (let round = 0; round < 60; round++) {
      const values = new Uint8Array(addon.largeBuffer(bytes));
      expect([values.length, values[0], values[bytes - 1]]).toEqual([bytes, 0, 0]);
      values.fill(1);
      await sleep(1);
    }
    // Those of sixty rounds together would be 1.9 GB.
    expect(process.memoryUsage.rss() - before).toBeLessThan(1e9);
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 33])('are refused for %s bytes', (bytes) => {
    expect(() => addon.largeBuffer(bytes)).toThrow(/bytes/);
  });
});
