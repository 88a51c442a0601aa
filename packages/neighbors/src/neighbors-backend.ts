import type { Context, Structure } from '@surprisal/core';

/** The index past the end of a row of {@link NearestNeighbors}. */
export const NOBODY = 0xffffffff;

/** What a full neighbour list takes beside the structure. */
export interface NeighborListOptions extends Context {
  /** Å; a pair counts if it is nearer than this. */
  readonly cutoff: number;
  /** Whether the vectors from atoms to neighbours are wanted too. Default false. */
  readonly vectors?: boolean | undefined;
}

/** Every pair within the cutoff, both ways round: the neighbours of atom i are `offsets[i]` … `offsets[i + 1]`. */
export interface NeighborList {
  /** (n+1) */
  readonly offsets: Float64Array;
  /** (pairs) the neighbour */
  readonly indices: Uint32Array;
  /** (pairs×3) which periodic image of the neighbour, in the cell vectors as given */
  readonly shifts: Int32Array;
  /** (pairs) Å */
  readonly distances: Float64Array;
  /** (pairs×3) Å, from the atom to its neighbour; empty unless asked for */
  readonly vectors: Float64Array;
}

/** What a search for nearest neighbours takes beside structures. */
export interface NearestNeighborsOptions extends Context {
  /** Neighbours wanted of each atom, from 1 to 4096. */
  readonly k: number;
  /** Å; nothing farther counts. */
  readonly cutoff: number;
}

/** The k nearest neighbours of n atoms; rows end early where there are fewer. */
export interface NearestNeighbors {
  /** (n) all neighbours within the cutoff, not only the k nearest */
  readonly counts: Uint32Array;
  /** (n) r_{k+1} − r_k in Å: 0 or nearly 0 is a tie; Infinity where there are no more than k neighbours */
  readonly gaps: Float64Array;
  /** (n×k) atom, counted over all structures; 0xffffffff past the end of a row */
  readonly indices: Uint32Array;
  /** (n×k) Å; Infinity past the end of a row */
  readonly distances: Float64Array;
}

/** What both implementations offer; arguments are checked before they are called. */
export interface NeighborsBackend {
  neighborList(structure: Structure, options: NeighborListOptions): Promise<NeighborList>;
  nearestNeighbors(structures: readonly Structure[], options: NearestNeighborsOptions): Promise<NearestNeighbors>;
}
