import { Bench } from 'tinybench';
import {
  type Case,
  DEFAULT_ROUNDS,
  type Figure,
  type FigureKind,
  type Outcome,
  type Sample,
  type Subject,
  type Target,
} from './benchmark-case.ts';
import { judge, type Verdict } from './targets.ts';

/** What came of one case. */
export interface Measurement {
  readonly subject: string;
  readonly name: string;
  readonly isa: string;
  readonly threads: number;
  readonly parameters: Readonly<Record<string, number | string>>;
  readonly unit: string;
  readonly work: number;
  /** Seconds of each round. */
  readonly seconds: readonly number[];
  /** Work per second, the median of the rounds. */
  readonly rate: number;
  /** The most memory that its process held in any round. */
  readonly peakBytes?: number;
}

/** What came of one figure; `of` names its case. */
export interface MeasuredFigure {
  readonly subject: string;
  readonly of: string;
  readonly isa: string;
  readonly threads: number;
  readonly parameters: Readonly<Record<string, number | string>>;
  readonly name: string;
  readonly kind: FigureKind;
  /** Of the work of its case. */
  readonly unit: string;
  /** One of each round. */
  readonly values: readonly number[];
  readonly median: number;
  readonly target?: Target;
  readonly verdict?: Verdict;
}

/** What came of a subject. */
export interface Measured {
  readonly measurements: readonly Measurement[];
  readonly figures: readonly MeasuredFigure[];
}

/** How a subject is measured. */
export interface MeasureOptions {
  /** Default: what the subject says. */
  readonly rounds?: number | undefined;
  /** The instruction set in use, for the record. */
  readonly isa: string;
  /** Told the seconds that one round took, before those that count. */
  readonly onFirstRound?: (seconds: number, rounds: number) => void;
}

/**
 * Times every case round by round, case after case, so that what disturbs the machine disturbs all of them, and each
 * round holds a case against the limit of that very round.
 */
export async function measure(subject: Subject, options: MeasureOptions): Promise<Measured> {
  const { cases } = subject;
  const wanted = options.rounds ?? subject.rounds ?? DEFAULT_ROUNDS;
  const rounds = Math.min(wanted, subject.mostRounds ?? wanted);
  const samples = cases.map((): Sample[] => []);
  if (subject.warmUp !== false) {
    // First calls touch fresh memory and compile: not counted.
    const started = performance.now();
    await runOnce(cases);
    options.onFirstRound?.((performance.now() - started) / 1000, rounds);
  }
  for (let round = 0; round < rounds; round++) {
    for (const [i, sample] of (await runOnce(cases)).entries()) samples[i]?.push(sample);
  }
  const about = ({ threads, parameters }: Case) => ({
    subject: subject.name,
    isa: options.isa,
    threads,
    parameters,
  });
  return {
    measurements: cases.map((one, i) => {
      const own = samples[i] as Sample[];
      const peaks = own.flatMap(({ peakBytes }) => peakBytes ?? []);
      return {
        ...about(one),
        name: one.name,
        unit: one.unit,
        work: one.work,
        seconds: own.map(({ seconds }) => seconds),
        rate: median(own.map(({ rate }) => rate)),
        ...(peaks.length === 0 ? {} : { peakBytes: Math.max(...peaks) }),
      };
    }),
    figures: subject.figures.map((figure) => {
      const values = valuesOf(figure, cases, samples);
      const middle = median(values);
      const verdict = judge(middle, figure.target);
      return {
        ...about(figure.of),
        of: figure.of.name,
        name: figure.name,
        kind: figure.kind,
        unit: figure.of.unit,
        values,
        median: middle,
        ...(figure.target === undefined ? {} : { target: figure.target }),
        ...(verdict === undefined ? {} : { verdict }),
      };
    }),
  };
}

function valuesOf(figure: Figure, cases: readonly Case[], samples: readonly Sample[][]): number[] {
  const samplesOf = (one: Case) => {
    const own = samples[cases.indexOf(one)];
    if (own === undefined) throw new Error(`the figure "${figure.name}" of "${figure.of.name}" lacks a case`);
    return own;
  };
  const against = figure.against.map(samplesOf);
  return samplesOf(figure.of).map((sample, round) =>
    figure.value(
      sample,
      against.map((other) => other[round] as Sample),
    ),
  );
}

/** One run of each case. */
async function runOnce(cases: readonly Case[]): Promise<Sample[]> {
  const bench = new Bench({ time: 0, iterations: 1, warmup: false });
  const outcomes: Outcome[] = [];
  for (const [i, one] of cases.entries()) {
    const run = async () => {
      const outcome = await one.run();
      outcomes[i] = outcome;
      return outcome.seconds === undefined ? undefined : { overriddenDuration: outcome.seconds * 1000 };
    };
    bench.add(`${i}`, run, { async: true });
  }
  await bench.run();
  return bench.tasks.map((task, i) => {
    const { result } = task;
    const one = cases[i] as Case;
    if (result.state !== 'completed') {
      throw new Error(`the case "${one.name}" failed`, { cause: 'error' in result ? result.error : undefined });
    }
    const seconds = result.latency.mean / 1000;
    return { seconds, rate: one.work / seconds, peakBytes: outcomes[i]?.peakBytes };
  });
}

/** The middle of some numbers, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle) - 1] as number)) / 2;
}
