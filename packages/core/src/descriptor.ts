import type { Context } from './context.ts';
import type { Matrix } from './matrix.ts';
import type { Structure } from './structure.ts';

/** Storage of a descriptor matrix. */
export type Precision = 'f64' | 'f32';

/** What a descriptor takes beside structures. */
export interface DescriptorContext extends Context {
  /** Default `f64`. */
  readonly precision?: Precision | undefined;
}

/**
 * A map from the neighbourhood of an atom to a vector of fixed length.
 *
 * It must be local (nothing beyond `cutoff` matters), deterministic, finite, and invariant under rotation, translation
 * and renumbering; `testDescriptor` of `@surprisal/testing` checks that.
 */
export interface Descriptor {
  /** A short name for results, for example `quests`. */
  readonly name: string;
  /** Length of the vector. */
  readonly columns: number;
  /** Radius in Å beyond which no atom matters. */
  readonly cutoff: number;
  /** Everything else on which the values depend, for results. */
  readonly parameters: Readonly<Record<string, number | string | boolean>>;
  /**
   * @returns one row for each atom, structures in order, atoms in the order of their structure
   */
  compute(structures: readonly Structure[], context?: DescriptorContext): Promise<Matrix>;
  /**
   * The rows that `compute` gives for one structure, some at a time, so that those of a large one never have to be in memory
   * together. A descriptor that lacks this can do everything else; its structures must then fit whole.
   *
   * @param rows  of a part, at the most
   * @returns every row once, in whatever order costs least
   */
  computeParts?(structure: Structure, rows: number, context?: DescriptorContext): AsyncGenerator<DescriptorPart, void>;
}

/** Some rows of the descriptors of a structure. */
export interface DescriptorPart {
  /** (n) the atoms of the structure whose rows these are, counted from 0. */
  readonly atoms: Uint32Array;
  /** (n×columns) */
  readonly matrix: Matrix;
}
