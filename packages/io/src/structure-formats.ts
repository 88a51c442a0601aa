import { formatExtxyz } from './format-extxyz.ts';
import type { FrameWriter } from './frame-writer.ts';
import { LammpsDumpFrames, type LammpsDumpOptions } from './lammps-dump-frames.ts';
import type { LineReader } from './line-reader.ts';
import type { FrameReader } from './select-frames.ts';
import type { Warnings } from './warnings.ts';
import { XyzFrames } from './xyz-frames.ts';

/** The formats of structure files. Extended and plain XYZ share one reader: each frame says which it is. */
export type StructureFormat = 'extxyz' | 'lammps-dump' | 'xyz';

/** One format: how it is told from others, read and written. */
export interface StructureFormatEntry {
  readonly name: StructureFormat;
  /** What sentences call it. */
  readonly title: string;
  /** Endings of names that tell it, in small letters, without the dot. */
  readonly extensions: readonly string[];
  /** Names of files that tell it without an ending, such as POSCAR. */
  readonly names?: RegExp;
  /** Whether the first lines of a file tell it; the last of them may be cut off. */
  recognizes(lines: readonly string[]): boolean;
  /** Undefined where the format is not read. */
  read?(lines: LineReader, warnings: Warnings, options: LammpsDumpOptions): FrameReader;
  /** Undefined where the format is not written. */
  write?(warnings: Warnings): FrameWriter;
}

/** Every format, in the order in which contents are held against them: what is told by a mere number comes last. */
export const STRUCTURE_FORMATS: readonly StructureFormatEntry[] = [
  {
    name: 'lammps-dump',
    title: 'LAMMPS text dump',
    extensions: ['dump', 'lammpstrj', 'lammpsdump'],
    recognizes: (lines) => firstWritten(lines).startsWith('ITEM:'),
    read: (lines, warnings, options) => new LammpsDumpFrames(lines, warnings, options),
  },
  {
    name: 'extxyz',
    title: 'extended XYZ',
    extensions: ['xyz', 'extxyz', 'exyz'],
    recognizes: (lines) =>
      COUNT.test(firstWritten(lines)) && /(^|\s)(properties|lattice)\s*=/i.test(behindFirst(lines)),
    read: (lines, warnings) => new XyzFrames(lines, warnings),
    write: (warnings) => ({
      write: (structure) => formatExtxyz(structure, { onWarning: (message) => warnings.warn(message, message) }),
    }),
  },
  {
    name: 'xyz',
    title: 'plain XYZ',
    extensions: [],
    recognizes: (lines) => COUNT.test(firstWritten(lines)),
    read: (lines, warnings) => new XyzFrames(lines, warnings),
  },
];

/** The formats that can be read. */
export const READABLE_FORMATS: readonly StructureFormat[] = namesOf(({ read }) => read !== undefined);

/** The formats that can be written. */
export const WRITABLE_FORMATS: readonly StructureFormat[] = namesOf(({ write }) => write !== undefined);

const COUNT = /^\+?\d+$/;

function namesOf(predicate: (entry: StructureFormatEntry) => boolean): StructureFormat[] {
  return STRUCTURE_FORMATS.filter(predicate).map(({ name }) => name);
}

/** The first line that is not blank. */
function firstWritten(lines: readonly string[]): string {
  return lines.find((line) => line.trim() !== '')?.trim() ?? '';
}

/** The line behind the first one that is not blank. */
function behindFirst(lines: readonly string[]): string {
  return lines[lines.findIndex((line) => line.trim() !== '') + 1] ?? '';
}
