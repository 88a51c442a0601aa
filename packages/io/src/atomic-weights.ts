import { CHEMICAL_SYMBOLS } from './chemical-symbols.ts';

/** Standard atomic weights (IUPAC 2016) by atomic number, from hydrogen on; of elements without one, of their longest-lived isotope. */
const WEIGHTS: readonly number[] = [
  1.008, 4.002602, 6.94, 9.0121831, 10.81, 12.011, 14.007, 15.999, 18.998403163, 20.1797, 22.98976928, 24.305,
  26.9815385, 28.085, 30.973761998, 32.06, 35.45, 39.948, 39.0983, 40.078, 44.955908, 47.867, 50.9415, 51.9961,
  54.938044, 55.845, 58.933194, 58.6934, 63.546, 65.38, 69.723, 72.63, 74.921595, 78.971, 79.904, 83.798, 85.4678,
  87.62, 88.90584, 91.224, 92.90637, 95.95, 97.90721, 101.07, 102.9055, 106.42, 107.8682, 112.414, 114.818, 118.71,
  121.76, 127.6, 126.90447, 131.293, 132.90545196, 137.327, 138.90547, 140.116, 140.90766, 144.242, 144.91276, 150.36,
  151.964, 157.25, 158.92535, 162.5, 164.93033, 167.259, 168.93422, 173.054, 174.9668, 178.49, 180.94788, 183.84,
  186.207, 190.23, 192.217, 195.084, 196.966569, 200.592, 204.38, 207.2, 208.9804, 208.98243, 209.98715, 222.01758,
  223.01974, 226.02541, 227.02775, 232.0377, 231.03588, 238.02891, 237.04817, 244.06421, 243.06138, 247.07035,
  247.07031, 251.07959, 252.083, 257.09511, 258.09843, 259.101, 262.11, 267.122, 268.126, 271.134, 270.133, 269.1338,
  278.156, 281.165, 281.166, 285.177, 286.182, 289.19, 289.194, 293.204, 293.208, 294.214,
];

/** Elements that have no standard weight, since they hardly occur: nobody's mass means one of them. */
const RARE: ReadonlySet<number> = new Set([43, 61, ...Array.from({ length: 6 }, (_, at) => 84 + at)]);
const LAST_COMMON = 92;

/** How far a mass may be from the weight of an element that it means: masses are rounded (Si 28, O 16, H 1). */
const TOLERANCE = 0.1;

/** The weight of an element; undefined for what is no element. */
export function atomicWeight(symbol: string): number | undefined {
  const number = CHEMICAL_SYMBOLS.indexOf(symbol);
  return number < 1 ? undefined : WEIGHTS[number - 1];
}

/**
 * The one element that a mass means; undefined where there is none, or more than one (40.0 is Ar or Ca). The mass 1 means
 * none: it stands in files of model particles far oftener than for hydrogen.
 */
export function elementOfMass(mass: number): string | undefined {
  if (mass === 1) return undefined;
  const candidates: number[] = [];
  for (let number = 1; number <= LAST_COMMON; number++) {
    if (RARE.has(number)) continue;
    const off = Math.abs((WEIGHTS[number - 1] as number) - mass);
    if (off === 0) return CHEMICAL_SYMBOLS[number];
    if (off < TOLERANCE) candidates.push(number);
  }
  return candidates.length === 1 ? CHEMICAL_SYMBOLS[candidates[0] as number] : undefined;
}
