import { property } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { FieldScanner, NOT_LOGICAL } from '../src/field-scanner.ts';

function scannerOf(text: string): FieldScanner {
  const scanner = new FieldScanner();
  const bytes = new TextEncoder().encode(text);
  scanner.reset(bytes, 0, bytes.length);
  return scanner;
}

describe('FieldScanner.real', () => {
  property('gives the bits that Number gives', 40, (random) => {
    const texts: string[] = [];
    for (let i = 0; i < 500; i++) {
      const value = random.gaussian() * 10 ** random.whole(-12, 12);
      texts.push(String(value), value.toExponential(16), value.toExponential(5), value.toFixed(random.whole(0, 20)));
      const digits = Array.from({ length: random.whole(1, 36) }, () => random.whole(0, 9)).join('');
      const point = random.whole(0, digits.length);
      const exponent = random.chance(0.5) ? `e${random.whole(-330, 330)}` : '';
      texts.push(`${random.pick(['', '-', '+'])}${digits.slice(0, point)}.${digits.slice(point)}${exponent}`);
    }
    const scanner = scannerOf(texts.join(' \t'));
    for (const text of texts) {
      const value = scanner.real();
      if (scanner.failed || !Object.is(value, Number(text))) expect.fail(`${text} was read as ${value}`);
    }
  });

  property('rounds right next to the middle between two doubles', 20, (random) => {
    const bits = new BigUint64Array(1);
    const double = new Float64Array(bits.buffer);
    for (let i = 0; i < 500; i++) {
      // In [2^k, 2^(k+1)) doubles lie 2^(k−52) apart: below 53 binary places their decimals end soon enough to write.
      double[0] = random.between(1, 2) * 2 ** random.whole(-3, 12);
      const low = decimal(double[0] as number);
      bits[0] = (bits[0] as bigint) + 1n;
      const high = decimal(double[0] as number);
      const middle = ((low + high) / 2n).toString().padStart(62, '0');
      for (const cut of [60, 30, 28, 25, 22, 18]) {
        const text = `${middle.slice(0, -60)}.${middle.slice(-60, middle.length - 60 + cut)}`;
        const value = scannerOf(text).real();
        if (!Object.is(value, Number(text))) expect.fail(`${text} was read as ${value}`);
      }
    }
  });

  it('knows Fortran exponents and the words for what is no number', () => {
    const scanner = scannerOf('1.0D+00 -2.5d-3 .5 5. +7 -0.0 nan -inf Infinity');
    const values = Array.from({ length: 9 }, () => scanner.real());
    expect(values).toEqual([1, -0.0025, 0.5, 5, 7, -0, Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect(scanner.failed).toBe(false);
  });

  it.each(['', '.', '-', 'e5', '1e', '1e+', '1.2.3', '0x10', '1_000', '1,5', 'nano', '--1', '1-100'])(
    'refuses %j',
    (text) => {
      const scanner = scannerOf(text);
      scanner.real();
      expect(scanner.failed).toBe(true);
      expect(scanner.text()).toBe(text);
    },
  );
});

describe('FieldScanner', () => {
  it('reads whole numbers, also those beyond 2^53', () => {
    const scanner = scannerOf('12 -7 +3 -0 9007199254740993 1.0');
    expect([scanner.integer(), scanner.integer(), scanner.integer()]).toEqual([12, -7, 3]);
    expect(scanner.integer()).toBe(0);
    scanner.integer();
    expect(scanner.bigInteger()).toBe(9007199254740993n);
    scanner.integer();
    expect(scanner.failed).toBe(true);
  });

  it('reads truth values in any case and nothing else', () => {
    const scanner = scannerOf('T f True FALSE tRUE yes 1 Tr');
    expect(Array.from({ length: 9 }, () => scanner.logical())).toEqual([
      1,
      0,
      1,
      0,
      1,
      NOT_LOGICAL,
      NOT_LOGICAL,
      NOT_LOGICAL,
      NOT_LOGICAL,
    ]);
  });
});

/** A double that is a multiple of 2^-60, as a whole multiple of 10^-60. */
function decimal(value: number): bigint {
  return (BigInt(value * 2 ** 60) * 10n ** 60n) / 2n ** 60n;
}
