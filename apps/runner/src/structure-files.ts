import { basename } from 'node:path';
import type { Progress, Structure } from '@surprisal/core';
import type { NpzOptions } from '@surprisal/io';
import { type InputPath, openStructures } from '@surprisal/io/node';
import { isBuiltInDescriptor } from './load-descriptor.ts';
import type { Run } from './run.ts';

/** What is read of a file, and who is told what meanwhile. */
export interface Reading {
  /** Columns of the atoms that are kept; default: every one. */
  readonly columns?: readonly string[] | undefined;
  /** Told of each thing that is odd about the file. */
  readonly onWarning?: (message: string) => void;
  /** Told how far the reading is, as a stage named after the file. */
  readonly onProgress?: (progress: Progress) => void;
}

/** The structures of a file, those that its own slice wants or else `--frames`, read as the options of the run say; the time that reading takes goes to its stopwatch. */
export async function* structuresOf(
  { path, frames: slice }: InputPath,
  { options, signal, stopwatch, context }: Run,
  { columns, onWarning, onProgress }: Reading,
): AsyncGenerator<Structure, void> {
  const stage = `reading ${basename(path)}`;
  const frames = openStructures(path, {
    format: options.format,
    frames: slice ?? options.frames?.slice,
    species: options.species,
    units: options.units,
    maxCompressionRatio: options.maxCompressionRatio,
    columns,
    onWarning,
    onProgress: onProgress && ((progress) => onProgress({ ...progress, stage })),
    backend: context.backend,
    threads: context.threads,
    signal,
  });
  try {
    for (;;) {
      const next = await stopwatch.time('read', () => frames.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await frames.return(undefined);
  }
}

/** The columns of the atoms that the descriptor of a run may look at: ours at none, one from outside at any. */
export function columnsToDescribe({ options }: Run): readonly string[] | undefined {
  return isBuiltInDescriptor(options.descriptor ?? 'quests') ? [] : undefined;
}

/** How a matrix file is read, as the options of the run say. */
export function matrixOptions(run: Run, onWarning: (message: string) => void = run.warnOfInput): NpzOptions {
  const { options, signal } = run;
  return { array: options.array, maxCompressionRatio: options.maxCompressionRatio, signal, onWarning };
}
