import { atomCount, type Column, type InfoValue, type Structure } from '@surprisal/core';
import {
  type FileSink,
  type InputPath,
  type WriteOptions,
  writeArrayBlocks,
  writeFileSafely,
  writeStructures,
} from '@surprisal/io/node';
import { changedInUse } from './changed-in-use.ts';
import type { Environments } from './read-environments.ts';
import type { DhDocument, MetricsDocument } from './result-document.ts';
import type { Run } from './run.ts';
import { structuresOf } from './structure-files.ts';
import type { SurprisalRun } from './surprisal-stream.ts';
import { csvField } from './table-file.ts';

/** Endings of the files to which δH can be written. */
export const SURPRISAL_ENDINGS = ['.npy', '.json', '.csv', '.xyz', '.extxyz', '.xyz.gz', '.extxyz.gz'] as const;

export type SurprisalEnding = (typeof SURPRISAL_ENDINGS)[number];

/** Whether what ends so repeats the structures. */
export function holdsStructures(ending: SurprisalEnding): boolean {
  return ending.includes('xyz');
}

/** δH of every environment, for each bandwidth. */
export interface Surprisals {
  readonly test: Pick<Environments, 'inputs' | 'frames'>;
  readonly bandwidths: readonly number[];
  /** The files of the test set. */
  readonly files: readonly InputPath[];
  /** One array (m) for each bandwidth, nats. */
  readonly dH: readonly Float64Array[];
  /** H of each frame, one array (frames) for each bandwidth, where it is known. */
  readonly frameEntropies?: readonly Float64Array[] | undefined;
}

/** Numbers and rows are turned into text this many at a time. */
const CHUNK = 8192;

/**
 * Writes δH, one column for each bandwidth, in the order of the bandwidths:
 *
 * - `.npy`: (m) for one bandwidth, else (m×bandwidths)
 * - `.csv`: a row for each environment, with its file, frame and atom, counted from 0
 * - `.json`: the document of the result, and beside it `frames` with mean and maximum, and `values`
 * - `.xyz`, `.extxyz`, and with `.gz`: the structures, read once more, with all that they hold, a column dH, and dH_mean and
 *   dH_max of each frame, and its H where that is known
 */
export async function writeSurprisals(
  output: string,
  ending: SurprisalEnding,
  surprisals: Surprisals,
  document: DhDocument | MetricsDocument,
  run: Run,
): Promise<void> {
  const { signal, options } = run;
  const target: WriteOptions = { overwrite: options.overwrite, signal };
  if (ending === '.npy') {
    const rows = surprisals.dH[0]?.length ?? 0;
    const blocks = function* () {
      for (let from = 0; from < rows; from += CHUNK) {
        yield interleave(surprisals.dH.map((values) => values.subarray(from, from + CHUNK)))[2];
      }
    };
    const shape = surprisals.dH.length === 1 ? ([rows] as const) : ([rows, surprisals.dH.length] as const);
    await writeArrayBlocks(output, shape, blocks(), target);
  } else if (ending === '.csv') {
    await writeFileSafely(output, target, (sink) => writeRows(sink, surprisals));
  } else if (ending === '.json') {
    await writeFileSafely(output, target, (sink) => writeDocument(sink, surprisals, document));
  } else {
    await writeStructures(output, markedStructures(surprisals, run), { ...target, onWarning: run.warn });
  }
}

/**
 * Writes δH while it comes, as {@link writeSurprisals} does once it is known: `.csv`, or structures that were kept.
 *
 * @param files  of the test set
 * @param run    whose signal ends it
 */
export async function writeSurprisalRuns(
  output: string,
  ending: SurprisalEnding,
  runs: AsyncIterable<SurprisalRun>,
  files: readonly InputPath[],
  bandwidths: readonly number[],
  { options, signal, warn }: Run,
): Promise<void> {
  const target: WriteOptions = { overwrite: options.overwrite, signal };
  if (holdsStructures(ending)) {
    await writeStructures(output, markedRuns(runs), { ...target, onWarning: warn });
    return;
  }
  await writeFileSafely(output, target, async (sink) => {
    const writer = new RowWriter(
      sink,
      files.map(({ text }) => text),
    );
    await writer.head(bandwidths, false);
    for await (const run of runs) await writer.rows(run, run.values);
  });
}

export function interleave(dH: readonly Float64Array[]): [rows: number, columns: number, data: Float64Array] {
  const rows = dH[0]?.length ?? 0;
  const data = new Float64Array(rows * dH.length);
  dH.forEach((values, column) => {
    for (let row = 0; row < rows; row++) data[row * dH.length + column] = values[row] as number;
  });
  return [rows, dH.length, data];
}

/** Frames of the test set and where their environments lie; a matrix counts as one frame without a number. */
function* framesOf({ inputs, frames }: Surprisals['test']): Generator<{
  readonly input: number;
  readonly frame: number | null;
  /** Over all inputs. */
  readonly place: number;
  readonly start: number;
  readonly end: number;
}> {
  let start = 0;
  let place = 0;
  for (const [input, { environments }] of inputs.entries()) {
    const counts = frames[input] ?? null;
    for (const [frame, count] of (counts ?? [environments]).entries()) {
      yield { input, frame: counts === null ? null : frame, place, start, end: start + count };
      start += count;
      place++;
    }
  }
}

/** A writer of rows as lines of CSV, one for each environment. */
class RowWriter {
  readonly #sink: FileSink;
  /** Of the inputs. */
  readonly #paths: readonly string[];

