import { Bench } from 'tinybench';
import type { Case } from './cases.ts';

/** What came of one case. */
export interface Measurement {
  readonly name: string;
  readonly parameters: Readonly<Record<string, number | string>>;
  readonly threads: number;
  readonly unit: string;
  /** Work per second in each round. */
  readonly rates: readonly number[];
  readonly median: number;
  /** Median over rounds of the share of the machine's multiply-adds, measured in the same round. */
  readonly shareOfLimit: number | undefined;
  /** Median over rounds of its time as a multiple of that of the case it is compared with, in the same round. */
  readonly timesOther: number | undefined;
}

/**
 * Times every case `rounds` times, case after case, so that what disturbs the machine disturbs all of them, and each
 * round holds a case against the limit of that very round.
 */
export async function measure(cases: readonly Case[], rounds: number): Promise<Measurement[]> {
  const rates = cases.map((): number[] => []);
  await runOnce(cases); // first calls touch fresh memory and compile: not counted
  for (let round = 0; round < rounds; round++) {
    for (const [i, seconds] of (await runOnce(cases)).entries()) rates[i]?.push((cases[i] as Case).work / seconds);
  }
  return cases.map((one, i) => {
    const own = rates[i] as number[];
    const limit = cases.findIndex(
      (other) => other.name === `multiply-adds ${one.multiplyAdds?.precision}` && other.threads === one.threads,
    );
    const shares =
      limit < 0 ? [] : own.map((rate, r) => (rate * (one.multiplyAdds?.perUnit ?? 0)) / (rates[limit]?.[r] as number));
    const other = cases.findIndex(({ name, threads }) => name === one.comparedWith && threads === one.threads);
    const multiples = other < 0 ? [] : own.map((rate, r) => (rates[other]?.[r] as number) / rate);
    return {
      name: one.name,
      parameters: one.parameters,
      threads: one.threads,
      unit: one.unit,
      rates: own,
      median: median(own),
      shareOfLimit: shares.length === 0 ? undefined : median(shares),
      timesOther: multiples.length === 0 ? undefined : median(multiples),
    };
  });
}

/** Seconds of one run of each case. */
async function runOnce(cases: readonly Case[]): Promise<number[]> {
  const bench = new Bench({ time: 0, iterations: 1, warmup: false });
  for (const [i, one] of cases.entries()) bench.add(`${i}`, () => one.run(), { async: true });
  await bench.run();
  return bench.tasks.map((task, i) => {
    const { result } = task;
    if (result.state !== 'completed') {
      throw new Error(`the case "${cases[i]?.name}" failed`, { cause: 'error' in result ? result.error : undefined });
    }
    return result.latency.mean / 1000;
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle) - 1] as number)) / 2;
}
