import { setImmediate } from 'node:timers/promises';
import { type Matrix, selectRows } from '@surprisal/core';
import { differentialEntropyMany, type EntropyManyOptions, joinSurprisals } from '@surprisal/entropy';
import { type BandwidthChoice, chooseBandwidths } from './choose-bandwidths.ts';
import { type AnalysisDescription, describeAnalysis } from './describe-analysis.ts';
import { type EnvironmentChunk, type EnvironmentRun, EnvironmentStream } from './environment-stream.ts';
import { formatBytes, formatCount } from './format-number.ts';
import { GroupLabels, type Groups } from './group-labels.ts';
import { memoryBudget } from './memory-budget.ts';
import { type Pipeline, runPipeline } from './pipeline.ts';
import type { Prepared } from './prepare-command.ts';
import { noEnvironment } from './read-environments.ts';
import { type ReferenceBlock, type ReferenceSet, readReference } from './reference-set.ts';
import type { CommandName, Comparison, GroupedComparison, InputSummary, Streamed } from './result-document.ts';
import { RowValues } from './row-values.ts';
import { type Run, runWithin } from './run.ts';
import { sizesOfGroups } from './set-maps.ts';

/** A frame of structures, or some rows of a matrix, with their δH. */
export interface SurprisalRun extends EnvironmentRun {
  /**
   * δH of rows `start` to `end` (exclusive) of those of this run, over all inputs.
   *
   * @returns one array for each bandwidth, nats
   */
  values(start: number, end: number): Float64Array[];
}

/** The test set, all of it, with its δH. */
export interface StreamedComparison<Name extends CommandName> {
  readonly inputs: readonly InputSummary[];
  /** For each input the environments of each of its frames; null where it is a matrix. */
  readonly frames: readonly (readonly number[] | null)[];
  readonly groups: Groups | null;
  readonly bandwidth: BandwidthChoice;
  /** One array (m) for each bandwidth, nats. */
  readonly dH: readonly Float64Array[];
  /** The share of each group that each group of the reference set knows. */
  readonly maps: GroupedComparison;
  /** Whether each run was handed on with its structure while it came. */
  readonly keptStructures: boolean;
  /** What the document says beside the results, up to now. */
  describe(): AnalysisDescription<Name> & Comparison & Streamed;
}

/** What is done with a test set while it comes. */
export interface SurprisalTaker {
  /** Whether structures are wanted. Where the reference set does not fit in memory they are not kept: read them again. */
  readonly wantsStructures: boolean;
  /**
   * Takes all runs, in order, of which it may have to wait for each.
   *
   * @param run  ended by the signal of the pipeline
   */
  take(
    runs: AsyncIterable<SurprisalRun>,
    bandwidths: readonly number[],
    run: Run,
    keepsStructures: boolean,
  ): Promise<void>;
}

/** Takes all runs and does nothing with them. */
export async function drain(runs: AsyncIterable<SurprisalRun>): Promise<void> {
  for await (const _ of runs);
}

/** Bytes of δH, for each row and bandwidth: in pieces while they come, then as one array, or sorted. */
const VALUE_BYTES = 16;
/** And where there are groups: label and row number, and δH of the largest group once more, and sorted. */
const GROUP_BYTES = 24;

/**
 * δH of a test set of any length against a reference set: files are read, described, compared and written at the same time,
 * a chunk each. A reference set that does not fit in memory is gone through block by block, for as many environments of the
 * test set together as memory holds.
 *
 * δH does not depend on how the test set is cut into chunks. Where the reference set is in memory as a whole, nor does it on
 * anything else; where it is not, sums over its blocks are joined, which rounds anew (1e-14 of |δH| + 1 for a hundred blocks), and
 * what is skipped is skipped in each block for itself, which is still no more than `--skip-below` of the whole.
 *
 * @throws {SurprisalError} OUT_OF_MEMORY with how much is needed; EMPTY_INPUT; whatever reading, describing and the taker throw
 */
