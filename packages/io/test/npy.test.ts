import { readFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import { createMatrix, type Matrix } from '@surprisal/core';
import { formatNpy, formatNpz, formatNpzArrays, parseNpy, parseNpz } from '@surprisal/io';
import { property } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../src/crc32.ts';

/** The matrix from which NumPy made the fixtures. */
const EXPECTED = Float64Array.from({ length: 12 }, (_, at) => at / 7 - 0.5);
EXPECTED[0] = -0;
EXPECTED[4] = 1.0000000000000002;
EXPECTED[11] = 1e-310;

function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`fixtures/${name}`, import.meta.url)));
}

function joined(pieces: Iterable<Uint8Array>): Uint8Array {
  return new Uint8Array(Buffer.concat([...pieces]));
}

/** A version 1 file with this header and these bytes behind it. */
function npy(dictionary: string, data = 0): Uint8Array {
  const header = new TextEncoder().encode(dictionary);
  return joined([
    Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8),
    header,
    new Uint8Array(data),
  ]);
}

/** A zip archive of one deflated member, with the size that it claims. */
function zip(content: Uint8Array, claimed = content.length, crc = crc32(content)): Uint8Array {
  const packed = deflateRawSync(content);
  const name = Buffer.from('x.npy');
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt16LE(8, 4);
  common.writeUInt32LE(crc, 10);
  common.writeUInt32LE(packed.length, 14);
  common.writeUInt32LE(claimed, 18);
  common.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, packed]);
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), common, Buffer.alloc(14), name]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return joined([local, central, end]);
}

