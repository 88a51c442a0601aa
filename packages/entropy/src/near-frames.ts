import type { Matrix } from '@surprisal/core';
import type { RowsWithin } from './rows-within.ts';
import { squaredDistance } from './squared-distance.ts';

/** A set of rows cut into frames: frame f holds the rows offsets[f] … offsets[f + 1] − 1. */
export interface FramedRows {
  readonly matrix: Matrix;
  /** (frames+1) */
  readonly offsets: Uint32Array;
}

/** Called now and then, so that a long search can be interrupted. */
type Breathe = () => Promise<void> | undefined;

/**
 * Frames of one set that are near a frame of another: of as many rows, each within a radius of one of the other frame, in
 * both directions.
 *
 * The frames that can be are those that hold something near every row; they are asked row by row.
 */
export class NearFrames {
  readonly #known: FramedRows;
  readonly #within: RowsWithin;
  readonly #radius: number;
  readonly #tolerance: number;
  /** Frames that hold a kind: those of the kind of first row r are #frames[#starts[r]] … #frames[#ends[r] − 1]. */
  readonly #frames: Uint32Array;
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array;
  /** For each frame, the last look at which it was seen. */
  readonly #seen: Uint32Array;
  #look = 0;

  /**
   * @param kindOfRow  of the known rows
   * @param firsts     the first row of each kind: those that `within` looks among
   * @param tolerance  how far a row may be from the first of its kind
   */
  constructor(
    known: FramedRows,
    kindOfRow: Uint32Array,
    firsts: Uint32Array,
    within: RowsWithin,
    radius: number,
    tolerance: number,
  ) {
    const { offsets, matrix } = known;
    const frames = offsets.length - 1;
    this.#known = known;
    this.#within = within;
    this.#radius = radius;
    this.#tolerance = tolerance;
    this.#starts = new Uint32Array(matrix.rows);
    this.#ends = new Uint32Array(matrix.rows);
    this.#seen = new Uint32Array(frames);
    // Each frame once for each kind that it holds, however often.
    const visit = (meet: (first: number, frame: number) => void) => {
      const last = new Int32Array(firsts.length).fill(-1);
      for (let frame = 0; frame < frames; frame++) {
        for (let row = offsets[frame]!; row < offsets[frame + 1]!; row++) {
          const kind = kindOfRow[row]!;
          if (last[kind] === frame) continue;
          last[kind] = frame;
          meet(firsts[kind]!, frame);
        }
      }
    };
    visit((first) => this.#ends[first]!++);
    let total = 0;
    for (const first of firsts) {
      this.#starts[first] = total;
      total += this.#ends[first]!;
      this.#ends[first] = this.#starts[first]!;
    }
    this.#frames = new Uint32Array(total);
    visit((first, frame) => {
      this.#frames[this.#ends[first]!++] = frame;
    });
  }

  /**
   * The earliest known frame that a frame is near to.
   *
   * @param projection  of the rows of the set that the frame is of, from `rowProjection`
   */
  async find(set: FramedRows, frame: number, projection: Float64Array, breathe: Breathe): Promise<number | undefined> {
    const [start, end] = [set.offsets[frame]!, set.offsets[frame + 1]!];
    const { offsets } = this.#known;
    let possible: number[] | undefined;
    for (let row = start; row < end; row++) {
      await breathe();
      const look = ++this.#look;
      const met: number[] = [];
      // The first of a kind may be a little farther than the row that is near.
      const reach = (this.#radius + this.#tolerance) ** 2;
      for (const first of this.#within.of(set.matrix, row, projection[row]!, reach)) {
        for (let at = this.#starts[first]!; at < this.#ends[first]!; at++) {
          const known = this.#frames[at]!;
          if (this.#seen[known] === look) continue;
          this.#seen[known] = look;
          if (possible === undefined && offsets[known + 1]! - offsets[known]! === end - start) met.push(known);
        }
      }
      possible = possible === undefined ? met : possible.filter((known) => this.#seen[known] === look);
      if (possible.length === 0) return undefined;
    }
    for (const known of possible?.sort((a, b) => a - b) ?? []) {
      const there = await this.#covers(set.matrix, start, this.#known.matrix, offsets[known]!, end - start, breathe);
      if (there && (await this.#covers(this.#known.matrix, offsets[known]!, set.matrix, start, end - start, breathe))) {
        return known;
      }
    }
    return undefined;
  }

  /** Whether each of `count` rows of x has one of `count` rows of y within the radius. */
  async #covers(x: Matrix, xStart: number, y: Matrix, yStart: number, count: number, breathe: Breathe) {
    const { columns } = x;
    const limit = this.#radius ** 2;
    for (let i = 0; i < count; i++) {
      await breathe();
      let found = false;
      // A copy has its rows in the same order, so the one at the same place is asked first.
      for (let k = 0; k < count && !found; k++) {
        const j = (i + k) % count;
        found =
          squaredDistance(x.data, (xStart + i) * columns, y.data, (yStart + j) * columns, columns, limit) <= limit;
      }
      if (!found) return false;
    }
    return true;
  }
}
