/** What one run gave beside its work. */
export interface Outcome {
  /** The seconds that count, where not those of the whole run do. */
  readonly seconds?: number;
  /** The most memory that a process held. */
  readonly peakBytes?: number;
}

/** One thing to time. */
export interface Case {
  readonly name: string;
  /** n, d, k, seed and whatever else the figure depends on. */
  readonly parameters: Readonly<Record<string, number | string>>;
  readonly threads: number;
  /** What one run does, counted in `unit`. */
  readonly work: number;
  readonly unit: string;
  run(): Promise<Outcome>;
}

/** A run of which all counts. */
export function whole(work: () => Promise<unknown>): () => Promise<Outcome> {
  return async () => {
    await work();
    return {};
  };
}

/** Rounds of a subject that says nothing else: as few as the comparison of two runs can judge. */
export const DEFAULT_ROUNDS = 5;

/** Cases that are timed together, round by round, and what is made of them. */
export interface Subject {
  readonly name: string;
  readonly cases: readonly Case[];
  readonly figures: readonly Figure[];
  /** Rounds where none are asked for; default {@link DEFAULT_ROUNDS}. */
  readonly rounds?: number;
  /** Rounds at the most, where one takes long. */
  readonly mostRounds?: number;
  /** False where nothing gets warm, such as a process that is started anew for each run. */
  readonly warmUp?: boolean;
}

/** What one case did in one round. */
export interface Sample {
  readonly seconds: number;
  /** Work per second. */
  readonly rate: number;
  readonly peakBytes: number | undefined;
}

/** How a figure is told: a share (0.83 is 83 %), a multiple (15 times), seconds, bytes, or work per second. */
export type FigureKind = 'share' | 'times' | 'seconds' | 'bytes' | 'rate';

/** A number made of cases of one round: what counts, since what slows the machine slows all of them. */
export interface Figure {
  readonly name: string;
  readonly kind: FigureKind;
  /** The case that the figure tells about. */
  readonly of: Case;
  /** What it is held against. */
  readonly against: readonly Case[];
  readonly target?: Target | undefined;
  value(of: Sample, against: readonly Sample[]): number;
}

/** What a figure must reach, and where it is meant to arrive. */
export interface Target {
  readonly must: number;
  readonly aim: number;
  readonly better: 'more' | 'less';
}
