import {
  atomCount,
  createMatrix,
  type Matrix,
  type Precision,
  type Structure,
  SurprisalError,
  sharedBuffer,
} from '@surprisal/core';

/**
 * A matrix of zeros for the rows of all atoms, where native code can write them in place.
 *
 * @throws {SurprisalError} INVALID_ARGUMENT if the precision is neither f64 nor f32
 */
export function descriptorMatrix(
  structures: readonly Structure[],
  columns: number,
  precision: Precision = 'f64',
): Matrix {
  const rows = structures.reduce((sum, structure) => sum + atomCount(structure), 0);
  return matrixOf(rows, columns, precision);
}

/**
 * A matrix of zeros, where native code can write it in place.
 *
 * @throws {SurprisalError} INVALID_ARGUMENT if the precision is neither f64 nor f32
 */
export function matrixOf(rows: number, columns: number, precision: Precision = 'f64'): Matrix {
  return createMatrix(rows, columns, storage(rows * columns, precision));
}

function storage(length: number, precision: Precision): Float64Array | Float32Array {
  if (precision === 'f64') return new Float64Array(sharedBuffer(8 * length));
  if (precision === 'f32') return new Float32Array(sharedBuffer(4 * length));
  throw new SurprisalError('INVALID_ARGUMENT', `precision is "${precision}"; it must be f64 or f32`);
}
