import { fraction, generateGroup, type SymmetryOperation } from './symmetry-operation.ts';

const NO_ROTATION: readonly number[] = [1, 0, 0, 0, 1, 0, 0, 0, 1];
const NO_TRANSLATION: readonly number[] = [0, 0, 0];

const LATTICES: Readonly<Record<string, readonly (readonly number[])[]>> = {
  P: [],
  A: [[0, 1 / 2, 1 / 2]],
  B: [[1 / 2, 0, 1 / 2]],
  C: [[1 / 2, 1 / 2, 0]],
  I: [[1 / 2, 1 / 2, 1 / 2]],
  R: [[2 / 3, 1 / 3, 1 / 3]],
  H: [[2 / 3, 1 / 3, 0]],
  F: [
    [0, 1 / 2, 1 / 2],
    [1 / 2, 0, 1 / 2],
  ],
};

const TRANSLATIONS: Readonly<Record<string, readonly number[]>> = {
  a: [1 / 2, 0, 0],
  b: [0, 1 / 2, 0],
  c: [0, 0, 1 / 2],
  n: [1 / 2, 1 / 2, 1 / 2],
  u: [1 / 4, 0, 0],
  v: [0, 1 / 4, 0],
  w: [0, 0, 1 / 4],
  d: [1 / 4, 1 / 4, 1 / 4],
};

/** Proper rotations about z; those about x and y follow by permutation. */
const ABOUT_Z: Readonly<Record<string, readonly number[]>> = {
  1: NO_ROTATION,
  2: [-1, 0, 0, 0, -1, 0, 0, 0, 1],
  3: [0, -1, 0, 1, -1, 0, 0, 0, 1],
  4: [0, -1, 0, 1, 0, 0, 0, 0, 1],
  6: [1, -1, 0, 1, 0, 0, 0, 0, 1],
};
/** Twofold rotations between the two axes that are not z. */
const DIAGONAL_OF_Z: Readonly<Record<string, readonly number[]>> = {
  "'": [0, -1, 0, -1, 0, 0, 0, 0, -1],
  '"': [0, 1, 0, 1, 0, 0, 0, 0, -1],
};
const BODY_DIAGONAL: readonly number[] = [0, 0, 1, 1, 0, 0, 0, 1, 0];

/**
 * The operations of the space group that a Hall symbol describes, such as `-P 2yn` or `-F 4vw 2vw 3`; of changes of basis, a
 * shift of the origin in twelfths, as `(0 0 1)`, is understood.
 *
 * @returns undefined where it is none, or changes the axes
 * @see S. R. Hall, Acta Cryst. A37, 517 (1981); International Tables B, A1.4.2.3
 */
export function hallOperations(symbol: string): readonly SymmetryOperation[] | undefined {
  const match = /^(-?)\s*([PABCIRHF])\s*([^(]*)(?:\(\s*(-?\d+)\s+(-?\d+)\s+(-?\d+)\s*\))?$/i.exec(
    symbol.replaceAll('_', ' ').trim(),
  );
  if (match === null) return undefined;
  const [, minus, lattice = '', rotations = '', ...shift] = match;
  const generators: SymmetryOperation[] = (LATTICES[lattice.toUpperCase()] ?? []).map((translation) => ({
    rotation: NO_ROTATION,
    translation,
  }));
  if (minus === '-') generators.push({ rotation: negative(NO_ROTATION), translation: NO_TRANSLATION });
  const before: { order: string; axis: string }[] = [];
  for (const token of rotations.split(/\s+/).filter((each) => each !== '')) {
    const generator = parseRotation(token, before);
    if (generator === undefined) return undefined;
    generators.push(generator);
  }
  const origin = shift.map((twelfths) => Number(twelfths ?? 0) / 12);
  return generateGroup(generators.map((generator) => shifted(generator, origin)))?.operations;
}

function parseRotation(token: string, before: { order: string; axis: string }[]): SymmetryOperation | undefined {
  const [, minus, order, rest] = /^(-?)([12346])([1-5xyz'"*abcnuvwd]*)$/.exec(token) ?? [];
  if (order === undefined || rest === undefined) return undefined;
  const previous = before.at(-1);
  const named = rest.match(/[xyz'"*]/g) ?? [];
  if (named.length > 1) return undefined;
  const axis = named[0] ?? defaultAxis(order, previous);
  const rotation = axis === undefined ? undefined : rotationAbout(axis, order, previous?.axis ?? 'z');
  if (rotation === undefined) return undefined;
  const translation = [0, 0, 0];
  for (const letter of rest.replaceAll(/[^abcnuvwd]/g, '')) {
    for (let k = 0; k < 3; k++) translation[k] = (translation[k] as number) + (TRANSLATIONS[letter]?.[k] as number);
  }
  for (const digit of rest.match(/\d/g) ?? []) {
    const along = 'xyz'.indexOf(axis as string);
    if (along < 0 || Number(digit) >= Number(order)) return undefined;
    translation[along] = (translation[along] as number) + Number(digit) / Number(order);
  }
  if (order !== '1') before.push({ order, axis: axis as string });
  return { rotation: minus === '-' ? negative(rotation) : rotation, translation: translation.map(fraction) };
}

/** The axis that goes without saying: z, then x or a − b by what precedes, and the diagonal of the cube for a threefold one. */
function defaultAxis(order: string, previous: { readonly order: string } | undefined): string | undefined {
  if (order === '1' || previous === undefined) return 'z';
  if (order === '3') return '*';
  if (order !== '2') return undefined;
  return previous.order === '2' || previous.order === '4' ? 'x' : "'";
}

function rotationAbout(axis: string, order: string, previousAxis: string): readonly number[] | undefined {
  if (axis === '*') return order === '3' ? BODY_DIAGONAL : undefined;
  if (axis === "'" || axis === '"') {
    if (order !== '2') return undefined;
    const main = 'xyz'.includes(previousAxis) ? previousAxis : 'z';
    return permuted(DIAGONAL_OF_Z[axis] as readonly number[], main);
  }
  return permuted(ABOUT_Z[order] as readonly number[], axis);
}

/** A matrix that has to do with z, turned so that it has to do with another axis: z, x, y become x, y, z or y, z, x. */
function permuted(matrix: readonly number[], axis: string): readonly number[] {
  const turn = axis === 'z' ? 0 : axis === 'x' ? 1 : 2;
  const result: number[] = new Array(9).fill(0);
  for (let row = 0; row < 3; row++) {
    for (let k = 0; k < 3; k++) result[3 * ((row + turn) % 3) + ((k + turn) % 3)] = matrix[3 * row + k] as number;
  }
  return result;
}

/** The same operation seen from an origin that is moved by −`origin`. */
function shifted({ rotation, translation }: SymmetryOperation, origin: readonly number[]): SymmetryOperation {
  const [x, y, z] = origin as [number, number, number];
  return {
    rotation,
    translation: translation.map((t, k) => {
      const [a, b, c] = rotation.slice(3 * k, 3 * k + 3) as [number, number, number];
      return fraction(t + (origin[k] as number) - a * x - b * y - c * z);
    }),
  };
}

function negative(matrix: readonly number[]): readonly number[] {
  return matrix.map((value) => -value || 0);
}