describe('npy', () => {
  it.each(['f8.npy', 'version-2.npy', 'version-3.npy'])('reads %s as NumPy wrote it', (name) => {
    const { rows, columns, data } = parseNpy(fixture(name));
    expect([rows, columns, data]).toEqual([4, 3, EXPECTED]);
  });

  it('keeps float32', () => {
    expect(parseNpy(fixture('f4.npy')).data).toEqual(Float32Array.from(EXPECTED));
  });

  it('writes the bytes that NumPy writes', () => {
    for (const name of ['f8.npy', 'f4.npy']) expect(joined(formatNpy(parseNpy(fixture(name))))).toEqual(fixture(name));
    const vector = createMatrix(
      4,
      1,
      Float64Array.of(EXPECTED[0] as number, EXPECTED[3] as number, EXPECTED[6] as number, EXPECTED[9] as number),
    );
    expect(joined(formatNpy(vector, { vector: true }))).toEqual(fixture('vector.npy'));
    expect(() => joined(formatNpy(parseNpy(fixture('f8.npy')), { vector: true }))).toThrow('3 columns is no vector');
  });

  it.each(['fortran.npy', 'big-endian.npy'])('reads %s', (name) => {
    expect(parseNpy(fixture(name))).toEqual(parseNpy(fixture('f8.npy')));
  });

  property('reads any byte order and any order of rows and columns', 20, (random) => {
    const [rows, columns] = [random.whole(0, 3000), random.whole(1, 5)];
    const [isLittle, isColumnsFirst, isWide] = [random.chance(0.5), random.chance(0.5), random.chance(0.5)];
    const size = isWide ? 8 : 4;
    const descr = `${isLittle ? '<' : '>'}f${size}`;
    const order = isColumnsFirst ? 'True' : 'False';
    const file = npy(
      `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${rows}, ${columns}), }`,
      size * rows * columns,
    );
    const view = new DataView(file.buffer, file.byteOffset + file.length - size * rows * columns);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const at = size * (isColumnsFirst ? column * rows + row : row * columns + column);
        if (isWide) view.setFloat64(at, row + column / 8, isLittle);
        else view.setFloat32(at, row + column / 8, isLittle);
      }
    }
    const { data } = parseNpy(file);
    expect(data).toHaveLength(rows * columns);
    expect(data.BYTES_PER_ELEMENT).toBe(size);
    expect(data.every((value, i) => value === Math.floor(i / columns) + (i % columns) / 8)).toBe(true);
  });

  property('reads back what it writes', 30, (random) => {
    const [rows, columns] = [random.whole(0, 50), random.whole(1, 9)];
    const data = Float64Array.from({ length: rows * columns }, () => random.gaussian());
    const matrix = createMatrix(rows, columns, random.chance(0.5) ? data : Float32Array.from(data));
    expect(parseNpy(joined(formatNpy(matrix)))).toEqual(matrix);
  });

  it.each([
    ['integers.npy', 'x.npy: the numbers are of type <i8', "x.astype('<f8')"],
    ['structured.npy', 'x.npy: the numbers are of type a structured type', "x.astype('<f8')"],
    ['vector.npy', 'x.npy: the array has the shape (4,)', 'x.reshape(len(x), -1)'],
    ['three.npy', 'x.npy: the array has the shape (2, 2, 3)', 'x.reshape(len(x), -1)'],
  ])('refuses %s and says how to convert it', (name, problem, remedy) => {
    expect(() => parseNpy(fixture(name), 'x.npy')).toThrow(problem);
    expect(() => parseNpy(fixture(name), 'x.npy')).toThrow(remedy);
  });

  it('refuses a file that is cut off at any byte, or has bytes too many', () => {
    const bytes = fixture('f8.npy');
    for (let length = 0; length < bytes.length; length++) {
      expect(() => parseNpy(bytes.subarray(0, length))).toThrow(/not a NumPy array|header|bytes; /);
    }
    expect(() => parseNpy(joined([bytes, new Uint8Array(1)]))).toThrow('takes 96 bytes; 97 are there');
  });

  it.each([
    ["{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 63), }", 'takes 504000000000 bytes; 8 are there'],
    [
      "{'descr': '<f8', 'fortran_order': False, 'shape': (9000000000000000, 9000000000000000), }",
      'takes Infinity bytes',
    ],
    ["{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999, 1), }", 'not made of whole numbers'],
    ["{'descr': '<f8', 'fortran_order': False, 'shape': (1, 0), }", 'the shape (1, 0)'],
    ["{'descr': '<f8', 'shape': (1, 1), }", "does not give 'descr', 'fortran_order' and 'shape'"],
    ["'descr': '<f8', 'fortran_order': False, 'shape': (1, 1)", 'is no Python dictionary'],
  ])('does not believe %s', (dictionary, sentence) => {
    expect(() => parseNpy(npy(dictionary, 8))).toThrow(sentence);
  });

  it('does not believe a header of gigabytes, nor an unknown version', () => {
    const bytes = fixture('version-2.npy');
    new DataView(bytes.buffer).setUint32(8, 0xffffff00, true);
    expect(() => parseNpy(bytes)).toThrow('a header of 4294967040 bytes is not believed');
    bytes[6] = 9;
    expect(() => parseNpy(bytes)).toThrow('NumPy format version 9 is not known');
  });
});

