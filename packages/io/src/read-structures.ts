import {
  type Context,
  ParseError,
  type Structure,
  SurprisalError,
  sharedBuffer,
  throwIfAborted,
} from '@surprisal/core';
import { CHEMICAL_SYMBOLS } from './chemical-symbols.ts';
import { detectFormat, HEAD_BYTES } from './detect-format.ts';
import type { FrameSlice } from './frame-slice.ts';
import { isWhite, LineReader } from './line-reader.ts';
import { type RowBlocks, rowBlocksFor } from './row-blocks.ts';
import { type FrameReader, selectFrames } from './select-frames.ts';
import { STRUCTURE_FORMATS, type StructureFormat } from './structure-formats.ts';
import { Warnings } from './warnings.ts';

/**
 * How structures are read. Where there is native code (`backend`), it reads the rows of atoms of LAMMPS dumps and of extended
 * and plain XYZ, on `threads` threads; what is read, and what is refused with which words, is the same.
 */
export interface ReadOptions extends Pick<Context, 'backend' | 'threads' | 'signal'> {
  /** The name of the file, for errors, warnings and the format. Default `<input>`. */
  readonly file?: string | undefined;
  /** Default: by content, then by the name. */
  readonly format?: StructureFormat | undefined;
  /** Default: every frame. */
  readonly frames?: FrameSlice | undefined;
  /** Symbols of the atom types of a LAMMPS file, or of the blocks of a VASP file that has none: `{ 1: 'Na', 2: 'Cl' }`. */
  readonly species?: Readonly<Record<number, string>> | undefined;
  /** Unit style of a LAMMPS file that does not say it; default `metal`, so that lengths are in Å. */
  readonly units?: string | undefined;
  /**
   * Names of the columns of the atoms that are kept; `[]` for none. The others are read and checked as ever, but take no
   * memory where a frame is large: in LAMMPS dumps and XYZ. Default: every one.
   */
  readonly columns?: readonly string[] | undefined;
  /** Told once of each thing that is odd about a file and yet can be read. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/**
 * The structures in a stream of bytes, frame by frame: one frame and one line are in memory, never the file.
 *
 * @param bytes  decompressed
 * @throws {SurprisalError} PARSE_ERROR if the content cannot be believed, with file and line; UNKNOWN_FORMAT if it is not
 *   recognised; UNSUPPORTED for compressed bytes and for lengths that are not lengths (LAMMPS units lj); BACKEND_UNAVAILABLE; ABORTED
 *
 * @example
 * const text = '2\nenergy=-1.5 pbc="F F F" Properties=species:S:1:pos:R:3\nH 0 0 0\nH 0 0 0.74\n';
 * const stream = new Blob([text]).stream();
 * for await (const molecule of readStructures(stream)) console.log(molecule.species.symbols); // [ 'H' ]
 */
export async function* readStructures(
  bytes: AsyncIterable<Uint8Array>,
  options: ReadOptions = {},
): AsyncGenerator<Structure, void> {
  throwIfAborted(options.signal);
  yield* readWith(rowBlocksFor(options), bytes, options);
}

/** The same, with these blocks of rows; without any the reference reads every row. */
export async function* readWith(
  blocks: RowBlocks | undefined,
  bytes: AsyncIterable<Uint8Array>,
  options: ReadOptions,
): AsyncGenerator<Structure, void> {
  const { file = '<input>', frames, signal } = options;
  const source = new PeekedSource(bytes);
  // Native code reads in place what lies in shared memory.
  const memory = (bytes: number) => new Uint8Array(sharedBuffer(bytes));
  const lines = new LineReader(source, file, signal, blocks && memory);
  const warnings = new Warnings(file, options.onWarning);
  try {
    const head = await source.peek(HEAD_BYTES);
    refuseCompressed(head, file);
    if (head.length < HEAD_BYTES && isBlank(head)) throw emptyFile(file);
    const reader = openReader(options.format ?? detectFormat(head, file), lines, warnings, options, blocks);
    const met = yield* selectFrames(
      keeping(options.columns, reader),
      frames ?? { start: undefined, stop: undefined, step: 1 },
    );
    warnOfText(lines, warnings);
    if (met.ended && met.frames === 0) throw emptyFile(file);
    if (met.selected === 0) {
      warnings.warn('frames', met.ended ? `none of its ${met.frames} frames was selected` : 'no frame was selected');
    }
  } finally {
    await lines.close();
  }
}

function openReader(
  format: StructureFormat | undefined,
  lines: LineReader,
  warnings: Warnings,
  options: ReadOptions,
  blocks: RowBlocks | undefined,
): FrameReader {
  const entry = STRUCTURE_FORMATS.find(({ name }) => name === format);
  if (entry?.read !== undefined) {
    const reader = entry.read(lines, warnings, options, blocks);
    // The types of LAMMPS have names of their authors.
    return entry.name.startsWith('lammps-') ? reader : new FramesOfElements(reader, warnings);
  }
  const known = STRUCTURE_FORMATS.filter(({ read }) => read !== undefined)
    .map(({ title }) => title)
    .join(', ');
  if (format === undefined) {
    throw new SurprisalError(
      'UNKNOWN_FORMAT',
      `${lines.file}: neither content nor name say of which format it is; known are: ${known}`,
      { details: { file: lines.file } },
    );
  }
  throw new SurprisalError('UNKNOWN_FORMAT', `"${String(format)}" is no known format; known are: ${known}`);
}

/** Frames without the columns of which nobody asked for the name. */
function keeping(names: readonly string[] | undefined, frames: FrameReader): FrameReader {
  if (names === undefined) return frames;
  return {
    async read() {
      const structure = await frames.read();
      if (structure === undefined) return undefined;
      return { ...structure, columns: new Map([...structure.columns].filter(([name]) => names.includes(name))) };
    },
    skip: () => frames.skip(),
  };
}

/** Frames of which it is said when their species are no elements. */
class FramesOfElements implements FrameReader {
  readonly #frames: FrameReader;
  readonly #warnings: Warnings;

