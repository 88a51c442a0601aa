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
}
