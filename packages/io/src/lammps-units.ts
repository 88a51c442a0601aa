import { SurprisalError } from '@surprisal/core';
import type { Warnings } from './warnings.ts';

const BOHR = 0.529177210903;

/** Å in one unit of length, for each unit style of LAMMPS whose lengths are lengths. Bohr: CODATA 2018. */
const ANGSTROMS: ReadonlyMap<string, number> = new Map([
  ['real', 1],
  ['metal', 1],
  ['electron', BOHR],
  ['nano', 10],
  ['micro', 1e4],
  ['cgs', 1e8],
  ['si', 1e10],
]);

/** Units of velocity in one Å/fs. The atomic time unit of `electron` is the one of LAMMPS's documentation, 1.03275 fs. */
const VELOCITIES: ReadonlyMap<string, number> = new Map([
  ['real', 1],
  ['metal', 1e3],
  ['electron', 1.03275 / BOHR],
  ['nano', 1e5],
  ['micro', 1e5],
  ['cgs', 1e7],
  ['si', 1e5],
]);

/** The unit styles of LAMMPS in which lengths are lengths. */
export const LAMMPS_UNIT_STYLES: readonly string[] = [...ANGSTROMS.keys()];

/** The unit style that LAMMPS files are taken to have where neither the file nor the caller says. */
export const DEFAULT_LAMMPS_UNITS = 'metal';

/**
 * Å in one unit of length of a LAMMPS unit style.
 *
 * @throws {SurprisalError} UNSUPPORTED for `lj`, whose lengths are multiples of a σ that is not in the file;
 *   INVALID_ARGUMENT for a style that LAMMPS does not have
 */
export function lammpsLength(style: string): number {
  const length = ANGSTROMS.get(style);
  if (length !== undefined) return length;
  const known = LAMMPS_UNIT_STYLES.join(', ');
  if (style === 'lj') {
    throw new SurprisalError(
      'UNSUPPORTED',
      `lengths in LAMMPS units lj are multiples of σ, not Å; to take one σ for one Å, give the units metal`,
      { details: { units: style } },
    );
  }
  throw new SurprisalError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(style)} is no unit style of LAMMPS; give one of ${known}`,
    {
      details: { units: style },
    },
  );
}

/** Units of velocity of a LAMMPS unit style in one Å/fs. */
export function lammpsVelocity(style: string): number {
  return VELOCITIES.get(style) ?? 1;
}

/**
 * The unit style in which a file is read: what it says, else what is given, else the default.
 *
 * @param said  by the file
 * @param given  by the caller
 * @throws {SurprisalError} UNSUPPORTED, INVALID_ARGUMENT as {@link lammpsLength}
 */
export function chooseLammpsUnits(
  said: string | undefined,
  given: string | undefined,
  file: string,
  warnings: Warnings,
): string {
  if (said === undefined) return given ?? DEFAULT_LAMMPS_UNITS;
  if (said === 'lj' && given !== undefined) {
    warnings.warn('units', `the file is in units lj; one σ is taken for one unit of length of ${given}`);
    return given;
  }
  if (given !== undefined && given !== said) {
    warnings.warn('units', `the file says that its units are ${said}; ${given} was given and is not used`);
  }
  try {
    lammpsLength(said);
  } catch (error) {
    if (!(error instanceof SurprisalError)) throw error;
    throw new SurprisalError('UNSUPPORTED', `${file}: ${error.message}`, { cause: error });
  }
  return said;
}
