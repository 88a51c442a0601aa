/** Edge of the bins, Å: so large that few places lie near a border, so small that few lie in one bin. */
const BIN = 1;

/**
 * Places in a periodic cell, among which one is found that is as good as another.
 *
 * The cell must be thicker than four tolerances in each direction: then the difference of two fractional coordinates,
 * taken to the nearest image along each axis, is that of the nearest images.
 */
export class CoincidenceGrid {
  readonly #cell: Float64Array;
  readonly #tolerance: number;
  /** Of the fractional coordinates, along each axis. */
  readonly #reach: readonly number[];
  readonly #bins: readonly number[];
  /** Fractional coordinates, three for each place. */
  readonly #places: number[] = [];
  readonly #values: number[] = [];
  readonly #placesOfBin = new Map<number, number[]>();

  /**
   * @param cell  (3×3) rows are the cell vectors, Å
   * @param tolerance  Å
   */
  constructor(cell: Float64Array, tolerance: number) {
    this.#cell = cell;
    this.#tolerance = tolerance;
    const heights = [0, 1, 2].map((axis) => heightOf(cell, axis));
    this.#reach = heights.map((height) => tolerance / height);
    this.#bins = heights.map((height) => Math.max(1, Math.min(65_536, Math.floor(height / BIN))));
  }

  /** @param value  what {@link find} returns for this place */
  add(fractional: readonly [number, number, number], value: number): void {
    const bin = this.#binOf(fractional.map((x, axis) => this.#binAlong(x, axis)));
    const places = this.#placesOfBin.get(bin);
    const place = this.#values.push(value) - 1;
    this.#places.push(...fractional);
    if (places === undefined) this.#placesOfBin.set(bin, [place]);
    else places.push(place);
  }

  /** The value of the first place that is as good as this one. */
  find(fractional: readonly [number, number, number]): number | undefined {
    const along = fractional.map((x, axis) => {
      const reach = this.#reach[axis] as number;
      const candidates = [x, x - reach, x + reach].map((each) => this.#binAlong(each, axis));
      return [...new Set(candidates)];
    });
    const [first, second, third] = along as [number[], number[], number[]];
    for (const a of first) {
      for (const b of second) {
        for (const c of third) {
          for (const place of this.#placesOfBin.get(this.#binOf([a, b, c])) ?? []) {
            if (this.#isSame(fractional, place)) return this.#values[place];
          }
        }
      }
    }
    return undefined;
  }

  #isSame(fractional: readonly [number, number, number], place: number): boolean {
    const cell = this.#cell;
    const [u, v, w] = fractional.map((x, axis) => {
      const difference = x - (this.#places[3 * place + axis] as number);
      return difference - Math.round(difference);
    }) as [number, number, number];
    let sum = 0;
    for (let k = 0; k < 3; k++) {
      sum += (u * (cell[k] as number) + v * (cell[3 + k] as number) + w * (cell[6 + k] as number)) ** 2;
    }
    return sum < this.#tolerance ** 2;
  }

  #binAlong(x: number, axis: number): number {
    const bins = this.#bins[axis] as number;
    return Math.min(bins - 1, Math.floor((x - Math.floor(x)) * bins));
  }

  #binOf(bins: readonly number[]): number {
    const [a, b, c] = bins as [number, number, number];
    const [, second, third] = this.#bins as [number, number, number];
    return (a * second + b) * third + c;
  }
}

/** Distance between the two faces of a cell that an axis connects. Å. */
function heightOf(cell: Float64Array, axis: number): number {
  const vector = (k: number) => [0, 1, 2].map((at) => cell[3 * (k % 3) + at] as number) as [number, number, number];
  const [a, [bx, by, bz], [cx, cy, cz]] = [vector(axis), vector(axis + 1), vector(axis + 2)];
  const normal = [by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx] as const;
  return Math.abs(a[0] * normal[0] + a[1] * normal[1] + a[2] * normal[2]) / Math.hypot(...normal);
}
