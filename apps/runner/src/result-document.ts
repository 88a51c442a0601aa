import type { Precision } from '@surprisal/core';
import type {
  BandwidthScanRow,
  EntropyResult,
  LeakageResult,
  LearningCurve,
  SamplingError,
  SensitivityResult,
  SetComparison,
  Summary,
} from '@surprisal/entropy';
import type { BandwidthRuleName } from './option-values.ts';
import type { SpreadSummary } from './spread.ts';
import type { Seconds } from './stopwatch.ts';

/** Raised whenever a program that reads the documents would have to change. */
export const SCHEMA_VERSION = 1;

export type CommandName =
  | 'info'
  | 'descriptors'
  | 'entropy'
  | 'dh'
  | 'overlap'
  | 'metrics'
  | 'learning-curve'
  | 'gap'
  | 'compare'
  | 'leakage'
  | 'bandwidth'
  | 'neighbors'
  | 'convert'
  | 'doctor';

/** One file that was read. */
export interface InputSummary {
  /** With its own slice behind @, where it was given one. */
  readonly path: string;
  /** Null for a matrix, which knows no frames. */
  readonly frames: number | null;
  readonly environments: number;
}

/** The rule that gave a bandwidth. */
export interface BandwidthRuleSummary {
  readonly name: BandwidthRuleName;
  /** What it was taken from, as a clause. */
  readonly reason: string;
}

/** On what the numbers depend, beside the data. Null where only matrices came in, which do not say how they were made. */
export interface Parameters {
  readonly descriptor: string | null;
  /** What its author says beside: every further parameter on which its values depend. */
  readonly descriptorParameters: Readonly<Record<string, number | string | boolean>> | null;
  readonly k: number | null;
  /** Å */
  readonly cutoff: number | null;
  /** Å */
  readonly tieTolerance: number | null;
  readonly precision: Precision;
  /** Nats by which environments left out of kernel sums may raise a δH; absent where a command takes no kernel sums. */
  readonly skipBelow?: number | undefined;
  /** The slice as it was written; null for all frames too. */
  readonly frames: string | null;
  /** The rule that found the bandwidth in the data, where one did. */
  readonly bandwidthRule?: BandwidthRuleSummary;
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

/** How a command that streams kept within its memory. */
export interface MemorySummary {
  /** Bytes that it could take. */
  readonly budget: number;
  /** What said so. */
  readonly source: string;
  /** Bytes that it had resident at the most, so far. */
  readonly peak: number;
  /** Environments that went through together, at the most. */
  readonly chunk: number;
  /** How often the reference set was gone through; 1 where it was in memory as a whole. */
  readonly referencePasses: number;
}

/** What commands that stream say of it. */
export interface Streamed {
  readonly memory: MemorySummary;
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

/** The group of environments that a result is about; absent where it is about all. */
export interface OfGroup {
  readonly group?: string;
}

/** Data sets and how they lie to one another. */
export interface SetMapsSummary {
  readonly sets: readonly { readonly name: string; readonly environments: number }[];
  readonly eps: number;
  readonly comparison: SetComparison;
}

/** With `--group-by`: the groups, and the maps between them. */
export interface Grouped {
  readonly groups?: { readonly by: string } & SetMapsSummary;
}

/** With `--group-by`: the share of each group of the one set that each group of the other, the reference, knows. */
export interface GroupedComparison {
  readonly groups?: {
    readonly by: string;
    readonly sets: readonly { readonly name: string; readonly environments: number }[];
    readonly reference: readonly { readonly name: string; readonly environments: number }[];
    /** For each bandwidth, [test group][reference group]. */
    readonly maps: readonly { readonly bandwidth: number; readonly overlap: readonly (readonly number[])[] }[];
  };
}

/** H and D; with `--tolerance`, how far they can be trusted. */
export interface MeasuredEntropy extends EntropyResult {
  readonly estimate?: SamplingError;
}

export interface MetricsResult extends MeasuredEntropy, OfGroup {
  /** δH of each environment against the whole set, itself included: never above 0. Null with `--tolerance`. */
  readonly dH: Summary | null;
  /** H of each frame; null where a matrix knows no frames, for a group, and with `--tolerance` where frames are large. */
  readonly frameEntropy: Summary | null;
}

/** What a result says of a subset. */
export interface GapResult extends OfGroup {
  readonly bandwidth: number;
  /** H(full) − H(subset), nats */
  readonly gap: number;
  readonly full: { readonly entropy: number; readonly diversity: number; readonly environments: number };
  readonly subset: { readonly entropy: number; readonly diversity: number; readonly environments: number };
}

export interface BandwidthResult extends OfGroup {
  readonly rule: string;
  readonly bandwidth: number;
  readonly reason: string;
}

export interface NeighborsResult {
  readonly cutoff: number;
  /** Within the cutoff. */
  readonly expected: number | null;
  readonly counted: SpreadSummary | null;
  /** Smallest k that sees every neighbour of nearly all atoms. */
  readonly suggested: number;
  /** Share of atoms of which the k of the options sees every neighbour. */
  readonly seenWhole: number | null;
  /** The environment that was cut out. */
  readonly environment: { readonly atom: number; readonly atoms: number } | null;
}

/** What `surprisal convert` says. */
export interface ConvertDocument extends DocumentHead<'convert'> {
  readonly inputs: readonly InputSummary[];
  readonly results: readonly {
    /** Null for a matrix. */
    readonly frames: number | null;
    readonly environments: number;
    readonly format: string;
  }[];
  readonly backend: BackendSummary;
  readonly seconds: Seconds;
  readonly warnings: readonly string[];
  readonly output: string;
}

export type InfoDocument = AnalysisDocument<'info', FileSummary>;
export type DescriptorsDocument = AnalysisDocument<'descriptors', DescriptorsResult>;
export type EntropyDocument = AnalysisDocument<'entropy', MeasuredEntropy & OfGroup> & Grouped;
export type DhDocument = AnalysisDocument<'dh', DhResult & OfGroup> & Comparison & GroupedComparison & Streamed;
export type OverlapDocument = AnalysisDocument<'overlap', OverlapResult & OfGroup> &
  Comparison &
  GroupedComparison &
  Streamed;
export type MetricsDocument = AnalysisDocument<'metrics', MetricsResult> &
  Grouped & { readonly sensitivity?: SensitivityResult };
export type LearningCurveDocument = AnalysisDocument<'learning-curve', LearningCurve & OfGroup> & Grouped;
export type GapDocument = AnalysisDocument<'gap', GapResult> &
  GroupedComparison & { readonly subset: ReferenceSummary };
export type CompareDocument = AnalysisDocument<'compare', MeasuredEntropy & { readonly set: string }> & {
  readonly maps: SetMapsSummary;
};
export type LeakageDocument = AnalysisDocument<'leakage', LeakageResult & OfGroup> & Comparison & GroupedComparison;
export type BandwidthDocument = AnalysisDocument<'bandwidth', BandwidthResult> &
  Grouped & {
    readonly scan?: readonly (BandwidthScanRow & OfGroup)[];
  };
export type NeighborsDocument = AnalysisDocument<'neighbors', NeighborsResult>;
