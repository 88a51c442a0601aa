import { SurprisalError } from '@surprisal/core';

/** N_A · 10⁻²⁴ cm³/Å³: ρ in g/cm³ over M in g/mol, times this, are atoms per Å³. */
const ATOMS_PER_ANGSTROM3 = 0.602214076;

/** Options of {@link expectedNeighbors}. */
export interface ExpectedNeighborsOptions {
  /** ρ, g/cm³ */
  readonly density: number;
  /** Mean mass of an atom M, u (g/mol) */
  readonly mass: number;
  /** r, Å */
  readonly cutoff: number;
}

/**
 * How many neighbours an atom of a homogeneous substance has within a cutoff, on average: what k should not be much
 * below.
 *
 *     N = (4/3) π r³ ρ N_A / M
 *
 * With k below N the descriptor sees the k nearest only, and the cutoff hardly matters; with k above N the rest of it
 * is zeros.
 *
 * @throws {SurprisalError} INVALID_ARGUMENT if an argument is not above 0 and finite
 *
 * @example
 * expectedNeighbors({ density: 8.96, mass: 63.546, cutoff: 5 }).toFixed(1); // copper: '44.5'
 */
export function expectedNeighbors({ density, mass, cutoff }: ExpectedNeighborsOptions): number {
  positive('the cutoff', cutoff, 'Å');
  return (4 / 3) * Math.PI * cutoff ** 3 * numberDensity(density, mass);
}

/**
 * The number of neighbours k that fills a cutoff: N of {@link expectedNeighbors}, rounded, and at least 2.
 *
 * @throws {SurprisalError} INVALID_ARGUMENT if an argument is not above 0 and finite
 *
 * @example
 * suggestedNeighbors({ density: 2.33, mass: 28.085, cutoff: 5 }); // silicon: 26
 */
export function suggestedNeighbors(options: ExpectedNeighborsOptions): number {
  return Math.max(2, Math.round(expectedNeighbors(options)));
}

/** Options of {@link neighborRadius}. */
export interface NeighborRadiusOptions {
  /** ρ, g/cm³ */
  readonly density: number;
  /** Mean mass of an atom M, u (g/mol) */
  readonly mass: number;
  /** k, neighbours */
  readonly k: number;
}

/**
 * How far the k nearest neighbours reach in a homogeneous substance: the inverse of {@link expectedNeighbors}.
 *
 *     r = (3 k M / 4 π ρ N_A)^⅓
 *
 * @returns r, Å
 * @throws {SurprisalError} INVALID_ARGUMENT if an argument is not above 0 and finite
 *
 * @example
 * neighborRadius({ density: 8.96, mass: 63.546, k: 32 }).toFixed(2); // copper: '4.48'
 */
export function neighborRadius({ density, mass, k }: NeighborRadiusOptions): number {
  positive('k', k, '');
  return Math.cbrt((3 * k) / (4 * Math.PI * numberDensity(density, mass)));
}

/** Atoms per Å³. */
function numberDensity(density: number, mass: number): number {
  positive('the density', density, 'g/cm³');
  positive('the mass of an atom', mass, 'u');
  return (density * ATOMS_PER_ANGSTROM3) / mass;
}

function positive(name: string, value: number, unit: string): void {
  if (value > 0 && value < Number.POSITIVE_INFINITY) return;
  throw new SurprisalError(
    'INVALID_ARGUMENT',
    `${name} is ${value}${unit === '' ? '' : ` ${unit}`}; it must be above 0 and finite`,
  );
}
