import { ParseError } from '@surprisal/core';
import { type ByteSource, readBytes } from './byte-source.ts';

/** One file inside of a zip archive. */
export interface ZipMember {
  readonly name: string;
  /** 0: stored as it is; 8: deflated. */
  readonly method: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly crc: number;
  readonly headerOffset: number;
  readonly encrypted: boolean;
}

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const END64_SIGNATURE = 0x06064b50;
const END64_BYTES = 56;
const LOCATOR_SIGNATURE = 0x07064b50;
const LOCATOR_BYTES = 20;
const MEMBER_SIGNATURE = 0x02014b50;
const MEMBER_BYTES = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const LONGEST_COMMENT = 65535;
/** Largest directory that is believed. */
const LARGEST_DIRECTORY = 64 * 1024 * 1024;
const IN_EXTRA_16 = 0xffff;
const IN_EXTRA_32 = 0xffffffff;

/**
 * The table of contents of a zip archive (APPNOTE 6.3, zip64 included).
 *
 * @throws {SurprisalError} PARSE_ERROR if there is none, or it contradicts the size of the file
 */
export async function readZipDirectory(source: ByteSource): Promise<ZipMember[]> {
  const refuse = (problem: string) => new ParseError({ file: source.file }, problem);
  const tailBytes = Math.min(source.size, END_BYTES + LONGEST_COMMENT);
  const tail = viewOf(await readBytes(source, source.size - tailBytes, tailBytes));
  let end = tailBytes - END_BYTES;
  while (end >= 0 && tail.getUint32(end, true) !== END_SIGNATURE) end--;
  if (end < 0) throw refuse('this is not a zip archive, or it is cut off: its table of contents is missing');
  let count = tail.getUint16(end + 10, true);
  let size = tail.getUint32(end + 12, true);
  let offset = tail.getUint32(end + 16, true);
  if (count === IN_EXTRA_16 || size === IN_EXTRA_32 || offset === IN_EXTRA_32) {
    const locatorAt = source.size - tailBytes + end - LOCATOR_BYTES;
    const locator = locatorAt < 0 ? undefined : viewOf(await readBytes(source, locatorAt, LOCATOR_BYTES));
    if (locator?.getUint32(0, true) === LOCATOR_SIGNATURE) {
      const end64At = uint64(locator, 8);
      if (end64At + END64_BYTES > source.size) throw refuse('the table of contents of the zip archive is damaged');
      const end64 = viewOf(await readBytes(source, end64At, END64_BYTES));
      if (end64.getUint32(0, true) !== END64_SIGNATURE)
        throw refuse('the table of contents of the zip archive is damaged');
      count = uint64(end64, 32);
      size = uint64(end64, 40);
      offset = uint64(end64, 48);
    }
  }
  if (offset + size > source.size || size > LARGEST_DIRECTORY || count * MEMBER_BYTES > size) {
    throw refuse('the table of contents of the zip archive is damaged');
  }
  return parseMembers(viewOf(await readBytes(source, offset, size)), count, refuse);
}

/**
 * Where the content of a member begins.
 *
 * @throws {SurprisalError} PARSE_ERROR if it does not lie within the file
 */
export async function zipContentOffset(source: ByteSource, member: ZipMember): Promise<number> {
  const damaged = new ParseError({ file: source.file }, `the member ${member.name} of the zip archive is damaged`);
  if (member.headerOffset + LOCAL_BYTES > source.size) throw damaged;
  const local = viewOf(await readBytes(source, member.headerOffset, LOCAL_BYTES));
  if (local.getUint32(0, true) !== LOCAL_SIGNATURE) throw damaged;
  const offset = member.headerOffset + LOCAL_BYTES + local.getUint16(26, true) + local.getUint16(28, true);
  if (offset + member.compressedSize > source.size) throw damaged;
  return offset;
}

function parseMembers(view: DataView, count: number, refuse: (problem: string) => Error): ZipMember[] {
  const members: ZipMember[] = [];
  const decoder = new TextDecoder();
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (at + MEMBER_BYTES > view.byteLength || view.getUint32(at, true) !== MEMBER_SIGNATURE) {
      throw refuse('the table of contents of the zip archive is damaged');
    }
    const nameBytes = view.getUint16(at + 28, true);
    const extraBytes = view.getUint16(at + 30, true);
    const next = at + MEMBER_BYTES + nameBytes + extraBytes + view.getUint16(at + 32, true);
    if (next > view.byteLength) throw refuse('the table of contents of the zip archive is damaged');
    const name = decoder.decode(new Uint8Array(view.buffer, view.byteOffset + at + MEMBER_BYTES, nameBytes));
    let size = view.getUint32(at + 24, true);
    let compressedSize = view.getUint32(at + 20, true);
    let headerOffset = view.getUint32(at + 42, true);
    // Zip64 keeps what does not fit 32 bits, in this order, in an extra field of its own.
    const wide = zip64Values(view, at + MEMBER_BYTES + nameBytes, extraBytes);
    if (size === IN_EXTRA_32) size = wide.shift() ?? Number.NaN;
    if (compressedSize === IN_EXTRA_32) compressedSize = wide.shift() ?? Number.NaN;
    if (headerOffset === IN_EXTRA_32) headerOffset = wide.shift() ?? Number.NaN;
    if (![size, compressedSize, headerOffset].every(Number.isSafeInteger)) {
      throw refuse(`the sizes of the member ${name} of the zip archive are damaged`);
    }
    members.push({
      name,
      method: view.getUint16(at + 10, true),
      compressedSize,
      size,
      crc: view.getUint32(at + 16, true),
      headerOffset,
      encrypted: (view.getUint16(at + 8, true) & 1) !== 0,
    });
    at = next;
  }
  return members;
}

function zip64Values(view: DataView, from: number, length: number): number[] {
  for (let at = from; at + 4 <= from + length; ) {
    const bytes = view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === 1 && at + 4 + bytes <= from + length) {
      return Array.from({ length: Math.floor(bytes / 8) }, (_, place) => uint64(view, at + 4 + 8 * place));
    }
    at += 4 + bytes;
  }
  return [];
}

function uint64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
