/** Changed, here and in addon.cc, whenever a function of the addon takes or gives something else. */
export const INTERFACE_VERSION = 4;

/** Real numbers in either precision; over an ArrayBuffer (copied before the call returns) or a SharedArrayBuffer. */
export type FloatArray = Float64Array | Float32Array;

/**
 * Work under way in native threads.
 *
 * `result` rejects with an Error that has a `code` (ABORTED, INVALID_CELL, COINCIDENT_ATOMS, OUT_OF_MEMORY, …).
 */
export interface NativeJob<T> {
  readonly result: Promise<T>;
  /** Units of work in the whole job, the unit of {@link NativeJob.done}. */
  readonly total: number;
  /** Units finished so far; cheap, to be polled. */
  done(): number;
  /** Asks the threads to stop; `result` then rejects with ABORTED, usually within milliseconds. */
  cancel(): void;
}

/** Structures side by side: F frames, N atoms in all. */
export interface StructureBatch {
  /** (N×3), Å */
  readonly positions: Float64Array;
  /** (F+1), the first atom of each frame, then N */
  readonly offsets: Uint32Array;
  /** (F×9), Å, rows are vectors; a vector along an axis that is not periodic is not looked at */
  readonly cells: Float64Array;
  /** (F×3), 0 or 1 */
  readonly pbc: Uint8Array;
}

/** For each query, the references `starts[i]` … `ends[i]` (exclusive) that do not count. */
export interface NativeRowWindows {
  /** (m) */
  readonly starts: Uint32Array;
  /** (m), not below starts, at most n */
  readonly ends: Uint32Array;
}

/** How a kernel sum is done. */
export interface NativeKernelSumOptions {
  /** Nats by which what is left out may raise a δH at the most; 0 leaves nothing out. */
  readonly skipBelow: number;
  /** Work on float32 rows in float64. */
  readonly double: boolean;
}

/** Full neighbour list: pairs of atom i are `offsets[i]` … `offsets[i + 1]`, nearest first. */
export interface NativeNeighborList {
  /** (N+1) */
  readonly offsets: Float64Array;
  /** (pairs), atom of the batch */
  readonly indices: Uint32Array;
  /** (pairs×3), which periodic image of the neighbour, in cell vectors */
  readonly shifts: Int32Array;
  /** (pairs), Å */
  readonly distances: Float64Array;
  /** (pairs×3), Å, from the atom to its neighbour; empty unless asked for */
  readonly vectors: Float64Array;
}

/** The k nearest neighbours of every atom, nearest first; rows end early where there are fewer. */
export interface NativeNearest {
  /** (N), all neighbours within the cutoff, not only the k nearest */
  readonly counts: Uint32Array;
  /** (N), r_{k+1} − r_k in Å; Infinity where there are no more than k neighbours */
  readonly gaps: Float64Array;
  /** (N×k), atom of the batch; 0xffffffff past the end of a row */
  readonly indices: Uint32Array;
  /** (N×k), Å; Infinity past the end of a row */
  readonly distances: Float64Array;
}

/** A structure that is described part by part. Its atoms are sorted for the neighbour search once, in the first part. */
export interface NativeQuestsFrame {
  /**
   * Descriptors of the atoms at places `first` to `end` (exclusive) of the order in which they were sorted, written to `out`.
   * One part at a time; where that is not so it throws INVALID_ARGUMENT.
   *
   * @param out  ((end−first)×columns) over a SharedArrayBuffer
   * @returns (end−first), which atoms these are
   */
  describe(first: number, end: number, out: FloatArray, threads: number): NativeJob<Uint32Array>;
  /** Gives the memory back, at once or when a job that is under way ends; nothing else can be done with it afterwards. */
  close(): void;
}

/** What {@link NativeAddon.parseRows} made of the first rows. */
export interface NativeRows {
  readonly rows: number;
  /** Bytes that these rows take. */
  readonly length: number;
  /** Whether the next row is there, and is one that only the reference can read or refuse. */
  readonly odd: boolean;
  /** For each column its different words, in the order in which they come. */
  readonly words: readonly (readonly string[])[];
  /** For each column, whether all of its real numbers are written as digits alone and below 2^53. */
  readonly whole: readonly boolean[];
}

