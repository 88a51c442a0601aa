import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createMatrix, createStructure, type Structure } from '@surprisal/core';
import { parseFrameSlice } from '@surprisal/io';
import {
  isMatrixFile,
  matrixFileKind,
  matrixPrecision,
  openMatrix,
  openStructures,
  readMatrix,
  writeArrayBlocks,
  writeFileSafely,
  writeMatrix,
  writeStructures,
} from '@surprisal/io/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decompress } from '../src/node/decompress.ts';

const XYZ = '1\nenergy=-1.5\nH 0 0 0\n1\nenergy=-2.5\nHe 0 0 1\n';
let folder = '';
let files = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surprisal-io-'));
});
afterAll(() => rm(folder, { recursive: true }));

function path(extension: string): string {
  return join(folder, `${files++}${extension}`);
}

async function fileOf(content: string | Uint8Array, extension: string): Promise<string> {
  const target = path(extension);
  await writeFile(target, content);
  return target;
}

async function read(target: string, options = {}): Promise<Structure[]> {
  const structures: Structure[] = [];
  for await (const structure of openStructures(target, options)) structures.push(structure);
  return structures;
}

describe('openStructures', () => {
  it('reads plain and gzipped files, whatever their names say', async () => {
    const plain = await read(await fileOf(XYZ, '.xyz'));
    expect(plain).toHaveLength(2);
    expect(await read(await fileOf(gzipSync(XYZ), '.xyz.gz'))).toEqual(plain);
    expect(await read(await fileOf(gzipSync(XYZ), '.data'))).toEqual(plain);
  });

  it('reads several gzip members as one', async () => {
    const members = Buffer.concat([gzipSync(XYZ.slice(0, 10)), gzipSync(XYZ.slice(10))]);
    expect(await read(await fileOf(members, '.xyz.gz'))).toHaveLength(2);
  });

  it('refuses what comes behind a gzip stream and is no other one', async () => {
    const whole = gzipSync(XYZ);
    const behind = [
      Buffer.from('garbage'),
      Buffer.from([0x1f]),
      Buffer.from([0, 0, 0, 1]),
      Buffer.concat([Buffer.alloc(9), whole]),
    ];
    for (const [at, tail] of behind.entries()) {
      const sentence =
        at === 1 ? 'the gzip stream is cut off' : 'behind the gzip stream comes something that is not gzip';
      await expect(read(await fileOf(Buffer.concat([whole, tail]), '.gz'))).rejects.toThrow(sentence);
    }
    // A block of a tape is filled with zeros.
    expect(await read(await fileOf(Buffer.concat([whole, Buffer.alloc(700_000)]), '.xyz.gz'))).toHaveLength(2);
    expect(await read(await fileOf(Buffer.concat([whole, whole, Buffer.alloc(3)]), '.xyz.gz'))).toHaveLength(4);
  });

  it('sees what comes behind a gzip stream also where it comes later', async () => {
    const whole = gzipSync(XYZ);
    async function* chunks(...parts: Uint8Array[]): AsyncGenerator<Uint8Array, void> {
      for (const part of parts) {
        yield part;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    const lengthOf = async (...parts: Uint8Array[]) => {
      let length = 0;
      for await (const bytes of decompress('x.gz', chunks(...parts), {})) length += bytes.length;
      return length;
    };
    const zeros = new Uint8Array(5);
    expect(await lengthOf(whole, zeros, zeros)).toBe(XYZ.length);
    expect(await lengthOf(Buffer.concat([whole, zeros]), zeros, zeros)).toBe(XYZ.length);
    for (const later of [Uint8Array.of(1), whole]) {
      await expect(lengthOf(Buffer.concat([whole, zeros]), zeros, later)).rejects.toThrow('that is not gzip');
    }
  });

  it('refuses what is compressed twice or otherwise, and reads what is only called so', async () => {
    await expect(read(await fileOf(gzipSync(gzipSync(XYZ)), '.xyz.gz'))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/\.xyz\.gz: the file is gzipped twice; decompress it once, with gunzip$/),
    });
    for (const magic of ['\xfd7zXZ', 'BZh9', '\x28\xb5\x2f\xfd', 'PK\x03\x04']) {
      await expect(read(await fileOf(Buffer.from(`${magic}…`, 'latin1'), '.xyz'))).rejects.toMatchObject({
        code: 'UNSUPPORTED',
        message: expect.stringContaining('decompress them first'),
      });
    }
    const warnings: string[] = [];
    const target = await fileOf(XYZ, '.xyz.gz');
    expect(await read(target, { onWarning: (message: string) => warnings.push(message) })).toHaveLength(2);
    expect(warnings).toEqual([`${target}: the name ends in .gz, but the file is not gzipped; read as it is`]);
  });

  it('refuses a file that expands beyond belief, unless it is allowed to', async () => {
    const frame = `1\n${'a'.repeat(1_000_000)}\nH 0 0 0\n`;
    const bomb = await fileOf(gzipSync(frame.repeat(80)), '.xyz.gz');
    const frames = parseFrameSlice('79:');
    await expect(read(bomb, { frames })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(
        /more than 500 each; this is how files look .* allow more \(maxCompressionRatio, --max-compression-ratio\)$/,
      ),
    });
    expect(await read(bomb, { frames, maxCompressionRatio: Number.POSITIVE_INFINITY })).toHaveLength(1);
    // What does no harm may expand as it likes.
    expect(
      await read(await fileOf(gzipSync(frame.repeat(60)), '.xyz.gz'), { frames: parseFrameSlice('59:') }),
    ).toHaveLength(1);
  });

  it('refuses a gzip file that is cut off at any byte, or damaged', async () => {
    const bytes = gzipSync(XYZ);
    for (let length = 1; length < bytes.length; length++) {
      const target = await fileOf(bytes.subarray(0, length), '.xyz.gz');
      await expect(read(target), `cut at ${length}`).rejects.toThrow(`${target}: the gzip stream is cut off`);
    }
    const damaged = Buffer.from(bytes);
    damaged[damaged.length - 6] = (damaged[damaged.length - 6] as number) ^ 1;
    await expect(read(await fileOf(damaged, '.xyz.gz'))).rejects.toThrow('the gzip stream is damaged');
  });

  it('stops where it is told to and leaves the rest', async () => {
    const many = await fileOf(gzipSync(`${XYZ.repeat(50_000)}broken`), '.xyz.gz');
    expect(await read(many, { frames: parseFrameSlice('1:4:2') })).toHaveLength(2);
    for await (const structure of openStructures(many)) {
      expect(structure.positions).toHaveLength(3);
      break;
    }
  });

  it('reports how far it is, and ends when it is told to', async () => {
    const target = await fileOf(XYZ, '.xyz');
    const done: unknown[] = [];
    await read(target, { onProgress: (progress: unknown) => done.push(progress) });
    expect(done.at(-1)).toEqual({ stage: 'read', done: XYZ.length, total: XYZ.length, unit: 'bytes' });
    await expect(read(target, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    const controller = new AbortController();
    const long = await fileOf(XYZ.repeat(100_000), '.xyz');
    setTimeout(() => controller.abort(), 20);
    await expect(read(long, { signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('says what is wrong with a path', async () => {
    await expect(read(join(folder, 'none.xyz'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(read(folder)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: `cannot read ${folder}: it is a folder`,
    });
    await expect(read(await fileOf('', '.xyz'))).rejects.toThrow('the file is empty');
  });
});

describe('writeStructures', () => {
  it('writes what openStructures reads, gzipped where the name asks for it', async () => {
    const source = await fileOf(XYZ, '.xyz');
    const structures = await read(source);
    for (const extension of ['.xyz', '.extxyz', '.xyz.gz']) {
      const target = path(extension);
      await writeStructures(target, openStructures(source));
      expect(await read(target)).toEqual(structures);
      expect((await readFile(target))[0] === 0x1f).toBe(extension.endsWith('.gz'));
    }
  });

  it('says once which column has another name in the file', async () => {
    const column = { kind: 'real', width: 1, values: new Float64Array(1) } as const;
    const structure = createStructure({ positions: new Float64Array(3), columns: new Map([['pos', column]]) });
    const target = path('.xyz');
    const said: string[] = [];
    await writeStructures(target, [structure, structure], { onWarning: (message) => said.push(message) });
    expect(said).toEqual([expect.stringMatching(/^.*\.xyz: the column "pos" is written as "pos_"/)]);
    expect((await read(target)).map(({ columns }) => [...columns.keys()])).toEqual([['pos_'], ['pos_']]);
  });

  it('leaves nothing behind where the source fails', async () => {
    async function* failing(): AsyncGenerator<Structure, void> {
      yield createStructure({ positions: new Float64Array(300_000) });
      throw new Error('no more');
    }
    for (const extension of ['.xyz', '.xyz.gz']) {
      const target = path(extension);
      await expect(writeStructures(target, failing())).rejects.toThrow('no more');
      expect((await readdir(folder)).filter((name) => target === join(folder, name) || name.endsWith('.tmp'))).toEqual(
        [],
      );
    }
    await expect(writeStructures(path('.pdb'), [])).rejects.toMatchObject({ code: 'UNKNOWN_FORMAT' });
  });
});

describe('matrices in files', () => {
  it('come back as they were', async () => {
    const data = Float64Array.from({ length: 63 * 500 }, (_, at) => Math.sin(at));
    for (const matrix of [createMatrix(500, 63, data), createMatrix(500, 63, Float32Array.from(data))]) {
      for (const extension of ['.npy', '.npz', '.NPY']) {
        const target = path(extension);
        await writeMatrix(target, matrix);
        expect(await isMatrixFile(target)).toBe(true);
        expect(await readMatrix(target)).toEqual(matrix);
      }
    }
  });

  it('are known by their content, whatever their names say', async () => {
    const matrix = createMatrix(2, 2, Float64Array.of(1, 2, 3, 4));
    for (const kind of ['npy', 'npz']) {
      const target = path(`.${kind}`);
      await writeMatrix(target, matrix);
      const renamed = await fileOf(await readFile(target), '.xyz');
      expect(await matrixFileKind(renamed)).toBe(kind);
      expect(await readMatrix(renamed)).toEqual(matrix);
    }
    expect(await matrixFileKind(await fileOf(XYZ, '.npy'))).toBeUndefined();
    expect(await matrixFileKind(await fileOf(gzipSync(XYZ), '.npz'))).toBeUndefined();
    expect(await matrixFileKind(await fileOf('what is this?', '.npy'))).toBe('npy');
    expect(await matrixFileKind(await fileOf('', '.npz'))).toBe('npz');
    await expect(matrixFileKind(path('.npy'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  it('are read by rows', async () => {
    const wide = createMatrix(
      5,
      2,
      Float64Array.from({ length: 10 }, (_, i) => i),
    );
    const narrow = createMatrix(5, 2, Float32Array.from(wide.data));
    for (const matrix of [wide, narrow]) {
      for (const kind of ['npy', 'npz']) {
        const target = path(`.${kind}`);
        await writeMatrix(target, matrix);
        const file = await openMatrix(target);
        expect(file).toMatchObject({ rows: 5, columns: 2, precision: matrix === wide ? 'f64' : 'f32' });
        expect(file.heldBytes).toBe(kind === 'npy' ? 0 : matrix.data.byteLength);
        expect(await matrixPrecision(target)).toBe(file.precision);
        // Twice, for a file can be gone through again.
        for (const rows of [2, 5, 100]) {
          const blocks = [];
          for await (const block of file.blocks(rows)) blocks.push(block);
          expect(blocks.map((block) => block.rows)).toEqual(rows === 2 ? [2, 2, 1] : [5]);
          expect(blocks.flatMap((block) => [...block.data])).toEqual([...matrix.data]);
        }
      }
    }
    const none = path('.npy');
    await writeMatrix(none, createMatrix(0, 3, new Float64Array(0)));
    for await (const _ of (await openMatrix(none)).blocks(10)) throw new Error('a block of no rows');
  });

  it('are read by rows in the other byte order, and whole where they are stored by columns', async () => {
    const header = (order: string, columnsFirst: string) =>
      `{'descr': '${order}f8', 'fortran_order': ${columnsFirst}, 'shape': (3, 2), }`.padEnd(117).concat('\n');
    const bytes = (order: '<' | '>', columnsFirst: boolean) => {
      const text = header(order, columnsFirst ? 'True' : 'False');
      const file = new DataView(new ArrayBuffer(10 + text.length + 48));
      [0x93, ...Buffer.from('NUMPY'), 1, 0].forEach((byte, at) => {
        file.setUint8(at, byte);
      });
      file.setUint16(8, text.length, true);
      Buffer.from(text).forEach((byte, at) => {
        file.setUint8(10 + at, byte);
      });
      const stored = columnsFirst ? [0, 2, 4, 1, 3, 5] : [0, 1, 2, 3, 4, 5];
      stored.forEach((value, at) => {
        file.setFloat64(10 + text.length + 8 * at, value, order === '<');
      });
      return new Uint8Array(file.buffer);
    };
    for (const [order, columnsFirst] of [
      ['>', false],
      ['<', true],
    ] as const) {
      const file = await openMatrix(await fileOf(bytes(order, columnsFirst), '.npy'));
      expect(file.heldBytes).toBe(columnsFirst ? 48 : 0);
      const values = [];
      for await (const { data } of file.blocks(2)) values.push(...data);
      expect(values).toEqual([0, 1, 2, 3, 4, 5]);
    }
  });

  it('are written from pieces', async () => {
    const target = path('.npy');
    await writeArrayBlocks(target, [3, 1], [Float64Array.of(1, 2), Float64Array.of(3)]);
    expect([...(await readMatrix(target)).data]).toEqual([1, 2, 3]);
    const short = path('.npy');
    await expect(writeArrayBlocks(short, [3], [Float64Array.of(1, 2)])).rejects.toMatchObject({
      code: 'DIMENSION_MISMATCH',
    });
    expect(existsSync(short)).toBe(false);
  });

  it('are refused where they are cut off, absent, or named otherwise', async () => {
    const target = path('.npy');
    await writeMatrix(target, createMatrix(2, 2, new Float64Array(4)));
    const bytes = await readFile(target);
    await expect(readMatrix(await fileOf(bytes.subarray(0, -1), '.npy'))).rejects.toThrow(
      'takes 32 bytes; 31 are there',
    );
    await expect(readMatrix(await fileOf(bytes.subarray(0, 5), '.npy'))).rejects.toThrow('this is not a NumPy array');
    await expect(readMatrix(await fileOf(bytes.subarray(0, 40), '.npy'))).rejects.toThrow('ends in the header');
    await expect(readMatrix(path('.npy'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(readMatrix(folder)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await expect(writeMatrix(path('.csv'), createMatrix(0, 1, new Float64Array(0)))).rejects.toMatchObject({
      code: 'UNKNOWN_FORMAT',
    });
  });
});

describe('writeFileSafely', () => {
  const leftovers = async () => (await readdir(folder)).filter((name) => name.endsWith('.tmp'));

  it('writes bytes and text in order, also when the caller uses its array again', async () => {
    const target = path('.txt');
    await writeFileSafely(target, {}, async (sink) => {
      const bytes = Uint8Array.of(65);
      await sink.write(bytes);
      bytes[0] = 66;
      await sink.write(bytes);
      await sink.write('Å\n');
      await sink.write(new Uint8Array(300_000).fill(67));
      await sink.write('end');
    });
    expect(await readFile(target, 'utf8')).toBe(`ABÅ\n${'C'.repeat(300_000)}end`);
    expect(await leftovers()).toEqual([]);
  });

  it('does not touch an existing file unless it may', async () => {
    const target = await fileOf('old', '.txt');
    let called = false;
    const write = async () => {
      called = true;
    };
    await expect(writeFileSafely(target, {}, write)).rejects.toMatchObject({ code: 'FILE_EXISTS' });
    expect(called).toBe(false);
    await writeFileSafely(target, { overwrite: true }, (sink) => sink.write('new'));
    expect(await readFile(target, 'utf8')).toBe('new');
  });

  it.each([0o600, 0o640, 0o666, 0o755])('keeps the permissions of what it replaces: %o', async (mode) => {
    const target = await fileOf('old', '.txt');
    await chmod(target, mode);
    await writeFileSafely(target, { overwrite: true }, async (sink) => {
      await sink.write('new');
      const [temporary = ''] = await leftovers();
      expect((await stat(join(folder, temporary))).mode & 0o777 & ~mode).toBe(0);
    });
    expect((await stat(target)).mode & 0o777).toBe(mode);
  });

  it('does not replace a file that appears meanwhile', async () => {
    const target = path('.txt');
    const attempt = writeFileSafely(target, {}, async (sink) => {
      await sink.write('mine');
      await writeFile(target, 'theirs');
    });
    await expect(attempt).rejects.toMatchObject({ code: 'FILE_EXISTS' });
    expect(await readFile(target, 'utf8')).toBe('theirs');
    expect(await leftovers()).toEqual([]);
  });

  it('leaves the target as it was where writing fails or is interrupted', async () => {
    const target = await fileOf('old', '.txt');
    const controller = new AbortController();
    const failing = writeFileSafely(target, { overwrite: true }, async (sink) => {
      await sink.write('x'.repeat(1_000_000));
      throw new Error('half way');
    });
    await expect(failing).rejects.toThrow('half way');
    const interrupted = writeFileSafely(target, { overwrite: true, signal: controller.signal }, async (sink) => {
      await sink.write('x'.repeat(1_000_000));
      controller.abort();
      await sink.write('x');
    });
    await expect(interrupted).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await readFile(target, 'utf8')).toBe('old');
    expect(await leftovers()).toEqual([]);
  });

  it('follows links, and replaces nothing but files', async () => {
    const target = await fileOf('old', '.txt');
    const alias = path('.txt');
    await symlink(target, alias);
    await writeFileSafely(alias, { overwrite: true }, (sink) => sink.write('new'));
    expect(await readFile(target, 'utf8')).toBe('new');
    const directory = path('');
    await mkdir(directory);
    const write = (file: string) => writeFileSafely(file, { overwrite: true }, (sink) => sink.write('x'));
    await expect(write(directory)).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
    await expect(write(join(folder, 'no', 'such', 'folder.txt'))).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
    await expect(write('/dev/null')).rejects.toThrow('it exists and is not a file');
    expect(existsSync('/dev/null')).toBe(true);
  });
});
