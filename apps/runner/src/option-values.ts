import type { BackendPreference, Precision } from '@surprisal/core';
import type { FrameSlice, StructureFormat } from '@surprisal/io';
import { InvalidArgumentError } from 'commander';

/** Everything that the options of a command may say, parsed. Those that a command does not have are undefined. */
export interface CommandOptions {
  /** The options that stand on the command line, and their long flags. */
  readonly given: ReadonlyMap<string, string>;
  readonly k: number;
  /** Å */
  readonly cutoff: number;
  /** Å */
  readonly tieTolerance: number;
  /** Undefined where the inputs decide, see `choosePrecision`. */
  readonly precision: Precision | undefined;
  /** What is computed of an environment: the name of a descriptor, or the path of a module. */
  readonly descriptor: string;
  /** Its own options, as JSON. */
  readonly descriptorOptions: string | undefined;
  readonly bandwidth: BandwidthOption;
  /** Nats by which what is left out of kernel sums may raise a δH. */
  readonly skipBelow: number;
  /** The label by which environments are told apart. */
  readonly groupBy: string | undefined;
  /** nats */
  readonly eps: number;
  /** Files of the reference set. */
  readonly reference: readonly string[];
  /** Files of the subset, of `gap`. */
  readonly subset: readonly string[];
  /** Shares of the units that a learning curve looks at. */
  readonly fractions: readonly number[];
  /** Draws at each share. */
  readonly repeats: number;
  readonly seed: number;
  /** What is drawn. */
  readonly unit: 'frames' | 'environments';
  readonly order: 'random' | 'file';
  /** Random directions of the sliced Wasserstein distance. */
  readonly projections: number;
  /** nats: half-width of the interval of H that is good enough; undefined for H exactly. */
  readonly tolerance: number | undefined;
  /** Whether `metrics` varies k, cutoff and bandwidth. */
  readonly sensitivity: boolean;
  /** Å³ per atom */
  readonly volume: number | undefined;
  /** Which rule gives the bandwidth. */
  readonly rule: BandwidthRuleName | undefined;
  readonly scan: boolean;
  /** 1/Å, the ends of the scan and the number of its steps. */
  readonly scanRange: readonly [from: number, to: number, count: number];
  /** g/cm³ */
  readonly density: number | undefined;
  /** u, mean over the atoms */
  readonly mass: number | undefined;
  /** Atom of which the environment is cut out, counted from 0. */
  readonly atom: number | undefined;
  /** Pairs that `leakage` lists, at the most. */
  readonly limit: number;
  /** Format that `convert` writes. */
  readonly to: StructureFormat | undefined;
  readonly frames: FrameOption | undefined;
  readonly format: StructureFormat | undefined;
  readonly species: Readonly<Record<number, string>> | undefined;
  readonly units: string | undefined;
  readonly array: string | undefined;
  /** Bytes that may come out of a compressed one. */
  readonly maxCompressionRatio: number | undefined;
  readonly threads: number | undefined;
  /** Bytes. */
  readonly memory: number | undefined;
  readonly backend: BackendPreference;
  readonly output: string | undefined;
  readonly overwrite: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  /** False with `--no-progress`. */
  readonly progress: boolean;
  readonly verbose: boolean;
}

/** How a bandwidth is found from the data. */
export type BandwidthRuleName = 'gaussian' | 'cutoff' | 'neighbors';

/** Bandwidths in 1/Å, or how to find one: `auto` takes a rule that serves the data. */
export type BandwidthOption = { readonly values: readonly number[] } | { readonly rule: BandwidthRuleName | 'auto' };

/** A slice, and how it was written. */
export interface FrameOption {
  readonly text: string;
  readonly slice: FrameSlice;
}

/** A whole number from `least` on. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = numberOf(text);
    if (!Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} on.`);
    }
    return value;
  };
}

/** A finite number above 0. */
export function positiveNumber(text: string): number {
  const value = numberOf(text);
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

/** A finite number from 0 on. */
export function numberFromZero(text: string): number {
  const value = numberOf(text);
  if (!(value >= 0 && value < Number.POSITIVE_INFINITY))
    throw new InvalidArgumentError('It must be a number from 0 on.');
  return value;
}

/** Nats from 0 to below 1. */
export function skipBelow(text: string): number {
  const value = numberOf(text);
  if (!(value >= 0 && value < 1)) throw new InvalidArgumentError('It must be a number from 0 to below 1.');
  return value;
}

/** A finite number. */
export function finiteNumber(text: string): number {
  const value = numberOf(text);
  if (!Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

/** A size of memory in bytes, of `512M`, `2G`, `1.5GiB`: in powers of 1024, whether an i is written or not. */
export function memorySize(text: string): number {
  const [, size, unit] = /^\s*(\d+(?:\.\d+)?)\s*([KMGT])(?:i?B)?\s*$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(size) * 1024 ** ('KMGT'.indexOf(unit?.toUpperCase() ?? '') + 1));
  if (!Number.isSafeInteger(bytes) || bytes < 1) {
    throw new InvalidArgumentError('Give a size with its unit, K, M, G or T, as in 512M or 2G.');
  }
  return bytes;
}

/** Numbers above 0 with commas between them, no two alike: `0.015,0.02`. */
function positiveNumbers(text: string): readonly number[] {
  const values = text.split(',').map(positiveNumber);
  if (new Set(values).size < values.length) throw new InvalidArgumentError('One value is there twice.');
  return values;
}

/** Bandwidths, or `auto`, or `auto:` and the name of a rule. */
export function bandwidthOption(text: string): BandwidthOption {
  const [, rule] = /^auto(?::(.*))?$/.exec(text) ?? [];
  if (text === 'auto') return { rule: 'auto' };
  if (rule === undefined) return { values: positiveNumbers(text) };
  if (rule === 'gaussian' || rule === 'cutoff' || rule === 'neighbors') return { rule };
  throw new InvalidArgumentError('The rules are auto:gaussian, auto:cutoff and auto:neighbors.');
}

/** Shares above 0 and up to 1, in ascending order, no two alike. */
export function fractions(text: string): readonly number[] {
  const values = text.split(',').map((part) => {
    const value = numberOf(part);
    if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('Each share must lie above 0 and not above 1.');
    return value;
  });
  if (new Set(values).size < values.length) throw new InvalidArgumentError('One share is there twice.');
  return values.toSorted((a, b) => a - b);
}

/** Two bandwidths and a count between them: `0.003,0.3,25`. */
export function scanRange(text: string): readonly [from: number, to: number, count: number] {
  const [from, to, count] = text.split(',').map(numberOf) as [number, number, number];
  const sound =
    text.split(',').length === 3 && from > 0 && to > from && to < Number.POSITIVE_INFINITY && Number.isInteger(count);
  if (!sound || count < 2 || count > 1000) {
    throw new InvalidArgumentError('Give the ends and the number of steps, 2 to 1000, as in 0.003,0.3,25.');
  }
  return [from, to, count];
}

/** Symbols of LAMMPS atom types: `1=Cu,2=Zr`. */
export function speciesOfTypes(text: string): Readonly<Record<number, string>> {
  const species: Record<number, string> = {};
  for (const part of text.split(',')) {
    const [, type, symbol] = /^\s*([1-9]\d*)\s*=\s*(\S+)\s*$/.exec(part) ?? [];
    if (type === undefined || symbol === undefined || Number(type) in species) {
      throw new InvalidArgumentError('Give each atom type, from 1 on, its symbol, once, as in 1=Cu,2=Zr.');
    }
    species[Number(type)] = symbol;
  }
  return species;
}

function numberOf(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}