describe('npz', () => {
  const values = async (matrix: Promise<Matrix>) => [...(await matrix).data];

  it('takes descriptors, the only matrix, or the one that is named', async () => {
    expect(await values(parseNpz(fixture('stored.npz')))).toEqual([...EXPECTED]);
    expect(await values(parseNpz(fixture('deflated.npz')))).toEqual([...EXPECTED]);
    expect((await parseNpz(fixture('stored.npz'), 'x.npz', { array: 'other' })).data[11]).toBe(2e-310);
    await expect(parseNpz(fixture('ambiguous.npz'), 'x.npz')).rejects.toThrow(
      'x.npz: there is no array "descriptors", and more than one with two dimensions; the archive holds a (4, 3), b (4, 3). Name the array',
    );
    await expect(parseNpz(fixture('deflated.npz'), 'x.npz', { array: 'y' })).rejects.toThrow(
      'there is no array "y"; the archive holds names of type <i8, x (4, 3)',
    );
  });

  property('reads back what it writes', 10, async (random) => {
    const columns = random.whole(1, 80);
    const data = Float64Array.from({ length: columns * random.pick([0, random.whole(1, 300)]) }, () =>
      random.gaussian(),
    );
    const matrix = createMatrix(data.length / columns, columns, data);
    expect(await parseNpz(joined(formatNpz(matrix)))).toEqual(matrix);
    const deflated = zip(joined(formatNpy(matrix)));
    // By its name: an array without rows is never taken for the one that is meant.
    expect(await parseNpz(deflated, 'x.npz', { array: 'x' })).toEqual(matrix);
  });

  it('refuses a file that is cut off at any byte', async () => {
    for (const name of ['stored.npz', 'deflated.npz']) {
      const bytes = fixture(name);
      for (let length = 0; length < bytes.length; length++) {
        await expect(parseNpz(bytes.slice(0, length))).rejects.toThrow('this is not a zip archive, or it is cut off');
      }
    }
  });

  it('holds several arrays, each under its name', async () => {
    const matrix = createMatrix(2, 3, Float64Array.of(1, 2, 3, 4, 5, 6));
    const bytes = joined(
      formatNpzArrays({ x: matrix, y: createMatrix(1, 2, Float64Array.of(7, 8)), v: Float64Array.of(9) }),
    );
    expect(await parseNpz(bytes, 'all.npz', { array: 'x' })).toEqual(matrix);
    expect([...(await parseNpz(bytes, 'all.npz', { array: 'y' })).data]).toEqual([7, 8]);
    await expect(parseNpz(bytes, 'all.npz', { array: 'v' })).rejects.toThrow(/dimension/);
    // As numpy.save writes numpy.array(['Al', 'δ𝐇']).
    const words = Buffer.from(joined(formatNpzArrays({ words: ['Al', 'δ𝐇'] })));
    expect(words.toString('latin1')).toContain("{'descr': '<U2', 'fortran_order': False, 'shape': (2,), }");
    expect(words.includes(Buffer.from(Uint32Array.of(0x41, 0x6c, 0x3b4, 0x1d407).buffer))).toBe(true);
  });

  it('notices any changed byte of the numbers', async () => {
    const matrix = createMatrix(2, 2, Float64Array.of(1, 2, 3, 4));
    const bytes = joined(formatNpz(matrix));
    const at = Buffer.from(bytes).indexOf(Buffer.from(Float64Array.of(1, 2, 3, 4).buffer));
    for (let offset = 0; offset < 32; offset++) {
      const damaged = bytes.slice();
      damaged[at + offset] = (damaged[at + offset] as number) ^ 1;
      await expect(parseNpz(damaged)).rejects.toThrow('its checksum is wrong');
    }
  });

  it('refuses a header without content', async () => {
    for (const bytes of [npy('', 8), npy(' ', 8)]) {
      expect(() => parseNpy(bytes)).toThrow('the header of the NumPy array is empty');
      await expect(parseNpz(zip(bytes), 'x.npz', { array: 'x' })).rejects.toThrow(
        'the header of the NumPy array is empty',
      );
    }
  });

  it('refuses a matrix that expands beyond belief, unless it is allowed to', async () => {
    const rows = 9_000_000;
    const matrix = npy(`{'descr': '<f8', 'fortran_order': False, 'shape': (${rows}, 1), }`, 8 * rows);
    const archive = zip(matrix);
    await expect(parseNpz(archive, 'x.npz')).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(
        /^x\.npz\[x\]: \d+ compressed bytes make \d+ and perhaps more, more than 500 each/,
      ),
    });
    expect((await parseNpz(archive, 'x.npz', { maxCompressionRatio: 1100 })).rows).toBe(rows);
  });

  it('does not inflate more than it was promised, nor believe promises that cannot be kept', async () => {
    const header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }";
    const bomb = npy(header, 5_000_000);
    await expect(parseNpz(zip(bomb))).rejects.toThrow(/takes 32 bytes; 5000000 are there/);
    const named = { array: 'x' };
    await expect(parseNpz(zip(bomb, npy(header, 32).length), 'x.npz', named)).rejects.toThrow(/holds more than/);
    const claim = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (500000000, 1), }", 64);
    await expect(parseNpz(zip(claim, claim.length - 64 + 4e9), 'x.npz', named)).rejects.toThrow(
      'compressed bytes cannot hold 4000000',
    );
    await expect(parseNpz(zip(npy(header, 24), npy(header, 32).length), 'x.npz', named)).rejects.toThrow(
      'ends too early',
    );
    await expect(parseNpz(zip(npy(header, 32), undefined, 1), 'x.npz', named)).rejects.toThrow('its checksum is wrong');
  });
});
