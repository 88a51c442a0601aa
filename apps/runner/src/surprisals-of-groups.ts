import { differentialEntropyMany, overlap } from '@surprisal/entropy';
import { alignColumns } from './align-columns.ts';
import type { BandwidthChoice } from './choose-bandwidths.ts';
import { formatReal, formatShare } from './format-number.ts';
import type { Environments } from './read-environments.ts';
import type { CommandName, GroupedComparison, OfGroup } from './result-document.ts';
import type { Run } from './run.ts';
import { groupsOf, sizesOf, sizesOfGroups } from './set-maps.ts';
import type { StreamedComparison } from './surprisal-stream.ts';

/** δH of all environments in question, or of those of one group. */
export interface SurprisalsOfGroup extends OfGroup {
  readonly bandwidth: number;
  /** nats */
  readonly dH: Float64Array;
}

/** δH of the test set for each bandwidth, then that of each of its groups, one at a time. */
export function* groupedSurprisals({
  dH: all,
  groups,
  bandwidth: { values: bandwidths },
}: Pick<StreamedComparison<CommandName>, 'dH' | 'groups' | 'bandwidth'>): Generator<SurprisalsOfGroup, void> {
  for (const [b, dH] of all.entries()) yield { bandwidth: bandwidths[b] as number, dH };
  for (const [g, group] of (groups?.names ?? []).entries()) {
    const rows = groups?.rows[g] as Uint32Array;
    for (const [b, dH] of all.entries()) yield { group, bandwidth: bandwidths[b] as number, dH: valuesOf(rows, dH) };
  }
}

function valuesOf(rows: Uint32Array, all: Float64Array): Float64Array {
  return Float64Array.from(rows, (row) => all[row] as number);
}

/** The share of each group of the test set that each group of the reference set knows. */
export async function groupOverlaps(
  { context, options, stopwatch }: Run,
  {
    test,
    reference,
    bandwidth,
  }: { readonly test: Environments; readonly reference: Environments; readonly bandwidth: BandwidthChoice },
): Promise<GroupedComparison> {
  if (test.groups === null) return {};
  const { values: bandwidths } = bandwidth;
  const references = groupsOf(reference);
  const maps = bandwidths.map((value) => ({
    bandwidth: value,
    overlap: test.groups?.names.map(() => [] as number[]) ?? [],
  }));
  for (const { matrix } of references) {
    const all = await stopwatch.time('kernel', () =>
      differentialEntropyMany(test.matrix, matrix, { ...context, bandwidths, decisions: [options.eps] }),
    );
    for (const [b, dH] of all.entries()) {
      for (const [g, rows] of test.groups.rows.entries()) {
        maps[b]?.overlap[g]?.push(overlap(valuesOf(rows, dH), options.eps));
      }
    }
  }
  return { groups: { by: test.groups.by, sets: sizesOfGroups(test.groups), reference: sizesOf(references), maps } };
}

/**
 * What a person reads about these shares.
 *
 * @param known  what the columns are groups of
 */
export function groupOverlapLines({ groups }: GroupedComparison, known: string, eps: number): string[] {
  if (groups === undefined) return [];
  const columns = groups.reference.map(({ name }) => name);
  return groups.maps.map(
    ({ bandwidth, overlap: shares }) =>
      `overlap, h ${formatReal(bandwidth)} 1/Å: share of the row's environments that the column, of ${known}, knows ` +
      `(δH ≤ ${formatReal(eps)})\n${alignColumns(
        [['', ...columns], ...shares.map((row, i) => [groups.sets[i]?.name ?? '', ...row.map(formatShare)])],
        columns.map((_, i) => i + 1),
      )}`,
  );
}
