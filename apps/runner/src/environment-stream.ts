import { basename } from 'node:path';
import { atomCount, type Column, type InfoValue, type Matrix, type Progress, type Structure } from '@surprisal/core';
import { type InputPath, isMatrixFile, openMatrix } from '@surprisal/io/node';
import { Allowance } from './allowance.ts';
import {
  checkedRows,
  checkWidth,
  type Description,
  describedOrigin,
  describeStructures,
  locateFrame,
  type PlacedStructure,
  surveyMatter,
  type Width,
} from './describe-structures.ts';
import { formatQuantity } from './format-number.ts';
import type { GroupLabels } from './group-labels.ts';
import type { MatterSurvey } from './matter-survey.ts';
import type { MemoryBudget, Side } from './memory-budget.ts';
import type { Pipeline } from './pipeline.ts';
import type { InputSummary } from './result-document.ts';
import type { Run } from './run.ts';
import { columnsToDescribe, matrixOptions, structuresOf } from './structure-files.ts';

/** A frame of structures, or some rows of a matrix, whose environments lie side by side. */
export interface EnvironmentRun {
  /** Which of the files. */
  readonly input: number;
  /** Which of its frames, from 0; null for rows of a matrix. */
  readonly frame: number | null;
  /** The first of its rows over all inputs, and behind the last. */
  readonly start: number;
  readonly end: number;
  /** How many rows of the same frame or matrix stand before. */
  readonly before: number;
  /** Null where structures are not kept. */
  readonly structure: Structure | null;
  /** To be called when the structure is not needed any more. */
  release(): void;
}

/** Some environments of a stream. */
export interface EnvironmentChunk {
  readonly matrix: Matrix;
  /** The row, over all inputs, of row i is `start + (atoms?.[i] ?? i)`. */
  readonly start: number;
  readonly atoms: Uint32Array | null;
  /** What is complete once this chunk is, in order. */
  readonly completes: readonly EnvironmentRun[];
  /** How far the files have been read where this chunk begins and ends. */
  readonly from: number;
  readonly to: Progress;
}

/** What is read at one time, before it is described. */
interface Batch {
  readonly frames: readonly PlacedStructure[];
  readonly matrix: Matrix | null;
  readonly start: number;
  readonly rows: number;
  readonly path: string;
  readonly completes: readonly EnvironmentRun[];
  readonly from: number;
  readonly to: Progress;
}

/** How files become a stream. */
export interface EnvironmentStreamOptions extends Description {
  /** How many numbers an environment must have; default: as many as the first one has. */
  readonly width?: Width | undefined;
  /** Environments that are described and handed on together, at the most, if the descriptor can compute parts of a frame. */
  readonly chunkRows: number;
  /** Of an environment. */
  readonly rowBytes: number;
  readonly budget: MemoryBudget;
  /** Whose files they are: frames of both sides may be in memory at once. */
  readonly side: Side;
  /** Bytes of frames that may be read ahead. */
  readonly frameBytes: number;
  /** What is done with the files, for progress: `reading`. */
  readonly stage: string;
  /** Whether structures are kept until they are released. Default false. */
  readonly keepsStructures?: boolean | undefined;
  /** Takes the labels of the rows. */
  readonly labels?: GroupLabels | undefined;
  /** Takes how the atoms fill their cells. */
  readonly matter?: MatterSurvey | undefined;
  /** Asked before each chunk; where it says no, rows are counted and no longer described. */
  readonly isWanted?: (() => boolean) | undefined;
}

/** Of the neighbour search, for each atom of a frame: cells, wrapped positions, and what sorting them takes. */
const SEARCH_BYTES = 136;
/** Frames that keep all stages busy: one that is read, one whose environments are described and summed, one that is written. */
const FRAMES_AT_ONCE = 3;

/** Files as a stream of environments: one stage reads, the next describes, ahead of whoever takes the chunks. */
export class EnvironmentStream {
  readonly #files: readonly InputPath[];
  readonly #options: EnvironmentStreamOptions;
  readonly #frames: Allowance;
  #width: Width | undefined;
  /** The largest frame so far: its atoms and bytes, what is beside it while it is described, and what is claimed for both. */
  #largest: { readonly atoms: number; readonly bytes: number; readonly beside: number; readonly claimed: number };
  #rows = 0;
  /** What was read, once the stream has ended. */
  readonly inputs: InputSummary[] = [];
  /** For each input the environments of each of its frames; null where it is a matrix. */
  readonly frames: (readonly number[] | null)[] = [];

  constructor(files: readonly InputPath[], options: EnvironmentStreamOptions) {
    this.#files = files;
    this.#options = options;
    this.#frames = new Allowance(options.frameBytes);
    this.#largest = { atoms: 0, bytes: 0, beside: 0, claimed: options.frameBytes };
    this.#width = options.width;
  }

  /** Environments so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Of an environment; undefined before the first was seen. */
  get columns(): number | undefined {
    return this.#width?.columns;
  }