  constructor(sink: FileSink, paths: readonly string[]) {
    this.#sink = sink;
    this.#paths = paths;
  }

  async head(bandwidths: readonly number[], hasFrameEntropies: boolean): Promise<void> {
    const named = (name: string) => (bandwidths.length === 1 ? [name] : bandwidths.map((h) => `${name}_${h}`));
    const columns = [...named('dH'), ...(hasFrameEntropies ? named('H_frame') : [])];
    await this.#sink.write(`${['file', 'frame', 'atom', ...columns].join(',')}\n`);
  }

  /**
   * @param rows     of one frame or matrix, the first of which is its row `before`
   * @param values   δH of some of these rows, counted over all inputs
   * @param ofFrame  what stands at the end of each line
   */
  async rows(
    { input, frame, start, end, before }: Pick<SurprisalRun, 'input' | 'frame' | 'start' | 'end' | 'before'>,
    values: SurprisalRun['values'],
    ofFrame = '',
  ): Promise<void> {
    const place = `${csvField(this.#paths[input] ?? '')},${frame ?? ''}`;
    for (let from = start; from < end; from += CHUNK) {
      const dH = values(from, Math.min(end, from + CHUNK));
      let text = '';
      for (let row = from; row < Math.min(end, from + CHUNK); row++) {
        text += `${place},${before + row - start}`;
        for (const column of dH) text += `,${column[row - from]}`;
        text += `${ofFrame}\n`;
      }
      await this.#sink.write(text);
    }
  }
}

async function writeRows(sink: FileSink, { test, bandwidths, dH, frameEntropies = [] }: Surprisals): Promise<void> {
  const writer = new RowWriter(
    sink,
    test.inputs.map(({ path }) => path),
  );
  await writer.head(bandwidths, frameEntropies.length > 0);
  const values = (start: number, end: number) => dH.map((column) => column.subarray(start, end));
  for (const frame of framesOf(test)) {
    const ofFrame = frameEntropies.map((entropies) => `,${entropies[frame.place]}`).join('');
    await writer.rows({ ...frame, before: 0 }, values, ofFrame);
  }
}

/** The structures of runs as they come, with their δH. */
async function* markedRuns(runs: AsyncIterable<SurprisalRun>): AsyncGenerator<Structure, void> {
  for await (const { structure, start, end, values } of runs) {
    if (structure !== null) yield mark(structure, values(start, end), undefined);
  }
}

async function writeDocument(
  sink: FileSink,
  { test, dH, frameEntropies }: Surprisals,
  document: DhDocument | MetricsDocument,
): Promise<void> {
  const head = JSON.stringify(document, null, 2);
  await sink.write(`${head.slice(0, head.lastIndexOf('\n'))},\n  "frames": [`);
  let separator = '\n';
  for (const { input, frame, place, start, end } of framesOf(test)) {
    const parts = dH.map((values) => values.subarray(start, end));
    const entropy = frameEntropies && { entropy: frameEntropies.map((values) => values[place]) };
    const summary = { input, frame, environments: end - start, mean: parts.map(mean), max: parts.map(max), ...entropy };
    await sink.write(`${separator}    ${JSON.stringify(summary)}`);
    separator = ',\n';
  }
  await sink.write('\n  ],\n  "values": [');
  for (const [column, values] of dH.entries()) {
    await sink.write(`${column === 0 ? '' : ','}\n    [`);
    for (let from = 0; from < values.length; from += CHUNK) {
      await sink.write(`${from === 0 ? '' : ','}${values.subarray(from, from + CHUNK).join(',')}`);
    }
    await sink.write(']');
  }
  await sink.write('\n  ]\n}\n');
}

/** The structures of the test set, read once more, with their δH. */
async function* markedStructures(
  { test, files, dH, frameEntropies }: Surprisals,
  run: Run,
): AsyncGenerator<Structure, void> {
  let row = 0;
  let place = 0;
  for (const [input, file] of files.entries()) {
    const { path } = file;
    const counts = test.frames[input] ?? [];
    let frame = 0;
    for await (const structure of structuresOf(file, run, { onProgress: run.report })) {
      const atoms = atomCount(structure);
      if (atoms !== counts[frame]) throw changedInUse(path);
      const parts = dH.map((values) => values.subarray(row, row + atoms));
      yield mark(
        structure,
        parts,
        frameEntropies?.map((values) => values[place] as number),
      );
      row += atoms;
      frame++;
      place++;
    }
    if (frame !== counts.length) throw changedInUse(path);
  }
}

/** The structure with its per-atom column and its two values; what it had of these names gives way. */
function mark(structure: Structure, dH: readonly Float64Array[], entropies: readonly number[] | undefined): Structure {
  const columns = new Map<string, Column>(structure.columns);
  const [, width, values] = interleave(dH);
  columns.set('dH', { kind: 'real', width, values });
  const info = new Map<string, InfoValue>(structure.info);
  if (atomCount(structure) > 0) {
    const shape = width === 1 ? [] : [width];
    info.set('dH_mean', { kind: 'real', shape, values: Float64Array.from(dH, mean) });
    info.set('dH_max', { kind: 'real', shape, values: Float64Array.from(dH, max) });
    if (entropies !== undefined) info.set('H', { kind: 'real', shape, values: Float64Array.from(entropies) });
  }
  return { ...structure, columns, info };
}

function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

function max(values: Float64Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const value of values) if (value > largest) largest = value;
  return largest;
}
