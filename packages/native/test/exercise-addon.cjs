// Calls every function of the addon that argv[2] names, in the main thread and in workers that are ended in mid-call.
// Run by cpp.test.ts in a Node process of its own.

const { Worker } = require('node:worker_threads');

const path = process.argv[2];
const addon = require(path);
const OPTIONS_TEXT = '{ skipBelow: 1e-6, double: false, exact: false, decisions: new Float64Array(0) }';
const OPTIONS = { skipBelow: 1e-6, double: false, exact: false, decisions: new Float64Array(0) };

const fcc = {
  positions: Float64Array.of(0, 0, 0),
  offsets: Uint32Array.of(0, 1),
  cells: Float64Array.of(0, 1.8, 1.8, 1.8, 0, 1.8, 1.8, 1.8, 0),
  pbc: Uint8Array.of(1, 1, 1),
};

function rows(count, kind = Float64Array) {
  return kind.from({ length: count * 63 }, (_, i) => 0.2 + 0.01 * Math.sin(i));
}

function expectEqual(actual, expected, what) {
  if (actual !== expected) throw new Error(`${what}: ${actual} instead of ${expected}`);
}

async function descriptors(kind) {
  const out = new kind(new SharedArrayBuffer(63 * kind.BYTES_PER_ELEMENT));
  await addon.questsDescriptors(fcc, 32, 5, 1e-6, 3, out, 2).result;
  expectEqual(Math.fround(out[0]), Math.fround(out[11]), 'twelve equal neighbours');
}

async function descriptorsInParts(kind) {
  const atoms = 500;
  const crystal = {
    positions: Float64Array.from({ length: 3 * atoms }, (_, i) => 8 + 7 * Math.sin(i * i)),
    offsets: Uint32Array.of(0, atoms),
    cells: Float64Array.of(16, 0, 0, 0, 16, 0, 0, 0, 16),
    pbc: Uint8Array.of(1, 1, 1),
  };
  const whole = new kind(new SharedArrayBuffer(atoms * 63 * kind.BYTES_PER_ELEMENT));
  await addon.questsDescriptors(crystal, 32, 5, 1e-6, 3, whole, 2).result;
  const frame = addon.questsFrame(crystal, 32, 5, 1e-6, 3);
  crystal.positions.fill(0);
  for (let first = 0; first < atoms; first += 120) {
    const end = Math.min(atoms, first + 120);
    const part = new kind(new SharedArrayBuffer((end - first) * 63 * kind.BYTES_PER_ELEMENT));
    const job = frame.describe(first, end, part, 2);
    if (first === 480) frame.close();
    const rows = await job.result;
    rows.forEach((atom, i) => {
      expectEqual(part[63 * i + 40], whole[63 * atom + 40], 'a row of a part');
    });
  }
  addon.questsFrame(crystal, 32, 5, 1e-6, 3).close();
  addon.questsFrame(crystal, 32, 5, 1e-6, 3); // left to the collector
}

async function kernelSums(kind) {
  const x = rows(700, kind);
  const y = rows(900, kind);
  const job = addon.logKernelSum(
    x,
    y,
    63,
    Float64Array.of(0.015, 0.1),
    Float64Array.from({ length: 900 }, (_, i) => i % 3),
    {
      starts: Uint32Array.from({ length: 700 }, (_, i) => i),
      ends: Uint32Array.from({ length: 700 }, (_, i) => i + (i % 200)),
    },
    { ...OPTIONS, decisions: Float64Array.of(1, 2) },
    3,
  );
  structuredClone(x, { transfer: [x.buffer] });
  structuredClone(y, { transfer: [y.buffer] });
  expectEqual((await job.result).length, 1400, 'kernel sums');
  const z = rows(1500, kind);
  const self = addon.selfKernelSums(z, 63, Float64Array.of(0.015, 0.1), { ...OPTIONS, share: 0, shares: 1 }, 3);
  structuredClone(z, { transfer: [z.buffer] });
  expectEqual((await self.result).length, 9000, 'self sums');
}

