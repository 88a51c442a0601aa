import { createMatrix, type Matrix, ParseError, SurprisalError, sharedBuffer } from '@surprisal/core';

/** Storage of the numbers in an array. */
export type NpyPrecision = 'f8' | 'f4';

/** What the header of a `.npy` file says. */
export interface NpyHeader {
  readonly precision: NpyPrecision;
  readonly littleEndian: boolean;
  /** Fortran order: the first index varies fastest. */
  readonly columnsFirst: boolean;
  readonly shape: readonly number[];
  /** Bytes before the first number. */
  readonly offset: number;
}

/** How a matrix is written. */
export interface FormatNpyOptions {
  /** Write a matrix of one column as an array of one dimension. Default false. */
  readonly vector?: boolean | undefined;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** Longest header that is believed; NumPy itself stops at 10,000 characters. */
const LONGEST_HEADER = 65536;
/** Bytes that say how long the header is. */
const PREAMBLE = 12;
const ALIGNMENT = 64;
/** Rows that are put in order at a time: enough of them to go through a column, few enough to stay in the cache. */
const ARRANGED_ROWS = 1024;
/** Characters of the name of a type that are repeated. */
const LONGEST_TYPE = 20;
const DTYPE = /^([<>])(f[48])$/;

/** Bytes that must be at hand before {@link parseNpyHeader} can say more than {@link npyHeaderLength}. */
export const NPY_PREAMBLE_BYTES: number = PREAMBLE;

/**
 * Bytes before the first number, as the first {@link NPY_PREAMBLE_BYTES} say it.
 *
 * @throws {SurprisalError} PARSE_ERROR if they are not the beginning of a `.npy` file, or the header is too long to believe
 */
export function npyHeaderLength(preamble: Uint8Array, file: string): number {
  const refuse = (problem: string) => new ParseError({ file }, problem);
  if (preamble.length === 0) throw refuse('this is not a NumPy array: the file is empty');
  if (preamble.length < PREAMBLE || !MAGIC.every((byte, at) => preamble[at] === byte)) {
    throw refuse('this is not a NumPy array: the bytes \\x93NUMPY at the beginning are missing');
  }
  const view = new DataView(preamble.buffer, preamble.byteOffset, preamble.byteLength);
  const version = view.getUint8(6);
  if (version < 1 || version > 3) throw refuse(`NumPy format version ${version} is not known; 1, 2 and 3 are`);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > LONGEST_HEADER)
    throw refuse(`a header of ${length} bytes is not believed; ${LONGEST_HEADER} are the most`);
  const offset = (version === 1 ? 10 : 12) + length;
  if (offset < PREAMBLE) throw refuse('the header of the NumPy array is empty');
  return offset;
}

/**
 * Reads the header of a `.npy` file.
 *
 * @param head  at least as many bytes as {@link npyHeaderLength} says
 * @throws {SurprisalError} PARSE_ERROR if it is damaged; UNSUPPORTED for other numbers than float64 and float32, with the
 *   line of Python that converts them
 */
