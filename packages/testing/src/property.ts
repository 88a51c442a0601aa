import { test } from 'vitest';
import { type RandomStream, randomStream } from './random-stream.ts';

const LARGEST_SEED = 2 ** 31;

/**
 * A test over random input: `body` is called `runs` times, each time with a seed that nobody chose.
 *
 * A failure names the seed; the environment variable SURPRISAL_SEED then repeats that one run, alone.
 *
 * @param runs  how many seeds
 * @param body  draws its input from `random` and asserts
 *
 * @example
 * property('distances do not change under rotation', 20, (random) => {
 *   const structure = randomStructure(random);
 *   expect(distances(rotate(structure, randomRotation(random)))).toEqual(distances(structure));
 * });
 */
export function property(
  name: string,
  runs: number,
  body: (random: RandomStream, seed: number) => void | Promise<void>,
): void {
  test(name, async () => {
    for (const seed of seeds(runs)) {
      try {
        await body(randomStream(seed), seed);
      } catch (error) {
        throw withSeed(error, seed);
      }
    }
  });
}

function seeds(runs: number): number[] {
  const asked = process.env['SURPRISAL_SEED'];
  if (asked === undefined || asked === '') {
    return Array.from({ length: runs }, () => Math.floor(Math.random() * LARGEST_SEED));
  }
  const seed = Number(asked);
  if (!Number.isSafeInteger(seed)) throw new Error(`SURPRISAL_SEED is "${asked}"; it must be a whole number`);
  return [seed];
}

/** The same error, so that a test runner still shows its difference and its place, with the seed in front. */
function withSeed(error: unknown, seed: number): unknown {
  const hint = `seed ${seed} (repeat with SURPRISAL_SEED=${seed})`;
  if (!(error instanceof Error)) return new Error(`${hint}: ${String(error)}`, { cause: error });
  error.message = `${hint}: ${error.message}`;
  return error;
}
