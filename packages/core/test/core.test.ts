import { describe, expect, it } from 'vitest';
import {
  atomCount,
  BLOCK_ROWS,
  cellVolume,
  cooperate,
  createMatrix,
  createStructure,
  fromNativeError,
  matrixRows,
  ownedRows,
  ParseError,
  type Progress,
  randomSequence,
  SurprisalError,
  selectRows,
  serialCommunicator,
  stackMatrices,
  sumOverRows,
} from '../src/index.ts';

describe('structures', () => {
  it('have defaults: unknown species, no cell, not periodic; periodic with a cell', () => {
    const free = createStructure({ positions: Float64Array.of(0, 0, 0, 1, 2, 3) });
    expect(atomCount(free)).toBe(2);
    expect(free).toMatchObject({ cell: null, pbc: [false, false, false], species: { symbols: ['X'] } });
    expect(cellVolume(free)).toBeUndefined();
    const bound = createStructure({ positions: new Float64Array(3), cell: Float64Array.of(0, 2, 0, 2, 0, 0, 0, 0, 2) });
    expect(bound.pbc).toEqual([true, true, true]);
    expect(cellVolume(bound)).toBe(8);
  });

  it('tabulate species', () => {
    const { species } = createStructure({ positions: new Float64Array(9), species: ['O', 'H', 'O'] });
    expect(species).toEqual({ symbols: ['O', 'H'], index: Uint16Array.of(0, 1, 0) });
  });

  const positions = new Float64Array(3);
  const wrong: [string, () => unknown, string][] = [
    ['half an atom', () => createStructure({ positions: new Float64Array(4) }), 'INVALID_POSITIONS'],
    ['NaN', () => createStructure({ positions: Float64Array.of(0, Number.NaN, 0) }), 'INVALID_POSITIONS'],
    ['a short cell', () => createStructure({ positions, cell: new Float64Array(6) }), 'INVALID_CELL'],
    ['an infinite cell', () => createStructure({ positions, cell: new Float64Array(9).fill(1 / 0) }), 'INVALID_CELL'],
    ['a periodic axis without a cell', () => createStructure({ positions, pbc: [false, true, false] }), 'INVALID_CELL'],
    ['a periodic axis of length 0', () => createStructure({ positions, cell: new Float64Array(9) }), 'INVALID_CELL'],
    ['too many species', () => createStructure({ positions, species: ['H', 'O'] }), 'DIMENSION_MISMATCH'],
    [
      'a short column',
      () =>
        createStructure({
          positions,
          columns: new Map([['f', { kind: 'real', width: 3, values: new Float64Array(2) }]]),
        }),
      'DIMENSION_MISMATCH',
    ],
  ];
  it.each(wrong)('refuse %s', (_, call, code) => {
    expect(call).toThrow(expect.objectContaining({ name: 'SurprisalError', code }));
  });
});

describe('matrices', () => {
  const x = createMatrix(3, 2, Float64Array.of(1, 2, 3, 4, 5, 6));

  it('show rows without copying, and stack and select with copying', () => {
    const rows = matrixRows(x, 1, 3);
    expect(rows.data.buffer).toBe(x.data.buffer);
    expect(stackMatrices([rows, x])).toEqual(createMatrix(5, 2, Float64Array.of(3, 4, 5, 6, 1, 2, 3, 4, 5, 6)));
    expect(selectRows(x, [2, 0, 2])).toEqual(createMatrix(3, 2, Float64Array.of(5, 6, 1, 2, 5, 6)));
  });

  it('refuse what does not fit', () => {
    expect(() => createMatrix(2, 2, new Float64Array(3))).toThrow(/2×2/);
    expect(() => stackMatrices([])).toThrow(/no matrix/);
    expect(() => selectRows(x, [3])).toThrow(/no row 3/);
    expect(() => stackMatrices([x, createMatrix(1, 3, new Float64Array(3))])).toThrow(/does not stack/);
    expect(() => stackMatrices([x, createMatrix(1, 2, new Float32Array(2))])).toThrow(/precision/);
  });
});

