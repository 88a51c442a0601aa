import { type Context, cooperate, createMatrix, type Matrix, ParseError, SurprisalError } from '@surprisal/core';
import { Inflate, Zip, ZipPassThrough } from 'fflate';
import { type ByteSource, memorySource, readBytes } from './byte-source.ts';
import { type CompressionLimit, checkCompressionRatio } from './compression-limit.ts';
import { crc32 } from './crc32.ts';
import {
  allocateNpy,
  arrangeNpy,
  type FormatNpyOptions,
  formatNpy,
  formatNpyWords,
  NPY_PREAMBLE_BYTES,
  type NpyHeader,
  npyDataBytes,
  npyHeaderLength,
  parseNpyHeader,
  warnOfNpyOrder,
} from './npy.ts';
import { readZipDirectory, type ZipMember, zipContentOffset } from './zip-directory.ts';

/** How a matrix is taken from a `.npz` archive. */
export interface NpzOptions extends Pick<Context, 'signal' | 'onProgress'>, CompressionLimit {
  /** Name of the array; default `descriptors`, else the only array of two dimensions. */
  readonly array?: string | undefined;
  /** Told of numbers that are not stored in the usual order. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** The name under which a matrix is written and looked for. */
const NPZ_ARRAY = 'descriptors';

const STORED = 0;
const DEFLATED = 8;
/** Compressed bytes are read, and plain ones written, in pieces of this size. */
const PIECE = 64 * 1024;
/** No deflated byte makes more than 1032 bytes; what claims to is not believed. */
const LARGEST_RATIO = 1032;
/** Most bytes of an archive without zip64. */
const LARGEST_ARCHIVE = 2 ** 32 - 2 ** 20;

/**
 * The matrix in the bytes of a `.npz` archive.
 *
 * @param bytes  the whole file
 * @param file  its name, for errors
 * @throws {SurprisalError} PARSE_ERROR if it is damaged; INVALID_ARGUMENT if it is not clear which array is meant;
 *   UNSUPPORTED as {@link parseNpy}, for compression other than deflate, and for one that expands beyond belief
 *   (`maxCompressionRatio`); ABORTED
 */
export function parseNpz(bytes: Uint8Array, file = '<input>', options: NpzOptions = {}): Promise<Matrix> {
  return readNpz(memorySource(bytes, file), options);
}

/** As {@link parseNpz}, from bytes that need not be in memory: only those of the array are read. */
export async function readNpz(source: ByteSource, options: NpzOptions = {}): Promise<Matrix> {
  const { member, file, content, header } = await openArray(source, options.array);
  if (member.method === DEFLATED && member.size > LARGEST_RATIO * member.compressedSize + PIECE) {
    throw new ParseError({ file }, `${member.compressedSize} compressed bytes cannot hold ${member.size}`);
  }
  if (member.method === DEFLATED) checkCompressionRatio(file, member.compressedSize, member.size, options);
  warnOfNpyOrder(header, file, options.onWarning);
  const target = allocateNpy(header, member.size - header.offset, file);
  await content.fill(target.bytes, cooperate('read', target.bytes.length, 'bytes', options));
  await arrangeNpy(target, cooperate('read', target.matrix.rows, 'rows', options));
  return target.matrix;
}

/** What the array that {@link readNpz} would read says about itself. */
export async function readNpzHeader(source: ByteSource, { array }: Pick<NpzOptions, 'array'> = {}): Promise<NpyHeader> {
  return (await openArray(source, array)).header;
}

/** The array that is meant, read as far as its header. */
async function openArray(
  source: ByteSource,
  array: string | undefined,
): Promise<{ member: ZipMember; file: string; content: MemberContent; header: NpyHeader }> {
  const members = (await readZipDirectory(source)).filter((member) => member.name.endsWith('.npy'));
  const member = await chooseMember(source, members, array);
  const file = `${source.file}[${arrayName(member)}]`;
  const content = new MemberContent(source, member, file);
  const preamble = await content.take(NPY_PREAMBLE_BYTES);
  const rest = await content.take(npyHeaderLength(preamble, file) - preamble.length);
  const head = new Uint8Array(preamble.length + rest.length);
  head.set(preamble);
  head.set(rest, preamble.length);
  return { member, file, content, header: parseNpyHeader(head, file) };
}

/**
 * A `.npz` archive of one matrix, stored without compression, in pieces.
 *
 * @throws {SurprisalError} UNSUPPORTED from 4 GB on: write `.npy`
 *
 * @example
 * const file = new Blob([...formatNpz(x)]);
 */
export function formatNpz(
  matrix: Matrix,
  options: FormatNpyOptions & { readonly array?: string | undefined } = {},
): Generator<Uint8Array, void> {
  return formatMembers([{ name: options.array ?? NPZ_ARRAY, array: matrix, options }]);
}

/** What an archive holds under a name: a matrix, a vector of numbers, or one of words. */
export type NpzArray = Matrix | Float64Array | readonly string[];

/**
 * A `.npz` archive of several arrays, as numpy.savez writes it, in pieces: matrices, and vectors of one dimension.
 *
 * @throws {SurprisalError} UNSUPPORTED from 4 GB on
 *
 * @example
 * const file = new Blob([...formatNpzArrays({ x, frames: Float64Array.of(0, 21, 42), species: ['Al', 'Ti'] })]);
 */
export function formatNpzArrays(arrays: Readonly<Record<string, NpzArray>>): Generator<Uint8Array, void> {
  return formatMembers(Object.entries(arrays).map(([name, array]) => ({ name, array })));
}

interface NamedArray {
  readonly name: string;
  readonly array: NpzArray;
  readonly options?: FormatNpyOptions;
}

function* formatMembers(members: readonly NamedArray[]): Generator<Uint8Array, void> {
  const bytes = members.reduce((sum, { array }) => sum + bytesOf(array), 0);
  if (bytes > LARGEST_ARCHIVE) {
    throw new SurprisalError('UNSUPPORTED', `${bytes} bytes are too many for .npz; write .npy`);
  }
  let pieces: Uint8Array[] = [];
  const archive = new Zip((error, piece) => {
    if (error) throw error;
    pieces.push(piece);
  });
  for (const { name, array, options } of members) {
    const member = new ZipPassThrough(`${name}.npy`);
    // The date of the archive format's epoch, so that equal matrices make equal files.
    member.mtime = '1980-01-01T00:00:00';
    archive.add(member);
    for (const part of formatArray(array, options)) {
      for (let at = 0; at < part.length; at += PIECE) {
        // A copy: the checksum of the library is not taken over shared memory, and pieces outlive the call.
        member.push(part.slice(at, at + PIECE));
        yield* pieces;
        pieces = [];
      }
    }
    member.push(new Uint8Array(0), true);
  }
  archive.end();
  yield* pieces;
}

function formatArray(array: NpzArray, options?: FormatNpyOptions): Generator<Uint8Array, void> {
  if (array instanceof Float64Array) return formatNpy(createMatrix(array.length, 1, array), { vector: true });
  return isMatrix(array) ? formatNpy(array, options) : formatNpyWords(array);
}

function bytesOf(array: NpzArray): number {
  if (array instanceof Float64Array) return array.byteLength;
  if (isMatrix(array)) return array.data.byteLength;
  return 4 * array.length * array.reduce((most, word) => Math.max(most, word.length), 1);
}

function isMatrix(array: Matrix | readonly string[]): array is Matrix {
  return 'data' in array;
}

function arrayName(member: ZipMember): string {
  return member.name.slice(0, -'.npy'.length);
}

async function chooseMember(
  source: ByteSource,
  members: readonly ZipMember[],
  name: string | undefined,
): Promise<ZipMember> {
  const { file } = source;
  const wanted = name ?? NPZ_ARRAY;
  const named = members.find((member) => arrayName(member) === wanted);
  if (named !== undefined) return named;
  const described: string[] = [];
  const candidates: ZipMember[] = [];
  for (const member of members) {
    const header = await peekHeader(source, member);
    described.push(`${arrayName(member)} ${typeof header === 'string' ? header : `(${header.shape.join(', ')})`}`);
    if (typeof header !== 'string' && header.shape.length === 2 && npyDataBytes(header) > 0) candidates.push(member);
  }
  const [only, other] = candidates;
  if (name === undefined && only !== undefined && other === undefined) return only;
  const holds = described.length === 0 ? 'no arrays' : described.join(', ');
  const problem =
    name !== undefined
      ? `there is no array "${name}"`
      : `there is no array "${NPZ_ARRAY}", and ${only === undefined ? 'none' : 'more than one'} with two dimensions`;
  throw new SurprisalError('INVALID_ARGUMENT', `${file}: ${problem}; the archive holds ${holds}. Name the array`, {
    details: { file, arrays: members.map(arrayName) },
  });
}

/** The header of an array, or why it cannot be used. */
async function peekHeader(source: ByteSource, member: ZipMember): Promise<NpyHeader | string> {
  try {
    const content = new MemberContent(source, member, source.file);
    const preamble = await content.take(NPY_PREAMBLE_BYTES);
    const rest = await content.take(npyHeaderLength(preamble, source.file) - preamble.length);
    return parseNpyHeader(Uint8Array.of(...preamble, ...rest), source.file);
  } catch (error) {
    if (!(error instanceof SurprisalError)) throw error;
    return typeof error.details['dtype'] === 'string' ? `of type ${error.details['dtype']}` : 'not readable';
  }
}

/** The content of a member, plain, from front to back, with its length and checksum checked at the end. */
class MemberContent {
  readonly #source: ByteSource;
  readonly #member: ZipMember;
  readonly #file: string;
  readonly #inflate: Inflate | undefined;
  #pieces: Uint8Array[] = [];
  #start: number | undefined;
  #readCompressed = 0;
  #produced = 0;
  #crc = 0;

