import { SurprisalError } from '@surprisal/core';

/** Å in one unit of length, for each unit style of LAMMPS whose lengths are lengths. Bohr: CODATA 2018. */
const ANGSTROMS: ReadonlyMap<string, number> = new Map([
  ['real', 1],
  ['metal', 1],
  ['electron', 0.529177210903],
  ['nano', 10],
  ['micro', 1e4],
  ['cgs', 1e8],
  ['si', 1e10],
]);

/** The unit styles of LAMMPS in which lengths are lengths. */
export const LAMMPS_UNIT_STYLES: readonly string[] = [...ANGSTROMS.keys()];

/** The unit style that LAMMPS dumps are taken to have where neither the file nor the caller says. */
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
  throw new SurprisalError('INVALID_ARGUMENT', `"${style}" is no unit style of LAMMPS; give one of ${known}`, {
    details: { units: style },
  });
}
