import { CifFrames } from './cif-frames.ts';
import { formatExtxyz } from './format-extxyz.ts';
import { type FrameWriter, singleFrame } from './frame-writer.ts';
import { parseReal } from './info-value.ts';
import { LammpsDataFrames } from './lammps-data-frames.ts';
import { LammpsDumpFrames, type LammpsOptions } from './lammps-dump-frames.ts';
import { LammpsDataWriter, LammpsDumpWriter } from './lammps-writers.ts';
import type { LineReader } from './line-reader.ts';
import { PlainXyzWriter } from './plain-xyz-writer.ts';
import { PoscarFrames } from './poscar-frames.ts';
import type { RowBlocks } from './row-blocks.ts';
import type { FrameReader } from './select-frames.ts';
import { PoscarWriter, XdatcarWriter } from './vasp-writers.ts';
import type { Warnings } from './warnings.ts';
import { XdatcarFrames } from './xdatcar-frames.ts';
import { XyzFrames } from './xyz-frames.ts';

/** The formats of structure files. Extended and plain XYZ share one reader: each frame says which it is. */
export type StructureFormat = 'cif' | 'extxyz' | 'lammps-data' | 'lammps-dump' | 'poscar' | 'xdatcar' | 'xyz';

/** What readers are told beside the lines. */
interface FormatOptions extends LammpsOptions {
  /** Columns that are kept; a reader may hand out more. Default: every one. */
  readonly columns?: readonly string[] | undefined;
}

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
  read?(lines: LineReader, warnings: Warnings, options: FormatOptions, blocks: RowBlocks | undefined): FrameReader;
  /** Undefined where the format is not written. */
  write?(warnings: Warnings): FrameWriter;
}

/** Every format, in the order in which contents are held against them: what is told by a mere number comes last. */
export const STRUCTURE_FORMATS: readonly StructureFormatEntry[] = [
  {
    name: 'cif',
    title: 'CIF',
    extensions: ['cif', 'mmcif'],
    recognizes: (lines) => /^data_\S/i.test(lines.find((line) => /^\s*[^\s#]/.test(line))?.trim() ?? ''),
    read: (lines, warnings) => new CifFrames(lines, warnings),
  },
  {
    name: 'lammps-dump',
    title: 'LAMMPS text dump',
    extensions: ['dump', 'lammpstrj', 'lammpsdump'],
    recognizes: (lines) => firstWritten(lines).startsWith('ITEM:'),
    read: (lines, warnings, options, blocks) => new LammpsDumpFrames(lines, warnings, options, blocks),
    write: (warnings) => new LammpsDumpWriter(warnings),
  },
  {
    name: 'xdatcar',
    title: 'XDATCAR',
    extensions: ['xdatcar'],
    names: /^XDATCAR/i,
    recognizes: (lines) => {
      const atoms = linesBehindVaspCell(lines)?.slice(0, 4) ?? [];
      return atoms.some((line) => /^\s*(?:direct\s+configuration|konfig)\s*=/i.test(line));
    },
    read: (lines, warnings, options) => new XdatcarFrames(lines, warnings, options),
    write: (warnings) => new XdatcarWriter(warnings),
  },
  {
    name: 'poscar',
    title: 'POSCAR',
    extensions: ['vasp', 'poscar', 'contcar'],
    names: /^(?:POSCAR|CONTCAR)/i,
    recognizes: (lines) =>
      linesBehindVaspCell(lines)
        ?.slice(0, 6)
        .some((line) => /^\s*\d+(?:\s+\d+)*\s*$/.test(line)) === true,
    read: (lines, warnings, options) => new PoscarFrames(lines, warnings, options),
    write: (warnings) => singleFrame(new PoscarWriter(warnings), 'POSCAR', 'xdatcar or extxyz'),
  },
  {
    name: 'lammps-data',
    title: 'LAMMPS data',
    extensions: ['lmp', 'data', 'lammps-data'],
    // LAMMPS users name files data.copper; data.json and the like are something else.
    names:
      /^data\.(?!(?:csv|db|h5|hdf5|ini|json|log|md|np[yz]|pdf|pickle|pkl|png|py|sql|sqlite|toml|tsv|txt|xml|ya?ml|zip)$)/i,
    recognizes: (lines) =>
      lines.slice(1).some((line) => /^(?:\s*\S+){2}\s+(?:xlo\s+xhi|\S+\s+avec)\s*(?:#.*)?$/.test(line)),
    read: (lines, warnings, options) => new LammpsDataFrames(lines, warnings, options),
    write: (warnings) => singleFrame(new LammpsDataWriter(warnings), 'LAMMPS data', 'lammps-dump or extxyz'),
  },
  {
    name: 'extxyz',
    title: 'extended XYZ',
    extensions: ['xyz', 'extxyz', 'exyz'],
    recognizes: (lines) =>
      COUNT.test(firstWritten(lines)) && /(^|\s)(properties|lattice)\s*=/i.test(behindFirst(lines)),
    read: (lines, warnings, { columns }, blocks) => new XyzFrames(lines, warnings, columns, blocks),
    write: (warnings) => ({
      write: (structure) => formatExtxyz(structure, { onWarning: (message) => warnings.warn(message, message) }),
    }),
  },
  {
    name: 'xyz',
    title: 'plain XYZ',
    extensions: [],
    recognizes: (lines) => COUNT.test(firstWritten(lines)),
    read: (lines, warnings, { columns }, blocks) => new XyzFrames(lines, warnings, columns, blocks),
    write: (warnings) => new PlainXyzWriter(warnings),
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

/** What stands behind the three cell vectors of a file of VASP; undefined where the first lines are not of one. */
function linesBehindVaspCell(lines: readonly string[]): readonly string[] | undefined {
  const numbers = lines.slice(1, 5).map((line) =>
    line
      .replace(/[#!].*/, '')
      .trim()
      .split(/\s+/)
      .map(parseReal),
  );
  const areFinite = numbers.length === 4 && numbers.flat().every(Number.isFinite);
  const [scale = [], ...vectors] = numbers;
  const isVasp = areFinite && (scale.length === 1 || scale.length === 3) && vectors.every(({ length }) => length === 3);
  return isVasp ? lines.slice(5) : undefined;
}