async function textRows() {
  const text = 'Cu 1.5 -2 0.333333\n'.repeat(20_000);
  const bytes = new Uint8Array(new SharedArrayBuffer(text.length));
  bytes.set(Buffer.from(text));
  const out = new Uint8Array(new SharedArrayBuffer(26 * 20_000));
  const fields = Uint32Array.of(4, 0, 24 * 20_000, 2, 1, 1, 0, 24, 1, 2, 8, 24, 1, 3, 16, 24);
  const { rows, words } = await addon.parseRows(bytes, fields, false, 0, 20_000, 3, out).result;
  expectEqual(`${rows} ${words[0]}`, '20000 Cu', 'rows of text');
  expectEqual(new Float64Array(out.buffer)[3 * 20_000 - 1], 0.333333, 'the last number');
  const held = new Float64Array(addon.largeBuffer(8 * 100_000));
  for (let i = 0; i < held.length; i++) held[i] = (i * 7919) % 100_000;
  const job = addon.sortRows(held, [held], 3);
  const sorted = await job.result;
  expectEqual(`${sorted.order} ${new Float64Array(sorted.columns[0].buffer)[99_999]}`, 'found 99999', 'rows by id');
}

async function nearestReferences(kind) {
  const x = rows(300, kind);
  const starts = Uint32Array.from({ length: 300 }, (_, i) => i);
  const ends = Uint32Array.from(starts, (i) => i + 1);
  const job = addon.nearestReferences(x, x, 63, 3, { starts, ends }, -1, Number.POSITIVE_INFINITY, 3);
  structuredClone(x, { transfer: [x.buffer] });
  const found = await job.result;
  expectEqual(found.rows.length, 900, 'nearest references');
  expectEqual(found.distances[0] > 0, true, 'a distance');
}

async function cancelled() {
  const job = addon.logKernelSum(rows(3000), rows(3000), 63, Float64Array.of(0.015), null, null, OPTIONS, 2);
  job.cancel();
  await job.result.then(
    () => expectEqual('result', 'ABORTED', 'a cancelled call'),
    (error) => expectEqual(error.code, 'ABORTED', 'a cancelled call'),
  );
}

async function terminated() {
  const script = `
    const addon = require(${JSON.stringify(path)});
    const x = new Float64Array(3000 * 63).fill(0.1);
    for (let i = 0; i < 3; i++) addon.logKernelSum(x, x, 63, Float64Array.of(0.015), null, null, ${OPTIONS_TEXT}, 2);
    require('node:worker_threads').parentPort.postMessage('started');`;
  const worker = new Worker(script, { eval: true });
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await worker.terminate();
}

async function main() {
  for (const kind of [Float64Array, Float32Array]) {
    await descriptors(kind);
    await descriptorsInParts(kind);
    await kernelSums(kind);
    await nearestReferences(kind);
  }
  const list = await addon.neighborList(fcc, 5, true, 2).result;
  expectEqual(list.indices.length, 42, 'neighbours of an fcc atom');
  const nearest = await addon.nearestNeighbors(fcc, 32, 5, 2).result;
  expectEqual(nearest.counts[0], 42, 'neighbours of an fcc atom');
  for (const single of [true, false]) {
    expectEqual((await addon.multiplyAddRate(single, 100, 2).result) > 0, true, 'a rate of multiply-adds');
    expectEqual((await addon.exponentialRate(single, 100, 2).result) > 0, true, 'a rate of exponentials');
  }
  for (const pattern of ['read', 'copy', 'triad']) {
    expectEqual((await addon.memoryRate(pattern, 1000, 2, 2).result) > 0, true, 'a rate of bytes');
  }
  await textRows();
  await cancelled();
  for (let i = 0; i < 4; i++) await terminated();
  try {
    addon.nearestNeighbors(fcc, 0, 5, 1);
    expectEqual('result', 'an error', 'k = 0');
  } catch (error) {
    expectEqual(error.code, 'INVALID_ARGUMENT', 'k = 0');
  }
  console.log('exercised');
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
