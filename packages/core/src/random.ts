/**
 * Counter-based random numbers: the value depends on the seed and on the index alone, never on what was drawn before, so
 * that any rank or thread can draw its own part of one sequence.
 *
 * The index is mixed with the seed by two rounds of the 64-bit finaliser of SplitMix64 (Steele, Lea, Flood, 2014).
 */
export interface RandomSequence {
  readonly seed: number;
  /** Uniform in [0, 1), 53 bits. */
  uniform(index: number): number;
  /** Standard normal, by Box and Muller from two uniform numbers of their own. */
  normal(index: number): number;
  /** Uniform integer in [0, bound). */
  integer(index: number, bound: number): number;
}

const MASK = (1n << 64n) - 1n;
const GOLDEN = 0x9e3779b97f4a7c15n;

/**
 * @example
 * const random = randomSequence(7);
 * random.uniform(3) === randomSequence(7).uniform(3); // true
 */
export function randomSequence(seed: number): RandomSequence {
  const key = finalise((BigInt(Math.trunc(seed)) * GOLDEN) & MASK);
  const bits = (index: number, lane: bigint) => finalise(key ^ finalise((BigInt(index) * 4n + lane + GOLDEN) & MASK));
  const uniform = (index: number, lane: bigint) => Number(bits(index, lane) >> 11n) * 2 ** -53;
  return {
    seed,
    uniform: (index) => uniform(index, 0n),
    normal: (index) => {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform(index, 1n)));
      return radius * Math.cos(2 * Math.PI * uniform(index, 2n));
    },
    integer: (index, bound) => Math.floor(uniform(index, 3n) * bound),
  };
}

function finalise(value: bigint): bigint {
  let z = value;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return z ^ (z >> 31n);
}
