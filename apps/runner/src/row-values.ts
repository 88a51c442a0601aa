/** Values in a piece. */
const PIECE = 65_536;

/** Numbers by row, of which nobody knows beforehand how many there will be. */
export class RowValues {
  readonly #pieces: Float64Array[] = [];
  #rows = 0;

  get rows(): number {
    return this.#rows;
  }

  /**
   * @param start   the row of value i is `start + (offsets?.[i] ?? i)`
   */
  set(start: number, offsets: Uint32Array | null, values: Float64Array): void {
    for (let i = 0; i < values.length; i++) {
      const row = start + (offsets === null ? i : (offsets[i] as number));
      const piece = Math.floor(row / PIECE);
      while (piece >= this.#pieces.length) this.#pieces.push(new Float64Array(PIECE));
      (this.#pieces[piece] as Float64Array)[row % PIECE] = values[i] as number;
      if (row >= this.#rows) this.#rows = row + 1;
    }
  }

  /** Rows `start` to `end` (exclusive), copied. */
  slice(start: number, end: number): Float64Array {
    const values = new Float64Array(end - start);
    for (let row = start; row < end; ) {
      const offset = row % PIECE;
      const count = Math.min(PIECE - offset, end - row);
      values.set((this.#pieces[Math.floor(row / PIECE)] as Float64Array).subarray(offset, offset + count), row - start);
      row += count;
    }
    return values;
  }
}
