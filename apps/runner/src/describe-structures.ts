import {
  createMatrix,
  type Descriptor,
  type Matrix,
  type Precision,
  type Progress,
  type Structure,
  SurprisalError,
  sharedBuffer,
} from '@surprisal/core';
import { nearestNeighbors } from '@surprisal/neighbors';
import { formatCount } from './format-number.ts';
import { MATTER_RADIUS, type MatterSurvey } from './matter-survey.ts';
import type { Run } from './run.ts';

/** A structure, and where it is from. */
export interface PlacedStructure {
  readonly structure: Structure;
  readonly path: string;
  /** Place among the frames that were read of its file, from 1. */
  readonly number: number;
}

/** How structures become environments. */
export interface Description {
  readonly descriptor: Descriptor;
  /** Of every environment, also those of matrix files. */
  readonly precision: Precision;
}

/** The descriptors of some structures; an error names the file and the frame. */
export function describeStructures(
  { context, stopwatch }: Run,
  { descriptor, precision }: Description,
  frames: readonly PlacedStructure[],
  onProgress?: (progress: Progress) => void,
): Promise<Matrix> {
  return stopwatch.time('descriptors', () =>
    descriptor
      .compute(
        frames.map(({ structure }) => structure),
        { ...context, precision, onProgress },
      )
      .catch((error) => {
        throw locateFrame(error, frames);
      }),
  );
}

/** How the atoms of some structures fill their cells, for the rules by volume. */
export async function surveyMatter(
  { context, stopwatch }: Run,
  frames: readonly PlacedStructure[],
  matter: MatterSurvey,
): Promise<void> {
  const structures = frames.map(({ structure }) => structure);
  const { counts } = await stopwatch.time('descriptors', () =>
    nearestNeighbors(structures, { ...context, onProgress: undefined, k: 1, cutoff: MATTER_RADIUS }).catch((error) => {
      throw locateFrame(error, frames);
    }),
  );
  for (const structure of structures) matter.addStructure(structure);
  matter.addNeighbors(counts);
}

/** How many numbers an environment has, and what settled that. */
export interface Width {
  readonly columns: number;
  readonly origin: string;
}

/** @throws {SurprisalError} DIMENSION_MISMATCH */
export function checkWidth({ columns }: Pick<Matrix, 'columns'>, origin: string, width: Width): void {
  if (columns === width.columns) return;
  throw new SurprisalError(
    'DIMENSION_MISMATCH',
    `${origin}: an environment has ${columns} numbers, but ${width.columns} in ${width.origin}; make both with the same descriptor`,
  );
}

/** What to call the origin of environments that a descriptor made. */
export function describedOrigin(path: string, descriptor: Descriptor): string {
  return `${path} (${nameWithParameters(descriptor)})`;
}

/**
 * An error about `structure 3` of a batch as one about its file and frame; any other as it is.
 *
 * @param frames  the batch
 */
export function locateFrame(
  error: unknown,
  frames: readonly { readonly path: string; readonly number: number }[],
): unknown {
  if (!(error instanceof SurprisalError)) return error;
  const place = error.details['structure'];
  const frame = typeof place === 'number' ? frames[place] : undefined;
  if (frame === undefined) return error;
  const message = error.message.replace(/^structure \d+: /, '').replace(/ of structure \d+/, '');
  return new SurprisalError(error.code, `${frame.path}: frame ${formatCount(frame.number)} of those read: ${message}`, {
    details: { ...error.details, file: frame.path, frame: frame.number - 1 },
    cause: error,
  });
}

function nameWithParameters({ name, parameters }: Descriptor): string {
  const words = Object.entries(parameters).map(([key, value]) => `${key} = ${value}`);
  return [name, ...words].join(', ');
}

/**
 * Rows of a matrix file as environments in the precision that is asked for.
 *
 * @param firstRow  how many rows of the file stand before
 * @throws {SurprisalError} INVALID_ARGUMENT if a number is not finite
 */
export function checkedRows(matrix: Matrix, path: string, precision: Precision, firstRow = 0): Matrix {
  const { data, columns } = matrix;
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    throw new SurprisalError(
      'INVALID_ARGUMENT',
      `${path}: row ${firstRow + Math.floor(i / columns) + 1}, column ${(i % columns) + 1} holds ${data[i]}; descriptors are finite numbers`,
    );
  }
  return inPrecision(matrix, precision);
}

function inPrecision(matrix: Matrix, precision: Precision): Matrix {
  const { rows, columns, data } = matrix;
  if (data instanceof Float64Array === (precision === 'f64')) return matrix;
  const converted =
    precision === 'f64'
      ? new Float64Array(sharedBuffer(8 * data.length))
      : new Float32Array(sharedBuffer(4 * data.length));
  converted.set(data);
  return createMatrix(rows, columns, converted);
}