export async function streamSurprisals<Name extends CommandName>(
  outer: Run,
  prepared: Prepared<Name, string>,
  taker: SurprisalTaker,
): Promise<StreamedComparison<Name>> {
  const [testFiles = [], referenceFiles = []] = prepared.sets;
  const budget = memoryBudget(outer.options);
  const reference = await readReference(outer, prepared, referenceFiles, testFiles, budget);
  const bandwidth = await chooseBandwidths(outer, prepared, reference);
  const bandwidths = bandwidth.values;
  const { groupBy, eps } = outer.options;
  const labels = groupBy === undefined ? undefined : new GroupLabels(groupBy);
  const keptStructures = taker.wantsStructures && reference.matrix !== null;
  const { width, chunkRows, rowBytes, frameBytes } = reference;
  const stream = new EnvironmentStream(testFiles, {
    ...{ width, chunkRows, rowBytes, frameBytes },
    descriptor: prepared.descriptor,
    precision: prepared.precision,
    budget,
    side: 'test',
    stage: 'δH of',
    keepsStructures: keptStructures,
    labels,
  });
  outer.explain(
    `kernel sums of chunks of ${formatCount(reference.chunkRows)} × ${formatCount(reference.environments)} environments, ` +
      `within ${formatBytes(budget.bytes)} of memory (${budget.source})`,
  );
  const values = bandwidths.map(() => new RowValues());
  const known = new GroupOverlaps(bandwidths, reference, labels, eps);
  const passes = { count: 0 };
  let groups: Groups | null = null;
  const claimResults = () => {
    const each = VALUE_BYTES * bandwidths.length + (labels === undefined ? 0 : GROUP_BYTES);
    budget.claim('results', each * stream.rows, `δH of the ${formatCount(stream.rows)} environments so far`);
  };

  async function* completed(chunks: AsyncIterable<SummedChunk>): AsyncGenerator<SurprisalRun, void> {
    for await (const { chunk, dH } of chunks) {
      // The sums of the next chunk begin first: native threads are not to wait for what is done here.
      await setImmediate();
      claimResults();
      dH.forEach((all, b) => {
        values[b]?.set(chunk.start, chunk.atoms, all);
      });
      for (const run of chunk.completes) {
        const waits = performance.now();
        yield { ...run, values: (start, end) => values.map((all) => all.slice(start, end)) };
        outer.stopwatch.addWriting(performance.now() - waits);
        if (keptStructures) run.release();
      }
    }
    if (stream.rows === 0) throw noEnvironment(testFiles, stream.inputs);
    groups = labels?.groups(outer.warn) ?? null;
  }

  await runPipeline(outer.signal, async (pipeline) => {
    const run = runWithin(outer, pipeline.signal);
    const sums = summed(stream.chunks(run, pipeline), { run, pipeline, reference, bandwidths, known, passes });
    await taker.take(completed(pipeline.ahead(sums, 1)), bandwidths, run, keptStructures);
  });
  const dH = values.map((all) => all.slice(0, stream.rows));
  return {
    inputs: stream.inputs,
    frames: stream.frames,
    groups,
    bandwidth,
    dH,
    maps: groups === null ? {} : known.maps(groups),
    keptStructures,
    describe: () => ({
      ...describeAnalysis(outer, prepared, stream.inputs, { others: reference.inputs, bandwidth }),
      reference: { inputs: reference.inputs, environments: reference.environments },
      eps,
      memory: {
        budget: budget.bytes,
        source: budget.source,
        peak: 1024 * process.resourceUsage().maxRSS,
        chunk: reference.chunkRows,
        referencePasses: Math.max(1, passes.count),
      },
    }),
  };
}

/** A chunk and its δH, an array for each bandwidth. */
interface SummedChunk {
  readonly chunk: EnvironmentChunk;
  readonly dH: readonly Float64Array[];
}

/** What forming sums takes. */
interface Summing {
  readonly run: Run;
  readonly pipeline: Pipeline;
  readonly reference: ReferenceSet;
  readonly bandwidths: readonly number[];
  readonly known: GroupOverlaps;
  readonly passes: { count: number };
}