  constructor(source: ByteSource, member: ZipMember, file: string) {
    this.#source = source;
    this.#member = member;
    this.#file = file;
    if (member.encrypted || (member.method !== STORED && member.method !== DEFLATED)) {
      const how = member.encrypted ? 'encrypted' : `compressed by method ${member.method}`;
      throw new SurprisalError(
        'UNSUPPORTED',
        `${file}: the array is ${how}; write it with numpy.savez or savez_compressed`,
      );
    }
    if (member.method === STORED && member.size !== member.compressedSize) {
      throw new ParseError({ file }, `${member.compressedSize} bytes are stored where ${member.size} are announced`);
    }
    if (member.method === DEFLATED) this.#inflate = new Inflate((piece) => this.#accept(piece));
  }

  /** The next bytes, few. */
  async take(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    await this.#copyInto(bytes);
    return bytes;
  }

  /** The rest, all of it. */
  async fill(target: Uint8Array, breathe: (done: number) => Promise<void> | undefined): Promise<void> {
    for (let at = 0; at < target.length; at += PIECE) {
      await this.#copyInto(target.subarray(at, at + PIECE));
      await breathe(at);
    }
    while (this.#readCompressed < this.#member.compressedSize) await this.#readPiece();
    if (this.#pieces.length > 0) throw this.#damaged('holds more than its header announces');
    if (this.#crc !== this.#member.crc) throw this.#damaged('is damaged: its checksum is wrong');
  }

  async #copyInto(target: Uint8Array): Promise<void> {
    let at = 0;
    while (at < target.length) {
      const piece = this.#pieces[0];
      if (piece === undefined) {
        if (this.#readCompressed >= this.#member.compressedSize) throw this.#damaged('ends too early');
        await this.#readPiece();
        continue;
      }
      const part = piece.subarray(0, target.length - at);
      target.set(part, at);
      this.#crc = crc32(part, this.#crc);
      at += part.length;
      if (part.length === piece.length) this.#pieces.shift();
      else this.#pieces[0] = piece.subarray(part.length);
    }
  }

  async #readPiece(): Promise<void> {
    this.#start ??= await zipContentOffset(this.#source, this.#member);
    const length = Math.min(PIECE, this.#member.compressedSize - this.#readCompressed);
    const piece = await readBytes(this.#source, this.#start + this.#readCompressed, length);
    this.#readCompressed += length;
    if (this.#inflate === undefined) {
      this.#accept(piece);
      return;
    }
    try {
      this.#inflate.push(piece, this.#readCompressed === this.#member.compressedSize);
    } catch (error) {
      if (error instanceof SurprisalError) throw error;
      throw this.#damaged('is damaged: it cannot be decompressed');
    }
  }

  #accept(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#produced += piece.length;
    if (this.#produced > this.#member.size)
      throw this.#damaged(`holds more than the ${this.#member.size} bytes it announces`);
    this.#pieces.push(piece);
  }

  #damaged(what: string): ParseError {
    return new ParseError({ file: this.#file }, `the array ${what}`);
  }
}
