import { atomCount, type Matrix, type Progress, type Structure, SurprisalError, stackMatrices } from '@surprisal/core';
import { type InputPath, isMatrixFile, readMatrix } from '@surprisal/io/node';
import {
  checkedRows,
  checkWidth,
  type Description,
  describedOrigin,
  describeStructures,
  type PlacedStructure,
  surveyMatter,
  type Width,
} from './describe-structures.ts';
import { GroupLabels, type Groups } from './group-labels.ts';
import { MatterSurvey } from './matter-survey.ts';
import type { InputSummary } from './result-document.ts';
import type { Run } from './run.ts';
import { columnsToDescribe, matrixOptions, structuresOf } from './structure-files.ts';

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
export interface ReadEnvironmentsOptions extends Description {
  /** The matrix that these environments will be compared with, and what to call it. */
  readonly alike?: Width | undefined;
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
        columns: labels === undefined ? columnsToDescribe(run) : undefined,
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

/** The error where nothing came out of files. */
export function noEnvironment(files: readonly InputPath[], inputs: readonly InputSummary[]): SurprisalError {
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
  readonly #description: Description;
  readonly #parts: Matrix[] = [];
  #rows = 0;
  #waiting: PlacedStructure[] = [];
  #waitingAtoms = 0;
  /** What settled the width. */
  #width: Width | undefined;
  #reading: Progress | undefined;
  readonly #surveysMatter: boolean;
  readonly matter: MatterSurvey;

  /** Takes how far the reading of a file is. */
  readonly onReading = (progress: Progress): void => {
    this.#reading = progress;
    this.#run.report(progress);
  };

  constructor(run: Run, { descriptor, precision, alike, surveyMatter, matter }: ReadEnvironmentsOptions) {
    const { bandwidth } = run.options;
    this.#run = run;
    this.#description = { descriptor, precision };
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
    this.#add(checkedRows(matrix, path, this.#description.precision), path);
  }

  /** @returns undefined where there are no rows */
  async finish(): Promise<Matrix | undefined> {
    await this.#describe(true);
    return this.#rows === 0 ? undefined : stackMatrices(this.#parts);
  }

  async #describe(isLast = false): Promise<void> {
    const [first] = this.#waiting;
    if (first === undefined) return;
    const { report } = this.#run;
    if (this.#surveysMatter) await surveyMatter(this.#run, this.#waiting, this.matter);
    // How far the file has been read says more about the whole than how far this one of many batches is.
    const matrix = await describeStructures(this.#run, this.#description, this.#waiting, (progress) =>
      report(isLast || this.#reading === undefined ? progress : this.#reading),
    );
    this.#waiting = [];
    this.#waitingAtoms = 0;
    this.#add(matrix, describedOrigin(first.path, this.#description.descriptor));
  }

  #add(matrix: Matrix, origin: string): void {
    this.#width ??= { columns: matrix.columns, origin };
    checkWidth(matrix, origin, this.#width);
    if (matrix.rows > 0) this.#parts.push(matrix);
    this.#rows += matrix.rows;
  }
}
