import { createMatrix, type Matrix, selectRows, sharedBuffer } from '@surprisal/core';
import { type InputPath, matrixFileKind, openMatrix } from '@surprisal/io/node';
import { changedInUse } from './changed-in-use.ts';
import { isRegularFile } from './check-paths.ts';
import type { Width } from './describe-structures.ts';
import { type EnvironmentChunk, EnvironmentStream, shareOfFrames } from './environment-stream.ts';
import { formatQuantity } from './format-number.ts';
import { GroupLabels, type Groups } from './group-labels.ts';
import { MatterSurvey } from './matter-survey.ts';
import type { MemoryBudget, Side } from './memory-budget.ts';
import { type Pipeline, runPipeline } from './pipeline.ts';
import type { Prepared } from './prepare-command.ts';
import { noEnvironment } from './read-environments.ts';
import type { CommandName, InputSummary } from './result-document.ts';
import { type Run, runWithin } from './run.ts';
import { groupsOf } from './set-maps.ts';
import { matrixOptions } from './structure-files.ts';
import { UsageError } from './usage-error.ts';

/** Some of the environments of a reference set, or all of them. */
export interface ReferenceBlock {
  readonly matrix: Matrix;
  /** Those of each group, in the order of the groups; null where the block has none of it. */
  readonly groups: readonly (Matrix | null)[];
}

/** The environments that others are compared with. */
export interface ReferenceSet {
  readonly inputs: readonly InputSummary[];
  readonly environments: number;
  readonly width: Width;
  readonly groups: Groups | null;
  readonly matter: MatterSurvey;
  /** All of it; null where it does not fit in memory. */
  readonly matrix: Matrix | null;
  /** How environments are streamed through: of one chunk, and of one set that meets the reference in one pass. */
  readonly chunkRows: number;
  readonly queryRows: number;
  readonly rowBytes: number;
  readonly frameBytes: number;
  /** The set block by block, read and described anew each time where it does not fit in memory. */
  blocks(run: Run, pipeline: Pipeline): AsyncIterable<ReferenceBlock>;
}

/** Environments of a chunk, at the least: fewer do not keep many threads busy. */
const LEAST_CHUNK = 1024;
/** And at the most: more make nothing faster. */
const LARGEST_CHUNK = 65_536;
/**
 * A chunk that is being described, one that waits, one whose sums are formed, the copy of that one in the order of kernels,
 * and as much again that is garbage and not collected yet.
 */
const CHUNK_COPIES = 6;
/** The matrix, the parts from which it was put together or later its copy in the order of kernels, and some garbage. */
const REFERENCE_COPIES = 2.5;
/** The share of memory that a reference set may have to be kept as a whole, and that of the queries of one pass otherwise. */
const RESIDENT_SHARE = 1 / 2;

/**
 * Reads a reference set: kept as one matrix where that fits into half of the memory, else counted, to be gone through again
 * and again, block by block.
 *
 * @throws {SurprisalError} OUT_OF_MEMORY, EMPTY_INPUT; whatever reading and describing throw
 * @throws {UsageError} if it does not fit and cannot be read twice
 */
