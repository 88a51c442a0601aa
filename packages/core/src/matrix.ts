import { SurprisalError } from './surprisal-error.ts';

/**
 * A dense row-major matrix in float64 or float32: one environment per row, one component of its descriptor per column.
 *
 * Its storage decides the precision of what is computed from it. The buffer may be an ArrayBuffer (asynchronous native
 * calls copy it before they return) or a SharedArrayBuffer (they read it in place).
 */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** (rows×columns) row-major. */
  readonly data: Float64Array | Float32Array;
}

/**
 * A matrix over an existing array (borrowed, not copied).
 *
 * @throws {SurprisalError} DIMENSION_MISMATCH if the array has not rows×columns numbers
 *
 * @example
 * const x = createMatrix(2, 3, Float64Array.of(1, 2, 3, 4, 5, 6));
 */
export function createMatrix(rows: number, columns: number, data: Float64Array | Float32Array): Matrix {
  if (
    !Number.isInteger(rows) ||
    !Number.isInteger(columns) ||
    rows < 0 ||
    columns < 1 ||
    data.length !== rows * columns
  ) {
    throw new SurprisalError('DIMENSION_MISMATCH', `${data.length} numbers do not make a ${rows}×${columns} matrix`, {
      details: { rows, columns, length: data.length },
    });
  }
  return { rows, columns, data };
}

/** Rows `start` to `end` (exclusive) of a matrix: a view on the same buffer, not a copy. */
export function matrixRows(matrix: Matrix, start: number, end: number): Matrix {
  const { columns, data } = matrix;
  return createMatrix(end - start, columns, data.subarray(start * columns, end * columns));
}

/**
 * Some rows of a matrix, in the order in which they are named, copied into a matrix of their own.
 *
 * @throws {SurprisalError} DIMENSION_MISMATCH if there is no such row
 *
 * @example
 * selectRows(createMatrix(3, 1, Float64Array.of(5, 6, 7)), [2, 0]).data; // Float64Array [ 7, 5 ]
 */
export function selectRows(matrix: Matrix, rows: ArrayLike<number>): Matrix {
  const { columns, data } = matrix;
  const bytes = rows.length * columns * data.BYTES_PER_ELEMENT;
  const selected =
    data instanceof Float64Array ? new Float64Array(sharedBuffer(bytes)) : new Float32Array(sharedBuffer(bytes));
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    if (!(Number.isInteger(row) && row >= 0 && row < matrix.rows)) {
      throw new SurprisalError('DIMENSION_MISMATCH', `there is no row ${row} in a matrix of ${matrix.rows} rows`);
    }
    selected.set(data.subarray(row * columns, (row + 1) * columns), i * columns);
  }
  return createMatrix(rows.length, columns, selected);
}

/**
 * Matrices of one width below one another, copied into one.
 *
 * @throws {SurprisalError} DIMENSION_MISMATCH if their columns or their precision differ
 */
export function stackMatrices(matrices: readonly Matrix[]): Matrix {
  const first = matrices[0];
  if (first === undefined) throw new SurprisalError('EMPTY_INPUT', 'no matrix to stack');
  if (matrices.length === 1) return first;
  const rows = matrices.reduce((sum, matrix) => sum + matrix.rows, 0);
  const kind: Float64ArrayConstructor | Float32ArrayConstructor =
    first.data instanceof Float64Array ? Float64Array : Float32Array;
  const buffer = sharedBuffer(rows * first.columns * kind.BYTES_PER_ELEMENT);
  const data = kind === Float64Array ? new Float64Array(buffer) : new Float32Array(buffer);
  let at = 0;
  for (const matrix of matrices) {
    if (matrix.columns !== first.columns || !(matrix.data instanceof kind)) {
      throw new SurprisalError(
        'DIMENSION_MISMATCH',
        `a matrix of ${matrix.columns} columns does not stack on one of ${first.columns} in the same precision`,
      );
    }
    data.set(matrix.data, at);
    at += matrix.data.length;
  }
  return createMatrix(rows, first.columns, data);
}

/**
 * A buffer that native code can use in place while JavaScript goes on: shared where the platform has shared memory,
 * an ordinary one elsewhere (a browser without cross-origin isolation).
 */
export function sharedBuffer(bytes: number): ArrayBuffer | SharedArrayBuffer {
  return typeof SharedArrayBuffer === 'undefined' ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes);
}
