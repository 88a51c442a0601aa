/** An operation of a space group on fractional coordinates: x′ = R x + t. */
export interface SymmetryOperation {
  /** (3×3) whole numbers, row-major. */
  readonly rotation: readonly number[];
  /** (3) from 0 to 1, 1 excluded. */
  readonly translation: readonly number[];
}

/** Translations of space groups are multiples of this, in every setting of the International Tables. */
const TWENTY_FOURTH = 1 / 24;
/** A translation is as good as a multiple of 1/24 within this: 0.333 and 0.167 are thirds and sixths. */
const ROUNDED = 6e-4;
/** Translations are equal within this. */
const EQUAL = 1e-3;

export const IDENTITY: SymmetryOperation = { rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1], translation: [0, 0, 0] };

/**
 * An operation from its notation: `x,1/2+y,-z`, `-Y, X-Y, Z+1/3`, `x+0.5,y,z`.
 *
 * @returns undefined where it is none
 */
export function parseSymmetryOperation(text: string): SymmetryOperation | undefined {
  const parts = text.toLowerCase().replaceAll(/\s+/g, '').split(',');
  if (parts.length !== 3) return undefined;
  const rotation: number[] = [];
  const translation: number[] = [];
  for (const part of parts) {
    const row = [0, 0, 0];
    let shift = 0;
    let at = 0;
    while (at < part.length) {
      const [term, sign, number, divisor, axis] =
        /^([+-]?)(?:(\d+\.?\d*|\.\d+)(?:\/(\d+))?)?\*?([xyz]?)/.exec(part.slice(at)) ?? [];
      if (term === undefined || (number === undefined && !axis) || (at > 0 && sign === '')) return undefined;
      const value = (sign === '-' ? -1 : 1) * (number === undefined ? 1 : Number(number) / Number(divisor ?? 1));
      if (axis) row['xyz'.indexOf(axis)] = (row['xyz'.indexOf(axis)] as number) + value;
      else shift += value;
      at += term.length;
    }
    if (part === '' || !Number.isFinite(shift) || !row.every(Number.isSafeInteger)) return undefined;
    rotation.push(...row);
    translation.push(fraction(shift));
  }
  return Math.abs(determinant(rotation)) === 1 ? { rotation, translation } : undefined;
}

/** The notation of an operation, as `-y,x-y,z+1/3`. */
export function formatSymmetryOperation({ rotation, translation }: SymmetryOperation): string {
  return [0, 1, 2]
    .map((row) => {
      let text = '';
      for (let axis = 0; axis < 3; axis++) {
        const value = rotation[3 * row + axis] as number;
        if (value === 0) continue;
        text += `${value < 0 ? '-' : text === '' ? '' : '+'}${Math.abs(value) === 1 ? '' : Math.abs(value)}${'xyz'[axis]}`;
      }
      const parts = Math.round((translation[row] as number) / TWENTY_FOURTH);
      const divisor = [24, 12, 8, 6, 4, 3, 2].find((each) => parts % each === 0) ?? 1;
      return parts === 0 ? text : `${text}+${parts / divisor}/${24 / divisor}`;
    })
    .join(',');
}

/** First `second`, then `first`. */
function compose(first: SymmetryOperation, second: SymmetryOperation): SymmetryOperation {
  const rotation: number[] = [];
  const translation: number[] = [];
  for (let row = 0; row < 3; row++) {
    const [a, b, c] = first.rotation.slice(3 * row, 3 * row + 3) as [number, number, number];
    const r = second.rotation;
    for (let k = 0; k < 3; k++) {
      rotation.push(a * (r[k] as number) + b * (r[3 + k] as number) + c * (r[6 + k] as number));
    }
    const [x, y, z] = second.translation as [number, number, number];
    translation.push(fraction(a * x + b * y + c * z + (first.translation[row] as number)));
  }
  return { rotation, translation };
}

/** Operations that can be asked whether they hold another one. */
export class OperationSet {
  readonly operations: SymmetryOperation[] = [];
  readonly #byRotation = new Map<string, SymmetryOperation[]>();

  /** Adds an operation that is not there yet. */
  add(operation: SymmetryOperation): boolean {
    if (this.has(operation)) return false;
    const key = operation.rotation.join();
    const same = this.#byRotation.get(key);
    if (same === undefined) this.#byRotation.set(key, [operation]);
    else same.push(operation);
    this.operations.push(operation);
    return true;
  }

  has({ rotation, translation }: SymmetryOperation): boolean {
    const same = this.#byRotation.get(rotation.join());
    return same?.some((other) => other.translation.every((t, k) => isNear(t, translation[k] as number))) ?? false;
  }

  /** Two operations of which one after the other is not in the set; undefined for a group. */
  missingProduct(): readonly [SymmetryOperation, SymmetryOperation] | undefined {
    for (const first of this.operations) {
      for (const second of this.operations) if (!this.has(compose(first, second))) return [first, second];
    }
    return undefined;
  }
}

/**
 * The group that some operations generate.
 *
 * @returns undefined where it has more than `most` elements, as groups of crystals have not
 */
export function generateGroup(generators: readonly SymmetryOperation[], most = 192): OperationSet | undefined {
  const group = new OperationSet();
  group.add(IDENTITY);
  for (let at = 0; at < group.operations.length; at++) {
    for (const generator of generators) {
      group.add(compose(generator, group.operations[at] as SymmetryOperation));
      if (group.operations.length > most) return undefined;
    }
  }
  return group;
}

/** The part of a translation from 0 to 1, a multiple of 1/24 where it is one but for rounding. */
export function fraction(value: number): number {
  const part = value - Math.floor(value);
  const multiple = Math.round(part / TWENTY_FOURTH);
  const rounded = multiple * TWENTY_FOURTH;
  return Math.abs(part - rounded) > ROUNDED ? part : multiple % 24 === 0 ? 0 : multiple / 24;
}

function isNear(a: number, b: number): boolean {
  const difference = Math.abs(a - b);
  return Math.min(difference, 1 - difference) < EQUAL;
}

function determinant(m: readonly number[]): number {
  const [a, b, c, d, e, f, g, h, i] = m as [number, number, number, number, number, number, number, number, number];
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
}