  constructor(frames: FrameReader, warnings: Warnings) {
    this.#frames = frames;
    this.#warnings = warnings;
  }

  async read(): Promise<Structure | undefined> {
    const structure = await this.#frames.read();
    const strange = structure?.species.symbols.find((symbol) => !isSpecies(symbol));
    if (strange !== undefined) {
      this.#warnings.warn(
        'strange species',
        `the species ${JSON.stringify(strange.slice(0, LONGEST_SPECIES))} is no element; it is taken as the name of a species of its own`,
      );
    }
    return structure;
  }

  skip(): Promise<boolean> {
    return this.#frames.skip();
  }
}

/** Characters of the name of a species that are repeated. */
const LONGEST_SPECIES = 40;
const KNOWN_SPECIES: ReadonlySet<string> = new Set([...CHEMICAL_SYMBOLS, 'D', 'T']);

/** Elements, heavy hydrogen, and the names of what has none: X, X1, X2, …. */
function isSpecies(symbol: string): boolean {
  return KNOWN_SPECIES.has(symbol) || /^X\d*$/.test(symbol);
}

/** What compressed files begin with. */
const COMPRESSED: readonly { readonly name: string; readonly magic: readonly number[]; readonly remedy: string }[] = [
  { name: 'gzipped', magic: [0x1f, 0x8b], remedy: "DecompressionStream('gzip')" },
  { name: 'compressed by xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], remedy: 'xz -dc' },
  { name: 'compressed by bzip2', magic: [0x42, 0x5a, 0x68], remedy: 'bzip2 -dc' },
  { name: 'compressed by zstd', magic: [0x28, 0xb5, 0x2f, 0xfd], remedy: 'zstd -dc' },
  { name: 'a zip archive', magic: [0x50, 0x4b, 0x03, 0x04], remedy: 'unzip -p' },
];

function refuseCompressed(head: Uint8Array, file: string): void {
  const compression = COMPRESSED.find(({ magic }) => magic.every((byte, at) => head[at] === byte));
  if (compression === undefined) return;
  throw new SurprisalError(
    'UNSUPPORTED',
    `${file}: the bytes are ${compression.name}; decompress them first, for example with ${compression.remedy}`,
    { details: { file } },
  );
}

/** What is odd about the text itself. */
function warnOfText(lines: LineReader, warnings: Warnings): void {
  if (lines.hasMark) warnings.warn('mark', 'the file begins with a byte order mark, which is passed over');
  if (lines.otherEnd > 0) {
    warnings.warn(
      'ends',
      `line ${lines.otherEnd} ends otherwise than line 1: the line ends of Windows and Unix are mixed`,
    );
  }
}

/** White space, perhaps behind a byte order mark. */
function isBlank(head: Uint8Array): boolean {
  const hasMark = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf;
  return head.subarray(hasMark ? 3 : 0).every(isWhite);
}

function emptyFile(file: string): ParseError {
  return new ParseError({ file }, 'the file is empty; a frame was expected');
}

/** A stream whose beginning can be looked at before it is read. */
class PeekedSource implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #kept: Uint8Array[] = [];
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The first bytes: as many as asked for, or all. */
  async peek(bytes: number): Promise<Uint8Array> {
    let length = this.#kept.reduce((sum, chunk) => sum + chunk.length, 0);
    while (length < bytes && !this.#ended) {
      const { done, value } = await this.#source.next();
      if (done) this.#ended = true;
      else {
        this.#kept.push(value);
        length += value.length;
      }
    }
    const head = new Uint8Array(Math.min(length, bytes));
    let at = 0;
    for (const chunk of this.#kept) {
      head.set(chunk.subarray(0, head.length - at), at);
      at += Math.min(chunk.length, head.length - at);
    }
    return head;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () => {
        const chunk = this.#kept.shift();
        return chunk === undefined ? this.#source.next() : Promise.resolve({ done: false, value: chunk });
      },
      return: async () => {
        await this.#source.return?.();
        return { done: true, value: undefined };
      },
    };
  }
}
