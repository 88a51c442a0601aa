import { basename } from 'node:path';
import { type Matrix, selectRows } from '@surprisal/core';
import { compareSamples, compareSets, type SetComparison, type SetMaps } from '@surprisal/entropy';
import { alignColumns } from './align-columns.ts';
import { formatCount, formatNats, formatReal, formatShare } from './format-number.ts';
import type { Groups } from './group-labels.ts';
import type { Environments } from './read-environments.ts';
import type { Grouped, SetMapsSummary } from './result-document.ts';
import type { Run } from './run.ts';

/** A data set with a name, one of several. */
export interface NamedSet {
  readonly name: string;
  readonly matrix: Matrix;
}

/** The groups of some environments as sets of their own; none where no label was given. */
export function groupsOf({ matrix, groups }: Pick<Environments, 'matrix' | 'groups'>): readonly NamedSet[] {
  if (groups === null) return [];
  return groups.names.map((name, i) => ({ name, matrix: selectRows(matrix, groups.rows[i] as Uint32Array) }));
}

/**
 * How sets lie to one another: overlap and divergences, both directions, each beside its floor; with `--tolerance` overlaps
 * from samples, where the sets are large.
 */
export async function mapsOf(
  { options, context, stopwatch, warn }: Run,
  sets: readonly NamedSet[],
  bandwidths: readonly number[],
): Promise<SetMapsSummary> {
  const { eps, seed, projections, tolerance } = options;
  const compare = tolerance === undefined ? compareSets : compareSamples;
  const matrices = sets.map(({ matrix }) => matrix);
  const comparison = await stopwatch.time('kernel', () =>
    compare(matrices, { ...context, bandwidths, epsilon: eps, seed, projections }),
  );
  // Without divergences nothing is wrong with shared environments.
  if (comparison.queries === undefined) warnOfShared(sets, comparison, warn);
  return { sets: sizesOf(sets), eps, comparison };
}

/** A set that shares more than this with another is not another set. */
const MUCH_SHARED = 0.01;

/** Says where sets hold the same environments, so that their divergences are too small. */
function warnOfShared(sets: readonly NamedSet[], { shared }: SetComparison, warn: (message: string) => void): void {
  const names = shortNames(sets.map(({ name }) => name));
  const pairs: string[] = [];
  for (const [i, { matrix }] of sets.entries()) {
    for (let j = 0; j < sets.length; j++) {
      const count = shared[i]?.[j] ?? 0;
      if (i !== j && count > MUCH_SHARED * matrix.rows) {
        pairs.push(`${formatShare(count / matrix.rows)} of ${names[i]} in ${names[j]}`);
      }
    }
  }
  if (pairs.length === 0) return;
  const shown = pairs.slice(0, 4).join(', ') + (pairs.length > 4 ? `, and ${pairs.length - 4} pairs more` : '');
  warn(
    `sets share environments (${shown}), each of which meets itself in the other: divergences between them are too small, even below 0`,
  );
}

/** With a label, what the document says about the groups. */
export async function groupMaps(
  run: Run,
  { groups }: Pick<Environments, 'groups'>,
  sets: readonly NamedSet[],
  bandwidths: readonly number[],
): Promise<Grouped> {
  if (groups === null) return {};
  return { groups: { by: groups.by, ...(await mapsOf(run, sets, bandwidths)) } };
}

/** Names of sets, and how many environments each has. */
export function sizesOf(sets: readonly NamedSet[]): { readonly name: string; readonly environments: number }[] {
  return sets.map(({ name, matrix }) => ({ name, environments: matrix.rows }));
}

/** The same of groups, without making sets of them. */
export function sizesOfGroups({ names, rows }: Groups): { readonly name: string; readonly environments: number }[] {
  return names.map((name, i) => ({ name, environments: (rows[i] as Uint32Array).length }));
}

/** What a person reads about maps between sets: a square for each quantity. */
export function mapLines({ sets, eps, comparison }: SetMapsSummary): string[] {
  const names = shortNames(sets.map(({ name }) => name));
  const blocks: string[] = [];
  for (const map of comparison.maps) {
    const h = `h ${formatReal(map.bandwidth)} 1/Å`;
    blocks.push(
      square(
        `overlap, ${h}: share of the row's environments that the column knows (δH ≤ ${formatReal(eps)})`,
        names,
        map.overlap.map((row, i) => row.map((share, j) => ({ share, interval: map.overlapInterval?.[i]?.[j] }))),
        overlapText,
      ),
    );
    if (map.overlapInterval !== undefined) continue;
    blocks.push(
      square(
        `Kullback–Leibler divergence, ${h}: of the row from the column, nats`,
        names,
        map.kullbackLeibler,
        nats,
        map.kullbackLeiblerFloor,
      ),
      square(`Jensen–Shannon divergence, ${h}, nats`, names, map.jensenShannon, nats, map.jensenShannonFloor),
    );
    const isolated = map.isolated.flatMap((count, i) =>
      count === 0 || count === null
        ? []
        : [
            `${count} of the ${sets[i]?.environments} environments of ${names[i]} are isolated and left out of its divergences`,
          ],
    );
    if (isolated.length > 0) blocks.push(isolated.map((line) => `${line}\n`).join(''));
  }
  if (comparison.queries !== undefined) blocks.push(`${aboutQueries(comparison.queries)}\n`);
  blocks.push(
    square(
      `sliced Wasserstein distance over ${comparison.projections} directions (seed ${comparison.seed}), 1/Å`,
      names,
      comparison.slicedWasserstein,
      real,
      comparison.slicedWassersteinFloor,
    ),
  );
  return blocks;
}

/** A share, and the interval in which it lies where it comes from a sample. */
function overlapText({ share, interval }: { readonly share: number; readonly interval: Interval | undefined }): string {
  if (interval === undefined || interval[0] === interval[1]) return formatShare(share);
  return `${formatShare(share)} (${formatShare(interval[0])} to ${formatShare(interval[1])})`;
}

type Interval = NonNullable<SetMaps['overlapInterval']>[number][number];

/** What a person reads about overlaps of samples. */
function aboutQueries(queries: readonly number[]): string {
  const most = formatCount(Math.max(...queries));
  return (
    `overlaps come from up to ${most} random environments of each set, with their exact 95 % intervals for these sets.\n` +
    'Divergences are not estimated, for a few environments that no sample holds may make most of them: leave --tolerance out for them.'
  );
}

/** Names without their folders, where that leaves them different. */
export function shortNames(names: readonly string[]): readonly string[] {
  const short = names.map((name) => basename(name));
  return new Set(short).size === names.length && !short.includes('') ? short : names;
}

function nats(value: number | null): string {
  return value === null ? '–' : formatNats(value);
}

function real(value: number | null): string {
  return value === null ? '–' : formatReal(value, 4);
}

/** @param floor  of each set, what the quantity is between two halves of it */
function square<Value>(
  title: string,
  names: readonly string[],
  values: readonly (readonly Value[])[],
  format: (value: Value) => string,
  floor?: readonly (number | null)[],
): string {
  const rows = values.map((row, i) => [
    names[i] as string,
    ...row.map(format),
    ...(floor === undefined ? [] : [floor[i] === null ? '–' : formatReal(floor[i] as number, 3)]),
  ]);
  const head = ['', ...names, ...(floor === undefined ? [] : ['between its halves'])];
  return `${title}\n${alignColumns(
    [head, ...rows],
    head.slice(1).map((_, i) => i + 1),
  )}`;
}
