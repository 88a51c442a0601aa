import {
  checkDescriptor,
  checkDescriptorMatrix,
  createMatrix,
  createStructure,
  type Descriptor,
  type DescriptorFactory,
  type DescriptorModule,
  type OptionsSchema,
  type Precision,
} from '@surprisal/core';
import { describe, expect, it } from 'vitest';

const ones: Descriptor = {
  name: 'ones',
  columns: 2,
  cutoff: 3,
  parameters: { h: 0.1, kind: 'flat', sharp: true },
  async compute(structures) {
    const rows = structures.reduce((sum, { positions }) => sum + positions.length / 3, 0);
    return createMatrix(rows, 2, new Float64Array(2 * rows).fill(1));
  },
};

describe('checkDescriptor', () => {
  it('gives back what is a descriptor', () => {
    expect(checkDescriptor(ones)).toBe(ones);
  });

  it.each([
    [undefined, 'it is undefined; it must be an object'],
    [null, 'it is null'],
    ['x'.repeat(100), `it is "${'x'.repeat(60)}…"`],
    [10n, 'it is 10;'],
    [Symbol('x'), 'it is Symbol(x);'],
    [{ ...ones, name: 3 }, 'name is 3'],
    [{ ...ones, columns: 0 }, 'columns is 0; it must be a whole number from 1 on'],
    [{ ...ones, columns: Number.NaN }, 'columns is NaN'],
    [{ ...ones, cutoff: -1 }, 'cutoff is -1; it must be a length above 0 (Å)'],
    [{ ...ones, cutoff: '5' }, 'cutoff is "5"'],
    [{ ...ones, parameters: null }, 'parameters is null'],
    [{ ...ones, parameters: { list: [1] } }, 'parameters.list is an Array; it must be a number, a word or a boolean'],
    [{ ...ones, parameters: { rule: Object.create(null) } }, 'parameters.rule is an object'],
    [{ ...ones, compute: undefined }, 'compute is undefined; it must be a function'],
  ])('says what is wrong: case %#', (value, message) => {
    expect(() => checkDescriptor(value)).toThrow(
      expect.objectContaining({ code: 'INVALID_DESCRIPTOR', message: expect.stringContaining(message) }),
    );
  });
});

describe('checkDescriptorMatrix', () => {
  const atoms = (count: number) => createStructure({ positions: new Float64Array(3 * count) });
  const structures = [atoms(2), atoms(0), atoms(1)];

  it('gives the matrix, over the same numbers', async () => {
    const matrix = await ones.compute(structures);
    const checked = checkDescriptorMatrix(matrix, ones, structures);
    expect(checked.data).toBe(matrix.data);
    expect(checkDescriptorMatrix({ rows: 0, columns: 2, data: new Float32Array(0) }, ones, [], 'f32').rows).toBe(0);
  });

  it.each<[unknown, Precision, string]>([
    [undefined, 'f64', 'compute gave undefined; it must give a matrix'],
    [{}, 'f64', 'gave undefined columns'],
    [{ rows: 2, columns: 2 }, 'f64', 'gave 2 rows; it must give one for each atom of all structures, 3'],
    [{ rows: 3, columns: 2 }, 'f64', 'gave its numbers as undefined'],
    [{ rows: 3, columns: 2, data: new Float64Array(6) }, 'f32', 'a Float64Array; it must give a Float32Array'],
    [{ rows: 3, columns: 2, data: new Float64Array(5) }, 'f64', 'gave 5 numbers; 3 rows of 2 columns have 6'],
  ])('says what is wrong: case %#', (value, precision, message) => {
    expect(() => checkDescriptorMatrix(value, ones, structures, precision)).toThrow(
      expect.objectContaining({ code: 'INVALID_DESCRIPTOR', message: expect.stringContaining(message) }),
    );
  });

  it('names structure and atom of a number that is not finite', () => {
    const data = Float64Array.of(0, 0, 0, 0, 0, Number.NaN);
    expect(() => checkDescriptorMatrix({ rows: 3, columns: 2, data }, ones, structures)).toThrow(
      expect.objectContaining({
        message: 'compute gave NaN for atom 1 of structure 3, column 2; every number must be finite',
        details: { structure: 2, atom: 0 },
      }),
    );
  });
});

describe('a descriptor module', () => {
  it('is a descriptor, or makes one of options', async () => {
    const schema: OptionsSchema<{ columns: number }> = {
      '~standard': {
        version: 1,
        vendor: 'hand',
        validate: (value) =>
          typeof value === 'object' && value !== null && 'columns' in value && Number.isInteger(value.columns)
            ? { value: { columns: value.columns as number } }
            : { issues: [{ message: 'must be a whole number', path: ['columns'] }] },
      },
    };
    const factory: DescriptorFactory<{ columns: number }> = {
      options: schema,
      create: ({ columns }) => ({ ...ones, columns }),
    };
    const modules: DescriptorModule<{ columns: number }>[] = [ones, factory];
    expect(modules).toHaveLength(2);
    const result = await schema['~standard'].validate({ columns: 7 });
    if (result.issues !== undefined) throw new Error('the schema refused');
    expect(await factory.create(result.value)).toMatchObject({ name: 'ones', columns: 7 });
  });
});
