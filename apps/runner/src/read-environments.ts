import {
  atomCount,
  createMatrix,
  type Descriptor,
  type Matrix,
  type Precision,
  type Progress,
  type Structure,
  SurprisalError,
  sharedBuffer,
  stackMatrices,
} from '@surprisal/core';
import { quests } from '@surprisal/descriptors';
import { isMatrixFile, readMatrix } from '@surprisal/io/node';
import { formatCount } from './format-number.ts';
import type { CommandOptions } from './option-values.ts';
import type { InputSummary, Parameters } from './result-document.ts';
import type { Run } from './run.ts';
import { structuresOf } from './structure-files.ts';
import { UsageError } from './usage-error.ts';

/** What came out of a list of files. */
export interface Environments {
  /** (environments×d), in the order of the files, frames and atoms. */
  readonly matrix: Matrix;
  readonly inputs: readonly InputSummary[];
  /** For each input the environments of each of its frames; null where it is a matrix. */
  readonly frames: readonly (readonly number[] | null)[];
}

/** Structures wait until they have this many atoms together: enough work for all cores, little memory. */
export const BATCH_ATOMS = 16_384;

/**
 * The descriptor that the options ask for.
 *
 * @throws {UsageError} if it cannot be
 */
export function descriptorOf({ k, cutoff, tieTolerance }: CommandOptions): Descriptor {
  try {
    return quests({ k, cutoff, tieTolerance });
  } catch (error) {
    if (error instanceof SurprisalError) throw new UsageError(error.message);
    throw error;
  }
}

/** The parameters on which the environments of some inputs depend. */
export function parametersOf(inputs: readonly InputSummary[], options: CommandOptions): Parameters {
  const described = inputs.some(({ frames }) => frames !== null);
  const { k, cutoff, tieTolerance, precision } = options;
  return {
    descriptor: described ? descriptorOf(options).name : null,
    k: described ? k : null,
    cutoff: described ? cutoff : null,
    tieTolerance: described ? tieTolerance : null,
    precision,
    frames: described ? (options.frames?.text ?? null) : null,
  };
}

/**
 * Files as one matrix: structures stream through the descriptor a bounded batch at a time, matrices join as they are.
 *
 * @param alike  the matrix that these environments will be compared with, and what to call it
 * @throws {SurprisalError} DIMENSION_MISMATCH if widths differ, EMPTY_INPUT if nothing comes out, INVALID_ARGUMENT if a
 *   matrix holds what is not a finite number; whatever reading and describing throw
 */
export async function readEnvironments(
  paths: readonly string[],
  run: Run,
  alike?: { readonly columns: number; readonly origin: string },
): Promise<Environments> {
  const stack = new EnvironmentStack(run, alike);
  const inputs: InputSummary[] = [];
  const frames: (readonly number[] | null)[] = [];
  for (const path of paths) {
    if (await isMatrixFile(path)) {
      const matrix = await run.stopwatch.time('read', () =>
        readMatrix(path, { array: run.options.array, signal: run.signal }),
      );
      await stack.addMatrix(matrix, path);
      inputs.push({ path, frames: null, environments: matrix.rows });
      frames.push(null);
    } else {
      const atoms: number[] = [];
      for await (const structure of structuresOf(path, run, { onWarning: run.warn, onProgress: stack.onReading })) {
        atoms.push(atomCount(structure));
        await stack.addStructure(structure, path, atoms.length);
      }
      inputs.push({ path, frames: atoms.length, environments: atoms.reduce((sum, count) => sum + count, 0) });
      frames.push(atoms);
    }
  }
  const matrix = await stack.finish();
  if (matrix === undefined) {
    throw new SurprisalError('EMPTY_INPUT', `${paths.join(', ')}: no environment is left to look at`);
  }
  return { matrix, inputs, frames };
}

