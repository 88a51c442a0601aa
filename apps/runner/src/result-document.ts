import type { Precision } from '@surprisal/core';
import type { EntropyResult, Summary } from '@surprisal/entropy';
import type { SpreadSummary } from './spread.ts';
import type { Seconds } from './stopwatch.ts';

/** Raised whenever a program that reads the documents would have to change. */
export const SCHEMA_VERSION = 1;

export type CommandName = 'info' | 'descriptors' | 'entropy' | 'dh' | 'overlap' | 'doctor';

/** One file that was read. */
export interface InputSummary {
  readonly path: string;
  /** Null for a matrix, which knows no frames. */
  readonly frames: number | null;
  readonly environments: number;
}

/** On what the numbers depend, beside the data. Null where only matrices came in, which do not say how they were made. */
export interface Parameters {
  readonly descriptor: string | null;
  readonly k: number | null;
  /** Å */
  readonly cutoff: number | null;
  /** Å */
  readonly tieTolerance: number | null;
  readonly precision: Precision;
  /** The slice as it was written; null for all frames too. */
  readonly frames: string | null;
}

export interface BackendSummary {
  readonly name: 'native' | 'reference';
  /** `avx512`, `avx2`, `neon`, `baseline`; `none` for the reference. */
  readonly isa: string;
  readonly threads: number;
}

/** What every document begins with. */
export interface DocumentHead<Name extends CommandName> {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly command: Name;
  readonly version: string;
}

/** What every document about data holds; its schema is `schema/result.schema.json`. */
export interface AnalysisDocument<Name extends CommandName, Result> extends DocumentHead<Name> {
  readonly inputs: readonly InputSummary[];
  readonly parameters: Parameters;
  readonly environments: number;
  readonly results: readonly Result[];
  readonly backend: BackendSummary;
  readonly seconds: Seconds;
  readonly warnings: readonly string[];
  /** The file that was written. */
  readonly output: string | null;
}

/** The reference set of `dh` and `overlap`. */
export interface ReferenceSummary {
  readonly inputs: readonly InputSummary[];
  readonly environments: number;
}

/** What `dh` and `overlap` hold beside. */
export interface Comparison {
  readonly reference: ReferenceSummary;
  /** nats */
  readonly eps: number;
}

/** What a file of structures holds. */
export interface StructureFileSummary {
  readonly path: string;
  readonly kind: 'structures';
  readonly frames: number;
  readonly atoms: number;
  readonly atomsPerFrame: SpreadSummary | null;
  /** Atoms of each species, over all frames. */
  readonly species: Readonly<Record<string, number>>;
  /** Frames of each mix of periodic axes, such as `TTF`. */
  readonly boundaries: Readonly<Record<string, number>>;
  /** Lengths in Å and angles in degrees of the cell vectors; null where no frame has a cell. */
  readonly cell: {
    readonly lengths: readonly [SpreadSummary, SpreadSummary, SpreadSummary];
    readonly angles: readonly [SpreadSummary, SpreadSummary, SpreadSummary];
  } | null;
  /** Å³, over the frames whose cell has a volume. */
  readonly volumePerAtom: SpreadSummary | null;
  /** Within the cutoff. */
  readonly neighbors: SpreadSummary | null;
  /** Å */
  readonly nearestDistance: number | null;
  /** Share of environments whose k-th and next neighbour are tied, or nearly so. */
  readonly ties: { readonly tied: number; readonly nearlyTied: number };
  readonly bandwidth: { readonly suggested: number | null; readonly reason: string };
  /** What is odd about the file, a sentence each. */
  readonly odd: readonly string[];
}

/** What a matrix file holds. */
export interface MatrixFileSummary {
  readonly path: string;
  readonly kind: 'matrix';
  readonly rows: number;
  readonly columns: number;
  readonly precision: Precision;
  /** Null where no value is finite. */
  readonly min: number | null;
  readonly max: number | null;
  readonly odd: readonly string[];
}

export type FileSummary = StructureFileSummary | MatrixFileSummary;

export interface DescriptorsResult {
  readonly rows: number;
  readonly columns: number;
  readonly precision: Precision;
}

export interface DhResult {
  readonly bandwidth: number;
  readonly dH: Summary;
  /** Share of environments with δH above eps. */
  readonly novelty: number;
}

export interface OverlapResult {
  readonly bandwidth: number;
  readonly overlap: number;
  readonly novelty: number;
}

export type InfoDocument = AnalysisDocument<'info', FileSummary>;
export type DescriptorsDocument = AnalysisDocument<'descriptors', DescriptorsResult>;
export type EntropyDocument = AnalysisDocument<'entropy', EntropyResult>;
export type DhDocument = AnalysisDocument<'dh', DhResult> & Comparison;
export type OverlapDocument = AnalysisDocument<'overlap', OverlapResult> & Comparison;
