import { describe, expect, it } from 'vitest';
import { hallOperations } from '../src/hall-symbol.ts';
import { tabulatedSpaceGroups } from '../src/molstar-cif.ts';
import { spaceGroupOperations } from '../src/space-group.ts';
import {
  formatSymmetryOperation,
  OperationSet,
  parseSymmetryOperation,
  type SymmetryOperation,
} from '../src/symmetry-operation.ts';

const CUBE = Float64Array.of(16, 0, 0, 0, 16, 0, 0, 0, 16);
const HEXAGONAL = Float64Array.of(16, -8, 0, -8, 16, 0, 0, 0, 25);

function setOf(operations: readonly SymmetryOperation[] | undefined): OperationSet {
  const set = new OperationSet();
  for (const operation of operations ?? []) set.add(operation);
  return set;
}

function isSame(a: OperationSet, b: OperationSet): boolean {
  return a.operations.length === b.operations.length && a.operations.every((operation) => b.has(operation));
}

function named(hermannMauguin: string): OperationSet {
  const answer = spaceGroupOperations({ hermannMauguin }, CUBE);
  if (answer?.problem !== undefined) throw new Error(answer.problem);
  return setOf(answer?.operations);
}

describe('symmetry operations', () => {
  it.each([
    ['x,y,z', 'x,y,z'],
    [' -Y , X-Y , Z+1/3 ', '-y,x-y,z+1/3'],
    ['1/2+x,-0.25-y,z+.6667', 'x+1/2,-y+3/4,z+2/3'],
    ['+x,-y,5/4-z', 'x,-y,-z+1/4'],
    ['x+0.167,y+0.083,z-1', 'x+1/6,y+1/12,z'],
    ['1*x,y,z', 'x,y,z'],
  ])('%j is %s', (text, normal) => {
    expect(formatSymmetryOperation(parseSymmetryOperation(text) as SymmetryOperation)).toBe(normal);
  });

  it.each([
    '',
    'x,y',
    'x,y,z,z',
    'x y,y,z',
    'x,y,2*z',
    'x,y,1/0*z',
    '1/2x,y,z',
    'x,y,',
    'x,y,z+1/0',
    'x+,y,z',
    'a,b,c',
  ])('%j is none', (text) => {
    expect(parseSymmetryOperation(text)).toBeUndefined();
  });
});

describe('space groups', () => {
  it('of the table are groups, of which each is found by its symbol', () => {
    const sizes = new Set<number>();
    for (const { name, operations } of tabulatedSpaceGroups()) {
      const set = setOf(
        operations.map((rows) => ({
          rotation: rows.flatMap((row) => row.slice(0, 3)),
          translation: rows.map((row) => row[3] as number),
        })),
      );
      expect([name, set.operations.length, set.missingProduct()]).toEqual([name, operations.length, undefined]);
      sizes.add(operations.length);
    }
    expect(Math.max(...sizes)).toBe(192);
  });

  it.each([
    ['P 21 21 21', 'P 2ac 2ab'],
    ['P 1 21/c 1', '-P 2ybc'],
    ['C 1 2/c 1', '-C 2yc'],
    ['P n m a', '-P 2ac 2n'],
    ['I 41 m d', 'I 4bw -2'],
    ['P m -3 m', '-P 4 2 3'],
    ['I a -3 d', '-I 4bd 2c 3'],
    ['I -4 3 d', 'I -4bd 2c 3'],
    ['P 43 3 2', 'P 4acd 2ab 3'],
  ])('%s of the table is %s of Hall', (symbol, hall) => {
    expect(isSame(named(symbol), setOf(hallOperations(hall)))).toBe(true);
  });

  it.each([
    ['P 63/m m c', '-P 6c 2c'],
    ['P 32 2 1', 'P 32 2"'],
    ['P -3 1 m', '-P 3 2'],
    ['R -3 c :H', '-R 3 2"c'],
  ])('%s is %s of Hall, with hexagonal axes', (symbol, hall) => {
    const answer = spaceGroupOperations({ hermannMauguin: symbol }, HEXAGONAL);
    if (answer?.problem !== undefined) throw new Error(answer.problem);
    expect(isSame(setOf(answer?.operations), setOf(hallOperations(hall)))).toBe(true);
  });

  it('with two origins are the table for the first, and the same about another point for the second', () => {
    const two = [
      48, 50, 59, 68, 70, 85, 86, 88, 125, 126, 129, 130, 133, 134, 137, 138, 141, 142, 201, 203, 222, 224, 227, 228,
    ];
    for (const number of two) {
      const name = tabulatedSpaceGroups().find((group) => group.number === number)?.name ?? '';
      const [first, second] = [1, 2].map((origin) => named(`${name}:${origin}`)) as [OperationSet, OperationSet];
      const eighths = Array.from({ length: 512 }, (_, at) => [at >> 6, (at >> 3) & 7, at & 7]);
      const shift = eighths.find((each) => isSame(first, setOf(second.operations.map((one) => seenFrom(one, each)))));
      expect([name, shift !== undefined, isSame(first, second)]).toEqual([name, true, false]);
    }
  });

  it('with their origin shifted are written so by Hall', () => {
    const shifted = hallOperations('P 2 2ab -1ab (3 3 0)');
    expect(setOf(shifted).missingProduct()).toBeUndefined();
    expect(isSame(setOf(shifted), setOf(hallOperations('P 2 2ab -1ab')))).toBe(false);
    for (const symbol of ['', 'Q 2', 'P 5', 'P 2q', 'P 2 4', 'P 22', '-P 2yn (x-z,y,z)']) {
      expect([symbol, hallOperations(symbol)]).toEqual([symbol, undefined]);
    }
  });

  it('by number have their standard setting', () => {
    const answer = (number: string, metric = CUBE) => spaceGroupOperations({ number }, metric);
    expect(answer('14')).toMatchObject({ name: 'P 1 21/c 1' });
    expect(answer('62')).toMatchObject({ name: 'P n m a' });
    expect(answer('166', HEXAGONAL)).toMatchObject({ name: 'H -3 m' });
    expect(answer('166')).toMatchObject({ name: 'R -3 m' });
    for (const number of ['0', '231', '1.5', 'x']) expect(answer(number)?.problem).toContain('from 1 to 230');
    expect(answer('227')?.problem).toContain('two origins');
    for (let number = 1; number <= 230; number++) expect(answer(String(number))?.problem ?? '').not.toContain('from 1');
  });
});

/** An operation about an origin that is moved by eighths of the cell. */
function seenFrom({ rotation, translation }: SymmetryOperation, eighths: readonly number[]): SymmetryOperation {
  return {
    rotation,
    translation: translation.map((t, row) => {
      let moved = t - (eighths[row] as number) / 8;
      for (let k = 0; k < 3; k++) moved += ((rotation[3 * row + k] as number) * (eighths[k] as number)) / 8;
      return moved - Math.floor(moved);
    }),
  };
}