/** Environments below one another, as they come in. */
class EnvironmentStack {
  readonly #run: Run;
  readonly #descriptor: Descriptor;
  readonly #parts: Matrix[] = [];
  #rows = 0;
  #waiting: { readonly structure: Structure; readonly path: string; readonly number: number }[] = [];
  #waitingAtoms = 0;
  /** What settled the width. */
  #width: { readonly columns: number; readonly origin: string } | undefined;
  #reading: Progress | undefined;

  /** Takes how far the reading of a file is. */
  readonly onReading = (progress: Progress): void => {
    this.#reading = progress;
    this.#run.report(progress);
  };

  constructor(run: Run, width: { readonly columns: number; readonly origin: string } | undefined) {
    this.#run = run;
    this.#descriptor = descriptorOf(run.options);
    this.#width = width;
  }

  /** @param number  place among the frames that were read of its file, from 1 */
  async addStructure(structure: Structure, path: string, number: number): Promise<void> {
    this.#waiting.push({ structure, path, number });
    this.#waitingAtoms += atomCount(structure);
    if (this.#waitingAtoms >= BATCH_ATOMS) await this.#describe();
  }

  async addMatrix(matrix: Matrix, path: string): Promise<void> {
    await this.#describe();
    checkFinite(matrix, path);
    this.#add(inPrecision(matrix, this.#run.options.precision), path);
  }

  /** @returns undefined where there are no rows */
  async finish(): Promise<Matrix | undefined> {
    await this.#describe(true);
    return this.#rows === 0 ? undefined : stackMatrices(this.#parts);
  }

  async #describe(isLast = false): Promise<void> {
    const [first] = this.#waiting;
    if (first === undefined) return;
    const { context, options, report, stopwatch } = this.#run;
    const structures = this.#waiting.map(({ structure }) => structure);
    const matrix = await stopwatch.time('descriptors', () =>
      this.#descriptor
        .compute(structures, {
          ...context,
          precision: options.precision,
          // How far the file has been read says more about the whole than how far this one of many batches is.
          onProgress: (progress) => report(isLast || this.#reading === undefined ? progress : this.#reading),
        })
        .catch((error) => {
          throw this.#located(error);
        }),
    );
    this.#waiting = [];
    this.#waitingAtoms = 0;
    this.#add(matrix, `${first.path} (${this.#descriptor.name}, k = ${options.k})`);
  }

  #add(matrix: Matrix, origin: string): void {
    this.#width ??= { columns: matrix.columns, origin };
    if (matrix.columns !== this.#width.columns) {
      throw new SurprisalError(
        'DIMENSION_MISMATCH',
        `${origin}: an environment has ${matrix.columns} numbers, but ${this.#width.columns} in ${this.#width.origin}; make both with the same descriptor`,
      );
    }
    if (matrix.rows > 0) this.#parts.push(matrix);
    this.#rows += matrix.rows;
  }

  /** An error over one of the structures that waited, with the file and the frame instead of its place among them. */
  #located(error: unknown): unknown {
    if (!(error instanceof SurprisalError)) return error;
    return locateFrame(error, this.#waiting);
  }
}

/**
 * An error about `structure 3` of a batch as one about its file and frame.
 *
 * @param frames  the batch
 */
export function locateFrame(
  error: SurprisalError,
  frames: readonly { readonly path: string; readonly number: number }[],
): SurprisalError {
  const place = error.details['structure'];
  const frame = typeof place === 'number' ? frames[place] : undefined;
  if (frame === undefined) return error;
  const message = error.message.replace(/^structure \d+: /, '').replace(/ of structure \d+/, '');
  return new SurprisalError(error.code, `${frame.path}: frame ${formatCount(frame.number)} of those read: ${message}`, {
    details: { ...error.details, file: frame.path, frame: frame.number - 1 },
    cause: error,
  });
}

function checkFinite({ data, columns }: Matrix, path: string): void {
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    throw new SurprisalError(
      'INVALID_ARGUMENT',
      `${path}: row ${Math.floor(i / columns) + 1}, column ${(i % columns) + 1} holds ${data[i]}; descriptors are finite numbers`,
    );
  }
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
