import { createMatrix, type Matrix } from '@surprisal/core';

/** A matrix in float64; itself, where it is. */
export function inFloat64(matrix: Matrix): Matrix {
  if (matrix.data instanceof Float64Array) return matrix;
  return createMatrix(matrix.rows, matrix.columns, Float64Array.from(matrix.data));
}
