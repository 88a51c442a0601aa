import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { randomStream } from '@surprisal/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildSurprisal, runProcess, runSurprisal } from './surprisal-process.ts';

const MB = 1e6;
const MINUTES = 60_000;

/** Loaded before everything else, it prints at the end how much memory the process ever had resident. */
const REPORT_PEAK = `import { readFileSync, writeSync } from 'node:fs';
process.on('exit', () => writeSync(2, readFileSync('/proc/self/status', 'utf8').match(/VmHWM:.*/)[0] + '\\n'));`;
const nodeFlags = [`--import=data:text/javascript,${encodeURIComponent(REPORT_PEAK)}`];

let folder: string;

beforeAll(async () => {
  await buildSurprisal();
  folder = await mkdtemp(join(tmpdir(), 'surprisal-memory-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function peakBytes(stderr: string): number {
  const kibibytes = /VmHWM:\s*(\d+) kB/.exec(stderr)?.[1];
  if (kibibytes === undefined) throw new Error(`the peak of memory is not known:\n${stderr}`);
  return Number(kibibytes) * 1024;
}

/** Writes a dump of frames of a shaken simple cubic crystal, `side`³ atoms each, in unsorted order. */
async function writeDump(path: string, side: number, frames: number): Promise<void> {
  const random = randomStream(frames);
  const spacing = 2.6;
  const box = `0 ${(side * spacing).toFixed(3)}\n`;
  function* text(): Generator<string> {
    for (let frame = 0; frame < frames; frame++) {
      yield `ITEM: TIMESTEP\n${frame}\nITEM: NUMBER OF ATOMS\n${side ** 3}\nITEM: BOX BOUNDS pp pp pp\n${box.repeat(3)}`;
      yield 'ITEM: ATOMS id type x y z\n';
      for (let x = side - 1; x >= 0; x--) {
        let chunk = '';
        for (let y = 0; y < side; y++) {
          for (let z = 0; z < side; z++) {
            const place = [x, y, z].map((i) => (i * spacing + 0.2 * Math.sin(random.between(-1.5, 1.5))).toFixed(4));
            chunk += `${1 + z + side * (y + side * x)} 1 ${place.join(' ')}\n`;
          }
        }
        yield chunk;
      }
    }
  }
  await pipeline(Readable.from(text()), createWriteStream(path));
}

it(
  'the entropy of 100,000 environments takes less than 500 MB',
  async () => {
    const dump = join(folder, 'hundred-thousand.dump');
    // 24 frames of 16³ atoms and a little more than 100,000 in all.
    await writeDump(dump, 16, 25);
    const { code, stdout, stderr } = await runSurprisal(
      ['entropy', dump, '--json', '--quiet', '--backend', 'native', '--species', '1=Po'],
      { nodeFlags },
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout).environments).toBeGreaterThanOrEqual(100_000);
    expect(peakBytes(stderr)).toBeLessThan(500 * MB);
  },
  10 * MINUTES,
);

it(
  'reading a dump of 1,000,000 atoms takes less than 300 MB beside its arrays',
  async () => {
    const dump = join(folder, 'million.dump');
    await writeDump(dump, 100, 1);
    const program = `
      import { openStructures } from '@surprisal/io/node';
      for await (const { positions, species, columns } of openStructures(process.argv[1])) {
        const arrays = [positions, species.index, ...[...columns.values()].map(({ values }) => values)];
        console.log(arrays.reduce((sum, array) => sum + array.byteLength, 0), positions.length);
      }`;
    const { code, stdout, stderr } = await runProcess(
      process.execPath,
      [...nodeFlags, '--input-type=module', '--eval', program, dump],
      { cwd: fileURLToPath(new URL('..', import.meta.url)) },
    );
    expect(code).toBe(0);
    const [arrays = 0, coordinates] = stdout.trim().split(' ').map(Number);
    expect(coordinates).toBe(3_000_000);
    expect(peakBytes(stderr) - arrays).toBeLessThan(300 * MB);
  },
  2 * MINUTES,
);