describe('blocks', () => {
  it('give every rank whole blocks, all rows once and in order', () => {
    for (const rows of [0, 1, BLOCK_ROWS, BLOCK_ROWS + 1, 10 * BLOCK_ROWS - 1]) {
      for (const size of [1, 2, 3, 16]) {
        let next = 0;
        for (let rank = 0; rank < size; rank++) {
          const { start, end } = ownedRows(rows, { ...serialCommunicator, rank, size });
          expect(start).toBe(next);
          expect(start % BLOCK_ROWS === 0 || start === rows).toBe(true);
          next = end;
        }
        expect(next).toBe(rows);
      }
    }
  });

  it('add in block order', async () => {
    const values = Float64Array.from({ length: 3000 }, (_, i) => 1 / (i + 1));
    let expected = 0;
    for (let start = 0; start < 3000; start += BLOCK_ROWS) {
      expected += values.subarray(start, start + BLOCK_ROWS).reduce((sum, value) => sum + value, 0);
    }
    expect(await sumOverRows(values, serialCommunicator)).toBe(expected);
  });
});

describe('errors', () => {
  it('carry code, details and cause', () => {
    const cause = new Error('below');
    const error = new SurprisalError('INVALID_CELL', 'flat', { details: { axis: 2 }, cause });
    expect(error).toMatchObject({ code: 'INVALID_CELL', message: 'flat', details: { axis: 2 }, cause });
  });

  it('of parsers say where, and quote at a readable length', () => {
    const error = new ParseError({ file: 'a.xyz', line: 3, column: 7, text: 'y'.repeat(500) }, 'not a number');
    expect(error.message).toMatch(/^a\.xyz:3:7: not a number \(near "y{80}…"\)$/);
    expect(new ParseError({ file: 'b.xyz' }, 'is empty').message).toBe('b.xyz: is empty');
    // Characters of broken files that would break or garble the line.
    expect(new SurprisalError('UNSUPPORTED', 'a\nb\r\0\u001b\u2028é').message).toBe(
      'a\\u000ab\\u000d\\u0000\\u001b\\u2028é',
    );
  });

  it('of native code keep their code, and unknown ones stay as they are', () => {
    const native = Object.assign(new Error('interrupted'), { code: 'ABORTED' });
    expect(fromNativeError(native)).toMatchObject({ name: 'SurprisalError', code: 'ABORTED', cause: native });
    const unknown = Object.assign(new Error('?'), { code: 'ENOENT' });
    expect(fromNativeError(unknown)).toBe(unknown);
    expect(fromNativeError('text')).toBe('text');
  });
});

describe('cooperate', () => {
  it('reports now and then, lets other work run, and ends when told', async () => {
    const controller = new AbortController();
    const seen: Progress[] = [];
    const breathe = cooperate('work', 1e9, 'steps', { signal: controller.signal, onProgress: (p) => seen.push(p) });
    setTimeout(() => controller.abort(), 150);
    const loop = async () => {
      for (let i = 0; ; i++) await breathe(i);
    };
    await expect(loop()).rejects.toMatchObject({ code: 'ABORTED' });
    expect(seen.length).toBeGreaterThan(0);
    expect(seen[0]).toMatchObject({ stage: 'work', total: 1e9, unit: 'steps' });
  });
});

describe('random numbers', () => {
  it('depend on seed and index alone', () => {
    const a = randomSequence(7);
    expect([a.uniform(5), a.uniform(2)]).toEqual([randomSequence(7).uniform(5), randomSequence(7).uniform(2)]);
    expect(a.uniform(5)).not.toBe(randomSequence(8).uniform(5));
  });

  it('are uniform and normal as far as 20,000 of them show', () => {
    const random = randomSequence(1);
    const count = 20_000;
    let [sum, squares, fourth, bins] = [0, 0, 0, new Float64Array(10)];
    for (let i = 0; i < count; i++) {
      const z = random.normal(i);
      sum += z;
      squares += z * z;
      fourth += z ** 4;
      bins[random.integer(i, 10)]! += 1;
      expect(random.uniform(i)).toBeGreaterThanOrEqual(0);
      expect(random.uniform(i)).toBeLessThan(1);
    }
    expect(Math.abs(sum / count)).toBeLessThan(0.03);
    expect(Math.abs(squares / count - 1)).toBeLessThan(0.05);
    expect(Math.abs(fourth / count - 3)).toBeLessThan(0.4);
    for (const bin of bins) expect(Math.abs(bin - 2000)).toBeLessThan(200);
  });
});