/** Values of rows, of any kind. */
export type NativeColumn = Float64Array | Uint16Array | Uint8Array;

/** A group of columns for {@link NativeAddon.writeRows}. */
export type NativeTextField =
  /** (rows×width); numbers that look whole end in .0 where a point is asked for */
  | { readonly values: Float64Array; readonly width: number; readonly withPoint?: boolean }
  /** (rows) places among the words */
  | { readonly words: readonly string[]; readonly index: Uint16Array };

/** What {@link NativeAddon.sortRows} found. */
export type NativeRowOrder =
  /** They lie in order already; or so far apart that somebody else must sort them. */
  | { readonly order: 'sorted' }
  | { readonly order: 'sparse' }
  /** A row has the id of one before it. */
  | { readonly order: 'repeated'; readonly repeated: number }
  | {
      readonly order: 'found';
      /** (n) the row that comes at each place */
      readonly rows: Uint32Array;
      /** (n) */
      readonly ids: Float64Array;
      /** The bytes of each column. */
      readonly columns: readonly Uint8Array[];
    };

/** The nearest references of every query, nearest first; rows end early where fewer count. */
export interface NativeNearestReferences {
  /** (m×k); 0xffffffff past the end of a row */
  readonly rows: Uint32Array;
  /** (m×k); Infinity past the end of a row */
  readonly distances: Float64Array;
}

/**
 * The compiled module, one JavaScript function for each C++ one. Arguments are checked where they would be unsafe
 * (lengths, kinds); what they mean is checked by the packages above.
 */
export interface NativeAddon {
  /** {@link INTERFACE_VERSION} of the sources that the binary was compiled from. */
  readonly interfaceVersion: number;
  /** Instruction set in use: `avx512`, `avx2`, `neon` or `baseline`. */
  readonly isa: string;
  /** Instruction sets that this binary holds and this CPU can run. */
  readonly isas: readonly string[];
  /** Compiler and its version. */
  readonly compiler: string;

  /**
   * ln Σ_j w_j exp(−|x_i − y_j|² / 2h²) for every query and bandwidth, over all references but those left out.
   *
   * @param options.decisions  values of ln s: a sum too near one to be told from it is done again in float64
   * @param options.exact  all by log-sum-exp of differences in float64, as what is done again
   * @returns (bandwidths×m), nats; −Infinity where nothing is left
   */
  logKernelSum(
    queries: FloatArray,
    references: FloatArray,
    columns: number,
    bandwidths: Float64Array,
    weights: Float64Array | null,
    leftOut: NativeRowWindows | null,
    options: NativeKernelSumOptions & { readonly decisions: Float64Array; readonly exact: boolean },
    threads: number,
  ): NativeJob<Float64Array>;

  /**
   * Σ_j exp(−|x_i − x_j|² / 2h²) of every row over all rows, each pair once: one share of the pairs. The shares added up,
   * number by number, are the sums: to the same bits for any number of shares.
   *
   * @param options.share  0 … shares − 1
   * @returns (bandwidths×n×3), whole numbers below 2⁴¹ for 2⁻⁹⁰, 2⁻⁴⁹ and 2⁻⁸
   */
  selfKernelSums(
    rows: FloatArray,
    columns: number,
    bandwidths: Float64Array,
    options: NativeKernelSumOptions & { readonly share: number; readonly shares: number },
    threads: number,
  ): NativeJob<Float64Array>;

  /**
   * The k references with the smallest (d², row) of every query, of those that are not left out.
   *
   * @param beyond  squared distance: references at this one or nearer do not count; below 0 for none
   * @param within  squared distance: references farther than this do not count; may be Infinity
   */
  nearestReferences(
    queries: FloatArray,
    references: FloatArray,
    columns: number,
    k: number,
    leftOut: NativeRowWindows | null,
    beyond: number,
    within: number,
    threads: number,
  ): NativeJob<NativeNearestReferences>;