/** The stage of kernel sums: as many chunks together as go through the reference set in one pass. */
async function* summed(chunks: AsyncIterable<EnvironmentChunk>, summing: Summing): AsyncGenerator<SummedChunk, void> {
  const { queryRows, matrix } = summing.reference;
  let together: EnvironmentChunk[] = [];
  let rows = 0;
  for await (const chunk of chunks) {
    together.push(chunk);
    rows += chunk.matrix.rows;
    if (matrix === null && rows + summing.reference.chunkRows <= queryRows) continue;
    yield* throughReference(together, summing);
    together = [];
    rows = 0;
  }
  if (together.length > 0) yield* throughReference(together, summing);
}

async function* throughReference(
  chunks: readonly EnvironmentChunk[],
  { run, pipeline, reference, bandwidths, known, passes }: Summing,
): AsyncGenerator<SummedChunk, void> {
  const { eps } = run.options;
  // On which side of eps an environment lies is decided in float64: by each sum itself where it is all there is, …
  const decisions = reference.matrix === null ? [] : [eps];
  const sums = chunks.map(({ matrix }) => new ReferenceSums(matrix.rows, bandwidths.length, known.references));
  let blocks = 0;
  for await (const block of reference.blocks(run, pipeline)) {
    blocks++;
    for (const [i, chunk] of chunks.entries()) {
      if (chunk.matrix.rows > 0) await addBlock(sums[i] as ReferenceSums, chunk, block, run, { bandwidths, decisions });
    }
  }
  if (reference.matrix === null) {
    passes.count++;
    // … and once the parts are joined where they are streamed, for those that are near it.
    if (await decideAgain(chunks, sums, blocks, { run, pipeline, reference, bandwidths })) passes.count++;
  }
  for (const [i, chunk] of chunks.entries()) {
    const { all, ofGroups } = sums[i] as ReferenceSums;
    known.add(chunk, ofGroups);
    yield { chunk, dH: all };
  }
}

/**
 * Takes those environments through a streamed reference set once more whose δH cannot be told from eps, now in float64 with
 * nothing left out.
 *
 * A block b errs by 2e-5 + 1e-6·|δH_b| in float32, and counts in the sum by its share s_b = exp(δH − δH_b). As
 * Σ_b s_b (δH_b − δH) = −Σ_b s_b ln s_b ≤ ln B, their sum errs by 2e-5 + 1e-6 (|δH| + ln B), beside what was left out.
 * In float64 it is next to nothing, and what the set holds once (δH = 0) is told from the default eps, 1e-5.
 *
 * @param blocks  B
 * @returns whether there were any
 */
async function decideAgain(
  chunks: readonly EnvironmentChunk[],
  sums: readonly ReferenceSums[],
  blocks: number,
  { run, pipeline, reference, bandwidths }: Pick<Summing, 'run' | 'pipeline' | 'reference' | 'bandwidths'>,
): Promise<boolean> {
  const { eps, skipBelow } = run.options;
  const far = Math.log(Math.max(1, blocks));
  const errorOf = ({ data }: Matrix, dH: number) =>
    skipBelow + (data instanceof Float32Array ? 2e-5 + 1e-6 * (Math.abs(dH) + far) : 1e-11 * (Math.abs(dH) + 1));
  const again = chunks.flatMap((chunk, i) => {
    const { all, ofGroups } = sums[i] as ReferenceSums;
    const each = [...all, ...ofGroups.flat()];
    const rows: number[] = [];
    const isNear = (dH: number) => Math.abs(dH - eps) <= errorOf(chunk.matrix, dH);
    for (let row = 0; row < chunk.matrix.rows; row++) if (each.some((dH) => isNear(dH[row] as number))) rows.push(row);
    if (rows.length === 0) return [];
    const exact = new ReferenceSums(rows.length, bandwidths.length, ofGroups.length);
    return [{ chunk, rows, exact, before: { all, ofGroups } }];
  });
  if (again.length === 0) return false;
  const exactly = { ...run, context: { ...run.context, skipBelow: 0 } };
  for await (const block of reference.blocks(run, pipeline)) {
    for (const { chunk, rows, exact } of again) {
      // Copied anew for each block: all of them at once can be as many as memory has room for.
      const some = { ...chunk, matrix: selectRows(chunk.matrix, rows), from: chunk.to.done };
      await addBlock(exact, some, block, exactly, { bandwidths, decisions: [], work: 'float64' });
    }
  }
  for (const { rows, exact, before } of again) {
    const targets = [...before.all, ...before.ofGroups.flat()];
    for (const [t, values] of [...exact.all, ...exact.ofGroups.flat()].entries()) {
      for (const [i, row] of rows.entries()) (targets[t] as Float64Array)[row] = values[i] as number;
    }
  }
  return true;
}

