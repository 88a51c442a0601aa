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
  readonly precision: Precision;
  /** 1/Å */
  readonly bandwidth: readonly number[];
  /** nats */
  readonly eps: number;
  /** Files of the reference set. */
  readonly reference: readonly string[];
  readonly frames: FrameOption | undefined;
  readonly format: StructureFormat | undefined;
  readonly species: Readonly<Record<number, string>> | undefined;
  readonly units: string | undefined;
  readonly array: string | undefined;
  readonly threads: number | undefined;
  readonly backend: BackendPreference;
  readonly output: string | undefined;
  readonly overwrite: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  /** False with `--no-progress`. */
  readonly progress: boolean;
  readonly verbose: boolean;
}

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

/** A finite number. */
export function finiteNumber(text: string): number {
  const value = numberOf(text);
  if (!Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

/** Numbers above 0 with commas between them, no two alike: `0.015,0.02`. */
export function positiveNumbers(text: string): readonly number[] {
  const values = text.split(',').map(positiveNumber);
  if (new Set(values).size < values.length) throw new InvalidArgumentError('One value is there twice.');
  return values;
}

/** Symbols of LAMMPS atom types: `1=Cu,2=Zr`. */
export function speciesOfTypes(text: string): Readonly<Record<number, string>> {
  const species: Record<number, string> = {};
  for (const part of text.split(',')) {
    const [, type, symbol] = /^\s*(\d+)\s*=\s*(\S+)\s*$/.exec(part) ?? [];
    if (type === undefined || symbol === undefined || Number(type) in species) {
      throw new InvalidArgumentError('Give each atom type its symbol, once, as in 1=Cu,2=Zr.');
    }
    species[Number(type)] = symbol;
  }
  return species;
}

function numberOf(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}
