import { loadAddon } from '@surprisal/native';
import { randomStream } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { type TextField, textRows } from '../src/text-rows.ts';

const { addon } = loadAddon();

const written = (rows: number, fields: readonly TextField[], by: typeof addon) =>
  [...textRows('head\n', rows, fields, by)].join('');

describe('rows as text', () => {
  it('are the same, to the last byte, from native code and without it', () => {
    expect(addon).not.toBeNull();
    const random = randomStream(3);
    const rows = 20_000;
    const bits = new BigUint64Array(2 * rows).map(
      () => (BigInt(random.integer(0, 2 ** 32 - 1)) << 32n) | BigInt(random.integer(0, 2 ** 32 - 1)),
    );
    const decimals = Float64Array.from({ length: rows }, (_, i) => {
      const digits = 10 ** (i % 26);
      return Math.round(random.between(-1, 1) * digits) / 10 ** random.integer(0, 30);
    });
    const fields: TextField[] = [
      { words: ['Cu', 'Al', 'Ω₃'], index: Uint16Array.from({ length: rows }, (_, i) => i % 3) },
      { values: new Float64Array(bits.buffer), width: 2 },
      { values: decimals, width: 1 },
      { values: decimals.map(Math.round), width: 1, withPoint: true },
    ];
    expect(written(rows, fields, addon)).toBe(written(rows, fields, null));
  });

  it('hold every number in the form of JavaScript', () => {
    const values = [
      0,
      -0,
      1,
      -1,
      0.1,
      1e-6,
      1e-7,
      123456789012345680000,
      1e21,
      5e-324,
      1.7976931348623157e308,
      2 ** 53,
    ];
    const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const field = { values: Float64Array.from([...values, ...special]), width: values.length + special.length };
    const line = [...values.map((value) => (Object.is(value, -0) ? '-0' : String(value))), 'nan', 'inf', '-inf'].join(
      ' ',
    );
    for (const by of [addon, null]) expect(written(1, [field], by)).toBe(`head\n${line}\n`);
  });

  it('may be none, and of functions', () => {
    for (const by of [addon, null]) {
      expect(written(0, [{ values: new Float64Array(0), width: 3 }], by)).toBe('head\n');
      expect(written(2, [(atom) => `a${atom}`, { values: Float64Array.of(1, 2), width: 1 }], by)).toBe(
        'head\na0 1\na1 2\n',
      );
    }
  });
});
