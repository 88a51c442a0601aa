import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { openStructures, writeStructures } from '@surprisal/io/node';
import { type Case, type Figure, type Subject, whole } from '../benchmark-case.ts';
import { rateOf, shareOf } from '../figures.ts';
import { writeLammpsDump } from '../inputs/lammps-dump.ts';
import { CELLS_OF_SIZE, rattledCopper } from '../inputs/rattled-copper.ts';
import type { Setting } from '../setting.ts';
import { TARGETS } from '../targets.ts';
import { memoryTraffic } from './machine.ts';

const CHUNK = 512 * 1024;

/** Reading text, against handing on the bytes of the same file, and against reading so many bytes from memory. */
export async function readingSubject(setting: Setting): Promise<Subject> {
  const isTrial = setting.scale === 'once';
  const copper = rattledCopper(isTrial ? 4 : CELLS_OF_SIZE.million, 1);
  const dump = setting.dump ?? join(setting.folder, 'reading.dump');
  const xyz = join(setting.folder, 'reading.xyz');
  if (setting.dump === undefined) await writeLammpsDump(dump, copper);
  await writeStructures(xyz, [copper]);
  // A tenth of it: packing takes longer than all that is measured.
  const smaller = join(setting.folder, 'packed.dump');
  await writeLammpsDump(smaller, rattledCopper(isTrial ? 4 : CELLS_OF_SIZE.hundredThousand, 1));
  const packed = `${smaller}.gz`;
  await pipeline(createReadStream(smaller), createGzip(), createWriteStream(packed));

  const { size } = await stat(smaller);
  const memory = memoryTraffic(setting, 'read', 1);
  const cases: Case[] = [memory];
  const figures: Figure[] = [];
  for (const [name, path] of [
    ['LAMMPS dump', dump],
    ['extended XYZ', xyz],
  ] as const) {
    const bytes = (await stat(path)).size;
    const plain = readingCase(`bytes of the ${name}`, bytes, 1, () =>
      swallow(createReadStream(path, { highWaterMark: CHUNK })),
    );
    const parsed = readingCase(`read ${name}`, bytes, setting.threads, () => readAll(path));
    cases.push(plain, parsed);
    figures.push(
      rateOf(parsed, TARGETS.readingRate),
      shareOf(parsed, plain, 1, 'of the bytes alone'),
      shareOf(parsed, memory, 1, 'of reading memory'),
    );
  }
  const unpacked = readingCase('unpacked bytes of the LAMMPS dump.gz', size, 1, () =>
    swallow(createReadStream(packed, { highWaterMark: CHUNK }).pipe(createGunzip())),
  );
  const parsed = readingCase('read LAMMPS dump.gz', size, setting.threads, () => readAll(packed));
  cases.push(unpacked, parsed);
  figures.push(shareOf(parsed, unpacked, 1, 'of unpacking alone'));
  return { name: 'reading', cases, figures };
}

function readingCase(name: string, bytes: number, threads: number, read: () => Promise<unknown>): Case {
  return { name, parameters: { bytes }, threads, work: bytes, unit: 'bytes', run: whole(read) };
}

async function readAll(path: string): Promise<number> {
  let atoms = 0;
  for await (const { positions } of openStructures(path)) atoms += positions.length / 3;
  return atoms;
}

async function swallow(stream: Readable): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) bytes += (chunk as Buffer).length;
  return bytes;
}
