import type { NamedSet } from './set-maps.ts';

/** A result for all environments, then one for each group under its name. */
export async function resultsOfGroups<Result extends object>(
  all: NamedSet['matrix'],
  groups: readonly NamedSet[],
  analyse: (matrix: NamedSet['matrix'], group?: string) => Promise<readonly Result[]>,
): Promise<(Result & { readonly group?: string })[]> {
  const results: (Result & { readonly group?: string })[] = [...(await analyse(all))];
  for (const { name, matrix } of groups) {
    for (const result of await analyse(matrix, name)) results.push({ group: name, ...result });
  }
  return results;
}

/** The column of groups in a table for people, where there are groups. */
export function groupColumn(grouped: boolean): { readonly head: string[]; cell(group: string | undefined): string[] } {
  return {
    head: grouped ? ['group'] : [],
    cell: (group) => (grouped ? [group ?? 'all'] : []),
  };
}