export function parseNpyHeader(head: Uint8Array, file: string): NpyHeader {
  const offset = npyHeaderLength(head, file);
  if (head.length < offset) throw new ParseError({ file }, `the file ends in the header of the NumPy array`);
  const dictionary = String.fromCharCode(...head.subarray(head[6] === 1 ? 10 : 12, offset)).trim();
  const damaged = (what: string) => new ParseError({ file, text: dictionary }, `the header of the NumPy array ${what}`);
  if (!dictionary.startsWith('{') || !dictionary.endsWith('}')) throw damaged('is no Python dictionary');
  const dtype = /['"]descr['"]\s*:\s*(?:'([^']*)'|"([^"]*)"|(\[))/.exec(dictionary);
  const order = /['"]fortran_order['"]\s*:\s*(True|False)\b/.exec(dictionary)?.[1];
  const shapeText = /['"]shape['"]\s*:\s*\(([\d\s,L]*)\)/.exec(dictionary)?.[1];
  if (dtype === null || order === undefined || shapeText === undefined) {
    throw damaged("does not give 'descr', 'fortran_order' and 'shape'");
  }
  const shape = shapeText
    .split(',')
    .map((part) => part.trim().replace(/L$/, ''))
    .filter((part) => part !== '')
    .map(Number);
  if (!shape.every(Number.isSafeInteger)) throw damaged('gives a shape that is not made of whole numbers');
  const name = dtype[1] || dtype[2] || 'a structured type';
  const [, byteOrder, precision] = DTYPE.exec(name) ?? [];
  if (precision !== 'f8' && precision !== 'f4') {
    throw new SurprisalError(
      'UNSUPPORTED',
      `${file}: the numbers are of type ${name.slice(0, LONGEST_TYPE)}; float64 (<f8) and float32 (<f4) are read. ` +
        `In Python: numpy.save('new.npy', x.astype('<f8'))`,
      { details: { file, dtype: name } },
    );
  }
  return { precision, littleEndian: byteOrder === '<', columnsFirst: order === 'True', shape, offset };
}

/** Says where the numbers are not stored as {@link formatNpy} stores them; they are read all the same. */
export function warnOfNpyOrder(
  { littleEndian, columnsFirst }: NpyHeader,
  file: string,
  onWarning: WarningListener,
): void {
  const odd = [
    ...(littleEndian ? [] : ['big-endian']),
    ...(columnsFirst ? ['in Fortran order, column by column'] : []),
  ];
  if (odd.length > 0) onWarning?.(`${file}: the numbers are stored ${odd.join(' and ')}; they are put in order`);
}

type WarningListener = ((message: string) => void) | undefined;

/** Bytes of the numbers that a header announces; infinite where they are too many to count. */
export function npyDataBytes(header: NpyHeader): number {
  const bytes = header.shape.reduce((product, length) => product * length, header.precision === 'f8' ? 8 : 4);
  return Number.isSafeInteger(bytes) ? bytes : Number.POSITIVE_INFINITY;
}

/** A matrix that is being read. */
export interface NpyTarget {
  readonly matrix: Matrix;
  /** To be filled with the numbers as they are stored. */
  readonly bytes: Uint8Array;
  /** Once the bytes are there: brings some rows of the matrix into our order, where it is not that of the file. */
  arrange(start: number, end: number): void;
}

/**
 * Rows and columns of the matrix that a header announces.
 *
 * @param available  bytes that are there for the numbers
 * @throws {SurprisalError} PARSE_ERROR if they are not what the header announces; UNSUPPORTED if the array has not two
 *   dimensions
 */
export function npyMatrixShape(
  header: NpyHeader,
  available: number,
  file: string,
): { readonly rows: number; readonly columns: number } {
  const { shape, precision } = header;
  const shapeText = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
  const [rows, columns] = shape;
  if (rows === undefined || columns === undefined || shape.length !== 2 || columns < 1) {
    throw new SurprisalError(
      'UNSUPPORTED',
      `${file}: the array has the shape ${shapeText}; a matrix has two dimensions, environments × components. ` +
        `In Python: x.reshape(len(x), -1)`,
      { details: { file, shape } },
    );
  }
  const expected = npyDataBytes(header);
  if (expected !== available) {
    throw new ParseError(
      { file },
      `an array of the shape ${shapeText} in ${precision === 'f8' ? 'float64' : 'float32'} takes ${expected} bytes; ` +
        `${available} are there`,
    );
  }
  return { rows, columns };
}

/**
 * The matrix of a header, still empty, and the bytes to be filled.
 *
 * @param available  bytes that are there for the numbers; nothing is allocated unless they are what the header announces
 * @throws {SurprisalError} as {@link npyMatrixShape}; OUT_OF_MEMORY
 */
export function allocateNpy(header: NpyHeader, available: number, file: string): NpyTarget {
  const { rows, columns } = npyMatrixShape(header, available, file);
  const { precision } = header;
  const expected = npyDataBytes(header);
  let buffer: ArrayBufferLike;
  let stored: ArrayBufferLike;
  try {
    buffer = sharedBuffer(expected);
    // Rows of swapped bytes are put in order where they lie; columns need a place of their own to be read from.
    stored = header.columnsFirst ? new ArrayBuffer(expected) : buffer;
  } catch (cause) {
    throw new SurprisalError('OUT_OF_MEMORY', `${file}: no memory for ${expected} bytes`, { cause });
  }
  const data = precision === 'f8' ? new Float64Array(buffer) : new Float32Array(buffer);
  return {
    matrix: createMatrix(rows, columns, data),
    bytes: new Uint8Array(stored),
    arrange: arrangement(header, rows, columns, data, new DataView(stored)),
  };
}

function arrangement(
  { precision, littleEndian, columnsFirst }: NpyHeader,
  rows: number,
  columns: number,
  data: Float64Array | Float32Array,
  stored: DataView,
): NpyTarget['arrange'] {
  if (littleEndian && !columnsFirst) return () => {};
  const [toNextRow, toNextColumn] = columnsFirst ? [1, rows] : [columns, 1];
  const number =
    precision === 'f8'
      ? (place: number) => stored.getFloat64(8 * place, littleEndian)
      : (place: number) => stored.getFloat32(4 * place, littleEndian);
  return (start, end) => {
    for (let column = 0; column < columns; column++) {
      for (let row = start; row < end; row++) {
        data[row * columns + column] = number(row * toNextRow + column * toNextColumn);
      }
    }
  };
}

/** Brings a matrix whose bytes are there into order, and lets others have a turn meanwhile. */
export async function arrangeNpy(
  { matrix: { rows }, arrange }: NpyTarget,
  breathe: (done: number) => Promise<void> | undefined,
): Promise<void> {
  for (let row = 0; row < rows; row += ARRANGED_ROWS) {
    arrange(row, Math.min(rows, row + ARRANGED_ROWS));
    await breathe(row);
  }
}

/**
 * The matrix in the bytes of a `.npy` file (copied).
 *
 * @param bytes  the whole file
 * @param file  its name, for errors
 * @returns float64 or float32, as stored
 * @throws {SurprisalError} PARSE_ERROR if the file is damaged; UNSUPPORTED for other types and dimensions
 *
 * @example
 * const x = parseNpy(new Uint8Array(await response.arrayBuffer()), 'x.npy');
 */
export function parseNpy(bytes: Uint8Array, file = '<input>'): Matrix {
  const header = parseNpyHeader(bytes, file);
  const target = allocateNpy(header, bytes.length - header.offset, file);
  target.bytes.set(bytes.subarray(header.offset));
  target.arrange(0, target.matrix.rows);
  return target.matrix;
}

/**
 * A `.npy` file in two pieces: its header, and the numbers of the matrix (borrowed, not copied).
 *
 * @throws {SurprisalError} INVALID_ARGUMENT if a vector is asked for and the matrix has several columns
 *
 * @example
 * const file = new Blob([...formatNpy(x)]);
 */
export function* formatNpy(matrix: Matrix, options: FormatNpyOptions = {}): Generator<Uint8Array, void> {
  const { rows, columns, data } = matrix;
  if (options.vector && columns !== 1) {
    throw new SurprisalError('INVALID_ARGUMENT', `a matrix of ${columns} columns is no vector`);
  }
  const dtype = data instanceof Float64Array ? '<f8' : '<f4';
  yield npyHeader(dtype, options.vector ? `(${rows},)` : `(${rows}, ${columns})`);
  yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** The head of a `.npy` file of float64 numbers, little-endian and row by row. */
export function formatNpyHeader(shape: readonly number[]): Uint8Array {
  return npyHeader('<f8', `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`);
}

/**
 * A `.npy` file of words, one dimension, as numpy.save writes an array of `str`, in pieces. Every word takes the room of the longest.
 */
export function* formatNpyWords(words: readonly string[]): Generator<Uint8Array, void> {
  const points = words.map((word) => Array.from(word, (character) => character.codePointAt(0) as number));
  const width = points.reduce((most, { length }) => Math.max(most, length), 1);
  yield npyHeader(`<U${width}`, `(${words.length},)`);
  const data = new DataView(new ArrayBuffer(4 * width * words.length));
  points.forEach((word, i) => {
    word.forEach((point, at) => {
      data.setUint32(4 * (width * i + at), point, true);
    });
  });
  yield new Uint8Array(data.buffer);
}

function npyHeader(dtype: string, shape: string): Uint8Array {
  const dictionary = `{'descr': '${dtype}', 'fortran_order': False, 'shape': ${shape}, }`;
  // Format 1.0: ten bytes, then the dictionary, padded so that the numbers begin at a multiple of 64.
  const length = Math.ceil((10 + dictionary.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = new Uint8Array(length).fill(0x20);
  header.set([...MAGIC, 1, 0, (length - 10) & 0xff, (length - 10) >> 8]);
  for (let at = 0; at < dictionary.length; at++) header[10 + at] = dictionary.charCodeAt(at);
  header[length - 1] = 0x0a;
  return header;
}