  /**
   * QUESTS descriptors of every atom, written to `out`.
   *
   * @param parts  1 = X1, 2 = X2, 3 = both
   * @param out  (N×columns) over a SharedArrayBuffer, columns = k, k − 1 or 2k − 1
   */
  questsDescriptors(
    batch: StructureBatch,
    k: number,
    cutoff: number,
    tieTolerance: number,
    parts: number,
    out: FloatArray,
    threads: number,
  ): NativeJob<undefined>;

  /**
   * A structure, alone in its batch, to be described as `questsDescriptors` does, but part by part.
   *
   * @param parts  1 = X1, 2 = X2, 3 = both
   */
  questsFrame(batch: StructureBatch, k: number, cutoff: number, tieTolerance: number, parts: number): NativeQuestsFrame;

  neighborList(batch: StructureBatch, cutoff: number, vectors: boolean, threads: number): NativeJob<NativeNeighborList>;

  nearestNeighbors(batch: StructureBatch, k: number, cutoff: number, threads: number): NativeJob<NativeNearest>;

  /**
   * Reads rows of fields, separated by white space, up to the first one that is odd in any way.
   *
   * @param bytes  whole lines, over a SharedArrayBuffer that nobody writes to meanwhile
   * @param fields  (fields×4) for each: its kind (0 real, 1 finite real, 2 whole, 3 logical, 4 word, 5 atomic number;
   *   see row_parser.h), the number of its column (fields of one column share their words), where the value of the first row
   *   lies in `out`, and by how many bytes the next row's lies behind it; 0: looked at and not kept
   * @param restIgnored  whether a row may go on behind its fields
   * @param ends  how every line must end: 0 with `\n`, 1 with `\r\n`, 2 with either
   * @param rows  for which `out` has room
   * @param out  over a SharedArrayBuffer: doubles for kinds 0 to 2, bytes for 3, Uint16 for 4 (place among the words) and 5
   */
  parseRows(
    bytes: Uint8Array,
    fields: Uint32Array,
    restIgnored: boolean,
    ends: number,
    rows: number,
    threads: number,
    out: Uint8Array,
  ): NativeJob<NativeRows>;

  /**
   * Rows in the order of their ids: `columns`, each of so many bytes per row, gathered into new memory.
   *
   * @param ids  (n) whole numbers, in a buffer of {@link NativeAddon.largeBuffer}
   * @param columns  in such buffers, too
   */
  sortRows(ids: Float64Array, columns: readonly NativeColumn[], threads: number): NativeJob<NativeRowOrder>;

  /**
   * Rows `from` to `end` (exclusive) as text: a line each, a blank between fields, numbers as the shortest decimal that reads as the
   * same double, in the form of `String(number)` but for −0 (-0) and what is not finite (nan, inf, -inf). At once, not as a job.
   */
  writeRows(fields: readonly NativeTextField[], from: number, end: number): string;

  /**
   * Memory full of zeros that belongs to the addon, in huge pages where the system has them: filling many megabytes for the first
   * time is several times as fast as in an ordinary buffer, and calls use it in place. It can be copied to another thread, but
   * not transferred.
   *
   * @throws {Error} with `code` OUT_OF_MEMORY
   */
  largeBuffer(bytes: number): ArrayBuffer;

  /**
   * Fused multiply-adds per second of all threads, operands in registers: what the machine can do at best.
   *
   * @param rounds  of each of 16 items per thread; some 10⁶ make a measurement of milliseconds
   */
  multiplyAddRate(single: boolean, rounds: number, threads: number): NativeJob<number>;

  /**
   * Exponentials per second of all threads, as kernel sums take them.
   *
   * @param rounds  of each of 16 items per thread; some 10⁵ make a measurement of milliseconds
   */
  exponentialRate(single: boolean, rounds: number, threads: number): NativeJob<number>;

  /**
   * Bytes per second that all threads move between processor and memory: `read` one array, `copy` one to another, or add
   * multiples of two into a third (`triad`).
   *
   * @param count   float64 numbers in each array; beyond the caches, or these are measured instead
   * @param passes  over the arrays, after a first one that is not timed
   */
  memoryRate(pattern: 'read' | 'copy' | 'triad', count: number, passes: number, threads: number): NativeJob<number>;
}
