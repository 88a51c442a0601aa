import { atomCount, type Structure, SurprisalError } from '@surprisal/core';
import { lammpsVelocity } from './lammps-units.ts';

/** The text of a string value without a shape; undefined where there is none, or it does not fit a line. */
export function lineOfInfo({ info }: Structure, name: string): string | undefined {
  const value = info.get(name);
  if (value?.kind !== 'string' || value.shape.length > 0) return undefined;
  const text = value.values[0] ?? '';
  return /[\r\n]/.test(text) ? undefined : text;
}

/** A scalar whole number; undefined where there is none. */
export function wholeOfInfo({ info }: Structure, name: string): number | bigint | undefined {
  const value = info.get(name);
  return value?.kind === 'integer' && value.shape.length === 0 ? value.values[0] : undefined;
}

/** The values of a column of that kind and width; undefined where there is none. */
export function columnOf<K extends keyof ColumnValues>(
  { columns }: Structure,
  name: string,
  kind: K,
  width: number,
): ColumnValues[K] | undefined {
  const column = columns.get(name);
  if (column?.kind !== kind || column.width !== width) return undefined;
  return column.values as ColumnValues[K];
}

/** What columns of each kind hold. */
interface ColumnValues {
  readonly real: Float64Array;
  readonly integer: Float64Array | BigInt64Array;
  readonly logical: Uint8Array;
}

/**
 * The velocities in Å/fs: those of the column `velocities`, else `vx vy vz` of a LAMMPS dump, in its units or in metal.
 *
 * @returns the names of the columns and (n×3) values
 */
export function velocitiesOf(
  structure: Structure,
): { readonly names: readonly string[]; readonly values: Float64Array } | undefined {
  const own = columnOf(structure, 'velocities', 'real', 3);
  if (own !== undefined) return { names: ['velocities'], values: own };
  const names = ['vx', 'vy', 'vz'];
  const axes = names.map((name) => columnOf(structure, name, 'real', 1));
  const [x, y, z] = axes;
  if (x === undefined || y === undefined || z === undefined) return undefined;
  const speed = lammpsVelocity(lineOfInfo(structure, 'lammps_units') ?? 'metal');
  const values = new Float64Array(3 * atomCount(structure));
  for (let at = 0; at < values.length; at++)
    values[at] = ((axes[at % 3] as Float64Array)[Math.floor(at / 3)] as number) / speed;
  return { names, values };
}

/** Runs of atoms of one species, in the order of the atoms. */
export function speciesBlocks({ species: { symbols, index } }: Structure): { symbol: string; count: number }[] {
  const blocks: { symbol: string; count: number }[] = [];
  for (let atom = 0, place = -1; atom < index.length; atom++) {
    if (index[atom] !== place) {
      place = index[atom] as number;
      blocks.push({ symbol: symbols[place] as string, count: 0 });
    }
    (blocks.at(-1) as { count: number }).count++;
  }
  return blocks;
}

/** @throws {SurprisalError} INVALID_ARGUMENT if a symbol has white space, as no format with columns can hold it */
export function checkSymbols({ species: { symbols } }: Structure, format: string, allowed: RegExp = /^\S+$/): void {
  const bad = symbols.find((symbol) => !allowed.test(symbol));
  if (bad === undefined) return;
  throw new SurprisalError(
    'INVALID_ARGUMENT',
    `the species ${JSON.stringify(bad)} cannot stand in ${format}; rename it`,
    {
      details: { species: bad },
    },
  );
}