/** δH of a chunk with respect to the blocks so far: to all of them, and to each group. */
class ReferenceSums {
  readonly all: Float64Array[];
  /** [group][bandwidth] */
  readonly ofGroups: Float64Array[][];
  constructor(rows: number, bandwidths: number, groups: number) {
    const nothing = () =>
      Array.from({ length: bandwidths }, () => new Float64Array(rows).fill(Number.POSITIVE_INFINITY));
    this.all = nothing();
    this.ofGroups = Array.from({ length: groups }, nothing);
  }
}

async function addBlock(
  { all, ofGroups }: ReferenceSums,
  { matrix, from, to }: EnvironmentChunk,
  block: ReferenceBlock,
  { context, stopwatch, report }: Run,
  kernel: Pick<EntropyManyOptions, 'bandwidths' | 'decisions' | 'work'>,
): Promise<void> {
  const sets = [
    { references: block.matrix, into: all },
    ...block.groups.map((references, g) => ({ references, into: ofGroups[g] as Float64Array[] })),
  ];
  for (const [place, { references, into }] of sets.entries()) {
    if (references === null) continue;
    const onProgress = ({ done, total = matrix.rows }: { done: number; total: number | undefined }) => {
      const share = (place + done / Math.max(1, total)) / sets.length;
      report({ ...to, done: from + (to.done - from) * share });
    };
    const dH = await stopwatch.time('kernel', () =>
      differentialEntropyMany(matrix, references, { ...context, ...kernel, onProgress }),
    );
    dH.forEach((further, b) => {
      joinSurprisals(into[b] as Float64Array, further);
    });
  }
}

/** Counts how many environments of each group of the test set each group of the reference set does not know. */
class GroupOverlaps {
  readonly #bandwidths: readonly number[];
  readonly #reference: Groups | null;
  readonly #labels: GroupLabels | undefined;
  readonly #eps: number;
  /** [bandwidth][group of the reference set][group of the test set, in the order in which they came] */
  readonly #unknown: number[][][];

  constructor(
    bandwidths: readonly number[],
    { groups }: Pick<ReferenceSet, 'groups'>,
    labels: GroupLabels | undefined,
    eps: number,
  ) {
    this.#bandwidths = bandwidths;
    this.#reference = groups;
    this.#labels = labels;
    this.#eps = eps;
    this.#unknown = bandwidths.map(() => (groups?.names ?? []).map(() => []));
  }

  /** Groups of the reference set. */
  get references(): number {
    return this.#reference?.names.length ?? 0;
  }

  add({ matrix, start, atoms }: EnvironmentChunk, ofGroups: readonly (readonly Float64Array[])[]): void {
    const labels = this.#labels;
    if (labels === undefined) return;
    for (const [g, byBandwidth] of ofGroups.entries()) {
      for (const [b, dH] of byBandwidth.entries()) {
        const counts = this.#unknown[b]?.[g] as number[];
        for (let i = 0; i < matrix.rows; i++) {
          const group = labels.groupOf(start + (atoms?.[i] ?? i));
          counts[group] = (counts[group] ?? 0) + ((dH[i] as number) > this.#eps ? 1 : 0);
        }
      }
    }
  }

  maps(groups: Groups): GroupedComparison {
    const sets = sizesOfGroups(groups);
    const places = new Map(this.#labels?.namesSoFar().map((name, place) => [name, place]));
    const reference = this.#reference === null ? [] : sizesOfGroups(this.#reference);
    const maps = this.#bandwidths.map((bandwidth, b) => ({
      bandwidth,
      overlap: sets.map(({ name, environments }) =>
        reference.map((_, g) => {
          const unknown = this.#unknown[b]?.[g]?.[places.get(name) as number] as number;
          return (environments - unknown) / environments;
        }),
      ),
    }));
    return { groups: { by: groups.by, sets, reference, maps } };
  }
}