export async function readReference(
  outer: Run,
  prepared: Prepared<CommandName, string>,
  files: readonly InputPath[],
  others: readonly InputPath[],
  budget: MemoryBudget,
): Promise<ReferenceSet> {
  const { descriptor, precision } = prepared;
  const { groupBy, bandwidth } = outer.options;
  const rowBytes = (await columnsOf(outer, prepared, [...files, ...others])) * (precision === 'f64' ? 8 : 4);
  const chunkRows = chunkOf(budget.left, rowBytes);
  const chunkBytes = CHUNK_COPIES * chunkRows * rowBytes;
  const growsWithChunks = ({ all }: { readonly all: number }) => CHUNK_COPIES * chunkOf(all, rowBytes) * rowBytes;
  budget.claim('chunks', chunkBytes, 'chunks of environments', { grows: growsWithChunks });
  const claimFrames = (side: Side) => {
    const bytes = shareOfFrames(budget);
    budget.claim(`${side} frames`, bytes, 'frames that are read ahead', { grows: shareOfFrames });
    return bytes;
  };
  const copies = REFERENCE_COPIES + (groupBy === undefined ? 0 : 1);
  const bytesOf = (environments: number) => copies * environments * rowBytes;
  // Neighbours are looked for among all environments at once.
  const needsAll = 'rule' in bandwidth && (bandwidth.rule === 'auto' || bandwidth.rule === 'neighbors');
  const most = (needsAll ? 1 : RESIDENT_SHARE) * budget.left;

  const labels = groupBy === undefined ? undefined : new GroupLabels(groupBy, { optional: true });
  const matter = new MatterSurvey();
  const common = {
    ...{ descriptor, precision, chunkRows, rowBytes, budget, stage: 'reading' },
    ...({ side: 'reference', frameBytes: claimFrames('reference') } as const),
  };
  let parts: EnvironmentChunk[] = [];
  let fits = true;
  const stream = new EnvironmentStream(files, {
    ...common,
    labels,
    matter: 'rule' in bandwidth ? matter : undefined,
    isWanted: () => fits,
  });
  await runPipeline(outer.signal, async (pipeline) => {
    const run = runWithin(outer, pipeline.signal);
    for await (const chunk of stream.chunks(run, pipeline)) {
      outer.report(chunk.to);
      if (bytesOf(stream.rows) > most) {
        fits = false;
        parts = [];
      }
      if (fits) parts.push(chunk);
    }
  });
  const { rows, inputs } = stream;
  if (rows === 0) throw noEnvironment(files, inputs);
  const groups = labels?.groups(outer.warn) ?? null;
  const width = { columns: stream.columns as number, origin: `the reference ${files[0]?.text}` };
  if (fits) budget.release('reference frames');
  const frameBytes = claimFrames('test');
  const known = { inputs, environments: rows, width, groups, matter, chunkRows, rowBytes, frameBytes };

  if (fits) {
    budget.claim('reference', bytesOf(rows), `the reference set of ${formatQuantity(rows, 'environment')}`);
    const matrix = oneMatrix(parts, rows, width.columns);
    parts = [];
    const block = { matrix, groups: groupsOf({ matrix, groups }).map((group) => group.matrix) };
    return {
      ...known,
      matrix,
      queryRows: chunkRows,
      async *blocks() {
        yield block;
      },
    };
  }

  for (const { path } of files) {
    if (await isRegularFile(path)) continue;
    throw new UsageError(
      `${path} is no regular file and cannot be read again and again, as a reference set larger than memory has to be; store it first`,
    );
  }
  if (needsAll && !(bandwidth.rule === 'auto' && 'volume' in matter.volume())) {
    const what = 'the reference set, in which the bandwidth is to be found';
    budget.claim('reference', bytesOf(rows), what, { hint: 'a bandwidth' });
  }
  // The block of a pass, and as many queries as memory holds, so that there are few passes.
  budget.claim('reference', chunkBytes, 'blocks of the reference set', { grows: growsWithChunks });
  // An environment that waits, and its δH with respect to the whole set and to each group.
  const bandwidths = 'values' in bandwidth ? bandwidth.values.length : 1;
  const queryBytes = rowBytes + 8 * bandwidths * (1 + (groups?.names.length ?? 0));
  const queryRows = Math.max(chunkRows, Math.floor((RESIDENT_SHARE * budget.left) / queryBytes));
  const what = 'environments that go through the reference set together';
  budget.claim('queries', queryRows * queryBytes, what, { grows: ({ left }) => RESIDENT_SHARE * left });
  outer.explain(
    `the reference set of ${formatQuantity(rows, 'environment')} does not fit in memory: ` +
      `it is read anew for every ${formatQuantity(queryRows, 'environment')} of the test set`,
  );
  return {
    ...known,
    matrix: null,
    queryRows,
    async *blocks(run, pipeline) {
      const again = new EnvironmentStream(files, { ...common, width });
      for await (const chunk of again.chunks(run, pipeline)) {
        if (chunk.matrix.rows > 0) yield { matrix: chunk.matrix, groups: groupsOfChunk(chunk, groups, labels) };
      }
      again.inputs.forEach(({ environments }, i) => {
        if (environments !== inputs[i]?.environments) throw changedInUse((files[i] as InputPath).path);
      });
    },
  };
}

/** How many numbers an environment has, as far as that can be known before anything is read. */
async function columnsOf(
  run: Run,
  { descriptor }: Prepared<CommandName, string>,
  files: readonly InputPath[],
): Promise<number> {
  for (const { path } of files) {
    // Only here does the head of a file say it.
    if ((await matrixFileKind(path)) === 'npy') return (await openMatrix(path, matrixOptions(run))).columns;
  }
  return descriptor.columns;
}

/** Environments of a chunk where there are so many bytes. */
function chunkOf(bytes: number, rowBytes: number): number {
  const rows = bytes / 8 / CHUNK_COPIES / rowBytes;
  return Math.max(LEAST_CHUNK, Math.min(LARGEST_CHUNK, Math.floor(rows / LEAST_CHUNK) * LEAST_CHUNK));
}

/** Chunks as one matrix, in the order of the rows. */
function oneMatrix(chunks: readonly EnvironmentChunk[], rows: number, columns: number): Matrix {
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined && first.atoms === null) return first.matrix;
  const data =
    first?.matrix.data instanceof Float32Array
      ? new Float32Array(sharedBuffer(4 * rows * columns))
      : new Float64Array(sharedBuffer(8 * rows * columns));
  for (const { matrix, start, atoms } of chunks) {
    if (atoms === null) data.set(matrix.data, start * columns);
    else {
      atoms.forEach((atom, i) => {
        data.set(matrix.data.subarray(i * columns, (i + 1) * columns), (start + atom) * columns);
      });
    }
  }
  return createMatrix(rows, columns, data);
}

/** The rows of each group among those of a chunk. */
function groupsOfChunk(
  { matrix, start, atoms }: EnvironmentChunk,
  groups: Groups | null,
  labels: GroupLabels | undefined,
): (Matrix | null)[] {
  if (groups === null || labels === undefined) return [];
  const members = new Map<string, number[]>(groups.names.map((name) => [name, []]));
  const names = labels.namesSoFar();
  for (let i = 0; i < matrix.rows; i++) {
    members.get(names[labels.groupOf(start + (atoms?.[i] ?? i))] as string)?.push(i);
  }
  return groups.names.map((name) => {
    const rows = members.get(name) as number[];
    return rows.length === 0 ? null : selectRows(matrix, rows);
  });
}
