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
import { type InputPath, isMatrixFile, readMatrix } from '@surprisal/io/node';
import { nearestNeighbors } from '@surprisal/neighbors';
import { formatCount } from './format-number.ts';
import { GroupLabels, type Groups } from './group-labels.ts';
import { MATTER_RADIUS, MatterSurvey } from './matter-survey.ts';
import type { InputSummary } from './result-document.ts';
import type { Run } from './run.ts';
import { matrixOptions, structuresOf } from './structure-files.ts';

/** What came out of a list of files. */
export interface Environments {
  /** (environments×d), in the order of the files, frames and atoms. */
  readonly matrix: Matrix;
  readonly inputs: readonly InputSummary[];
  /** For each input the environments of each of its frames; null where it is a matrix. */
  readonly frames: readonly (readonly number[] | null)[];
  /** By the label of `--group-by`; null where none was given. */
  readonly groups: Groups | null;
  /** What the volume of the matter is, where a bandwidth is to be found from it. */
  readonly matter: MatterSurvey;
}

/** Structures wait until they have this many atoms together: enough work for all cores, little memory. */
export const BATCH_ATOMS = 16_384;

/** How files become environments. */
export interface ReadEnvironmentsOptions {
  readonly descriptor: Descriptor;
  /** The matrix that these environments will be compared with, and what to call it. */
  readonly alike?: { readonly columns: number; readonly origin: string } | undefined;
  /** Whether to find out how the atoms fill their cells. Default: where the bandwidth is to be found in the data. */
  readonly surveyMatter?: boolean | undefined;
  /** What was found out so far of other files, to go on from there. */
  readonly matter?: MatterSurvey | undefined;
  /** Whether what has no label of `--group-by` at all makes one group, as a reference set can. Default false. */
  readonly labelsOptional?: boolean | undefined;
}

/**
 * Files as one matrix: structures stream through the descriptor a bounded batch at a time, matrices join as they are.
 *
 * @throws {SurprisalError} DIMENSION_MISMATCH if widths differ, EMPTY_INPUT if nothing comes out, INVALID_ARGUMENT if a
 *   matrix holds what is not a finite number; whatever reading and describing throw
 */
export async function readEnvironments(
  files: readonly InputPath[],
  run: Run,
  options: ReadEnvironmentsOptions,
): Promise<Environments> {
  const stack = new EnvironmentStack(run, options);
  const { groupBy } = run.options;
  const labels = groupBy === undefined ? undefined : new GroupLabels(groupBy, { optional: options.labelsOptional });
  const inputs: InputSummary[] = [];
  const frames: (readonly number[] | null)[] = [];
  for (const file of files) {
    const { path, text } = file;
    if (await isMatrixFile(path)) {
      const matrix = await run.stopwatch.time('read', () => readMatrix(path, matrixOptions(run)));
      await stack.addMatrix(matrix, path);
      labels?.addMatrix(matrix.rows, path);
      inputs.push({ path: text, frames: null, environments: matrix.rows });
      frames.push(null);
    } else {
      const atoms: number[] = [];
      for await (const structure of structuresOf(file, run, {
        onWarning: run.warnOfInput,
        onProgress: stack.onReading,
      })) {
        atoms.push(atomCount(structure));
        labels?.addStructure(structure, path);
        await stack.addStructure(structure, path, atoms.length);
      }
      inputs.push({ path: text, frames: atoms.length, environments: atoms.reduce((sum, count) => sum + count, 0) });
      frames.push(atoms);
    }
  }
  const matrix = await stack.finish();
  if (matrix === undefined) {
    throw noEnvironment(files, inputs);
  }
  return { matrix, inputs, frames, groups: labels?.groups(run.warn) ?? null, matter: stack.matter };
}

function noEnvironment(files: readonly InputPath[], inputs: readonly InputSummary[]): SurprisalError {
  const names = files.map(({ text }) => text).join(', ');
  const why = inputs.every(({ frames }) => frames === 0)
    ? 'no frame was selected'
    : inputs.every(({ frames }) => frames === null)
      ? 'a matrix without rows'
      : 'the frames that were read hold no atoms';
  return new SurprisalError('EMPTY_INPUT', `${names}: no environment is left to look at: ${why}`);
}

/**
 * Where the environments of each frame begin, over all inputs, and behind the last where they end.
 *
 * @returns (frames + 1); undefined where an input is a matrix, which knows no frames
 */
export function frameOffsets({ frames }: Pick<Environments, 'frames'>): Uint32Array | undefined {
  const counts: number[] = [];
  for (const input of frames) {
    if (input === null) return undefined;
    counts.push(...input);
  }
  const offsets = new Uint32Array(counts.length + 1);
  counts.forEach((count, i) => {
    offsets[i + 1] = (offsets[i] as number) + count;
  });
  return offsets;
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
  readonly #surveysMatter: boolean;
  readonly matter: MatterSurvey;

  /** Takes how far the reading of a file is. */
  readonly onReading = (progress: Progress): void => {
    this.#reading = progress;
    this.#run.report(progress);
  };

  constructor(run: Run, { descriptor, alike, surveyMatter, matter }: ReadEnvironmentsOptions) {
    const { bandwidth } = run.options;
    this.#run = run;
    this.#descriptor = descriptor;
    this.#width = alike;
    this.#surveysMatter = surveyMatter ?? (bandwidth !== undefined && 'rule' in bandwidth);
    this.matter = matter ?? new MatterSurvey();
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
    if (this.#surveysMatter) await this.#survey(structures);
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
    this.#add(matrix, `${first.path} (${nameWithParameters(this.#descriptor)})`);
  }

  /** How the atoms fill their cells, for the rules by volume. */
  async #survey(structures: readonly Structure[]): Promise<void> {
    const { context, stopwatch } = this.#run;
    const { counts } = await stopwatch.time('descriptors', () =>
      nearestNeighbors(structures, { ...context, onProgress: undefined, k: 1, cutoff: MATTER_RADIUS }).catch(
        (error) => {
          throw this.#located(error);
        },
      ),
    );
    for (const structure of structures) this.matter.addStructure(structure);
    this.matter.addNeighbors(counts);
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

function nameWithParameters({ name, parameters }: Descriptor): string {
  const words = Object.entries(parameters).map(([key, value]) => `${key} = ${value}`);
  return [name, ...words].join(', ');
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