  /**
   * @param run  whose signal and context are those of the pipeline
   * @throws {SurprisalError} DIMENSION_MISMATCH, INVALID_ARGUMENT, OUT_OF_MEMORY if a frame is too large; whatever
   *   reading and describing throw
   */
  chunks(run: Run, { ahead }: Pipeline): AsyncGenerator<EnvironmentChunk, void> {
    return ahead(this.#described(run, ahead(this.#read(run), 1)), 1);
  }

  async *#read(run: Run): AsyncGenerator<Batch, void> {
    const { chunkRows, labels, keepsStructures = false } = this.#options;
    let frames: PlacedStructure[] = [];
    let runs: EnvironmentRun[] = [];
    let start = 0;
    let from = 0;
    let reading: Progress = { stage: '', done: 0, total: undefined, unit: 'bytes' };
    const batch = (path: string): Batch => {
      const made = { frames, matrix: null, start, rows: this.#rows - start, path, completes: runs, from, to: reading };
      frames = [];
      runs = [];
      start = this.#rows;
      from = reading.done;
      return made;
    };
    for (const [input, file] of this.#files.entries()) {
      const { path, text } = file;
      const stage = `${this.#options.stage} ${basename(path)}`;
      if (await isMatrixFile(path)) {
        if (frames.length > 0) yield batch(path);
        yield* this.#readMatrix(run, file, input, stage);
        start = this.#rows;
        continue;
      }
      const counts: number[] = [];
      from = 0;
      reading = { stage, done: 0, total: undefined, unit: 'bytes' };
      const onProgress = (progress: Progress) => {
        reading = { ...progress, stage };
      };
      const columns = labels === undefined && !keepsStructures ? columnsToDescribe(run) : undefined;
      for await (const structure of structuresOf(file, run, { columns, onWarning: run.warnOfInput, onProgress })) {
        const atoms = atomCount(structure);
        const bytes = this.#heldBytes(structure);
        // What is larger than a chunk goes through in parts, by itself.
        if (frames.length > 0 && this.#rows - start + atoms > chunkRows) yield batch(path);
        this.#claimFrame(structure, path);
        this.#frames.take(bytes);
        labels?.addStructure(structure, path);
        frames.push({ structure, path, number: counts.length + 1 });
        runs.push({
          input,
          frame: counts.length,
          start: this.#rows,
          end: this.#rows + atoms,
          before: 0,
          structure: keepsStructures ? structure : null,
          release: () => this.#frames.free(bytes),
        });
        counts.push(atoms);
        this.#rows += atoms;
        if (this.#rows - start >= chunkRows || !this.#frames.fits(bytes)) yield batch(path);
        // The next frame is expected to be like this one.
        await this.#frames.room(bytes, run.signal);
      }
      this.inputs.push({ path: text, frames: counts.length, environments: counts.reduce((sum, n) => sum + n, 0) });
      this.frames.push(counts);
    }
    if (frames.length > 0) yield batch(frames[0]?.path as string);
  }

  async *#readMatrix(run: Run, { path, text }: InputPath, input: number, stage: string): AsyncGenerator<Batch, void> {
    const { chunkRows, labels, budget, side, isWanted, precision } = this.#options;
    const file = await run.stopwatch.time('read', () => openMatrix(path, matrixOptions(run)));
    if (file.heldBytes > 0) {
      const what = `the matrix of ${path}, which cannot be read by rows`;
      budget.claim(`${side} matrix`, file.heldBytes, what, { hint: 'store it as .npy' });
    }
    this.#width ??= { columns: file.columns, origin: path };
    checkWidth(file, path, this.#width);
    labels?.addMatrix(file.rows, path);
    this.inputs.push({ path: text, frames: null, environments: file.rows });
    this.frames.push(null);
    const rowBytes = file.columns * (file.precision === 'f64' ? 8 : 4);
    const end = this.#rows + file.rows;
    const first = this.#rows;
    if (isWanted?.() !== false) {
      const blocks = file.blocks(chunkRows);
      for (;;) {
        const next = await run.stopwatch.time('read', async () => {
          const { done, value } = await blocks.next();
          return done ? undefined : checkedRows(value, path, precision, this.#rows - first);
        });
        if (next === undefined) break;
        const start = this.#rows;
        this.#rows += next.rows;
        const before = start - first;
        yield {
          frames: [],
          matrix: next,
          start,
          rows: next.rows,
          path,
          completes: [
            { input, frame: null, start, end: this.#rows, before, structure: null, release: () => undefined },
          ],
          from: before * rowBytes,
          to: { stage, done: (this.#rows - first) * rowBytes, total: file.rows * rowBytes, unit: 'bytes' },
        };
      }
    }
    this.#rows = end;
    budget.release(`${side} matrix`);
  }

  async *#described(run: Run, batches: AsyncIterable<Batch>): AsyncGenerator<EnvironmentChunk, void> {
    const { descriptor, chunkRows, matter, isWanted, keepsStructures = false } = this.#options;
    for await (const { frames, matrix, start, rows, path, completes, from, to } of batches) {
      if (matter !== undefined && frames.length > 0) await surveyMatter(run, frames, matter);
      const described = () => {
        // The frames themselves are needed no longer.
        if (!keepsStructures) for (const { release } of completes) release();
      };
      if (isWanted?.() === false) {
        described();
        continue;
      }
      const [first] = frames;
      const part = { start, completes: [], from, to };
      if (first === undefined) {
        yield { ...part, matrix: matrix as Matrix, atoms: null, completes };
      } else if (frames.length === 1 && rows > chunkRows && descriptor.computeParts !== undefined) {
        const share = (count: number) => from + ((to.done - from) * count) / rows;
        let done = 0;
        for await (const { atoms, matrix: some } of this.#parts(run, first)) {
          const [begun, ended] = [share(done), share(done + some.rows)];
          done += some.rows;
          this.#check(some, path);
          if (done === rows) described();
          yield {
            matrix: some,
            start,
            atoms,
            completes: done === rows ? completes : [],
            from: begun,
            to: { ...to, done: ended },
          };
        }
      } else {
        const whole = await describeStructures(run, this.#options, frames);
        this.#check(whole, path);
        described();
        yield { ...part, matrix: whole, atoms: null, completes };
      }
    }
  }

  async *#parts(run: Run, placed: PlacedStructure) {
    const { descriptor, chunkRows, precision } = this.#options;
    const context = { ...run.context, precision, onProgress: undefined };
    const atoms = atomCount(placed.structure);
    // Alike, so that even the last one keeps kernels busy while the next frame is begun.
    const rows = Math.ceil(atoms / Math.ceil(atoms / chunkRows));
    const parts = descriptor.computeParts?.(placed.structure, rows, context);
    if (parts === undefined) return;
    try {
      for (;;) {
        const next = await run.stopwatch.time('descriptors', () => parts.next());
        if (next.done) return;
        yield next.value;
      }
    } catch (error) {
      throw locateFrame(error, [placed]);
    } finally {
      await parts.return(undefined);
    }
  }

  #check(matrix: Matrix, path: string): void {
    const origin = describedOrigin(path, this.#options.descriptor);
    this.#width ??= { columns: matrix.columns, origin };
    checkWidth(matrix, origin, this.#width);
  }

  /** Bytes of a frame that waits or is described: those of a chunk are described together, a larger one alone. */
  #heldBytes(structure: Structure): number {
    const atoms = atomCount(structure);
    return bytesOf(structure) + (atoms > this.#options.chunkRows ? 0 : SEARCH_BYTES * atoms);
  }

  /** Sets memory aside for the largest frame: itself, and what reading it takes beside, or then finding its neighbours. */
  #claimFrame(structure: Structure, path: string): void {
    const { descriptor, budget, side, chunkRows, frameBytes, rowBytes } = this.#options;
    const atoms = atomCount(structure);
    if (atoms > this.#largest.atoms) {
      const bytes = bytesOf(structure);
      const isWhole = descriptor.computeParts === undefined && atoms > chunkRows;
      // Its descriptors, and a copy of them in the order in which kernels want it.
      const whole = isWhole ? 2 * rowBytes * atoms : 0;
      const claimed = Math.max(frameBytes, bytes + Math.max(bytes, SEARCH_BYTES * atoms) + whole);
      budget.claim(
        `${side} frames`,
        claimed,
        `a frame of ${formatQuantity(atoms, 'atom')} in ${path}${isWhole ? `, all of which the descriptor ${descriptor.name} describes at a time` : ''}`,
        { grows: ({ before }) => before },
      );
      // Where it is described alone, the next one is read meanwhile.
      const beside = atoms > chunkRows ? bytes + SEARCH_BYTES * atoms + whole : 0;
      this.#largest = { atoms, bytes, beside, claimed };
    }
    const { bytes, beside, claimed } = this.#largest;
    // So that no stage waits for the one behind it, out of what nobody has claimed yet. Results may claim that later: an eighth
    // of it is given back, frame by frame, long before they come to the rest.
    const wanted = Math.max(0, FRAMES_AT_ONCE * bytes + beside - claimed);
    this.#frames.limit = Math.max(0, claimed + Math.min(wanted, shareOfFrames(budget)) - beside);
  }
}

/** What frames that are read ahead may have of the memory that is left. */
export function shareOfFrames({ left }: { readonly left: number }): number {
  return Math.floor(left / 8);
}

/** Bytes of the arrays of a structure. */
function bytesOf({ positions, species, columns, info }: Structure): number {
  let bytes = positions.byteLength + species.index.byteLength;
  for (const { values } of [...columns.values(), ...info.values()] as (Column | InfoValue)[]) {
    // A word that stands in a table of words, or one of its own.
    bytes += 'byteLength' in values ? values.byteLength : 16 * values.length;
  }
  return bytes;
}
