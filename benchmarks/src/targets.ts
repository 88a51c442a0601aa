import type { Target } from './benchmark-case.ts';

/** For two cores that do 5.9e10 float32 multiply-adds per second each, where it is not a ratio. */
const least = (must: number, aim: number): Target => ({ must, aim, better: 'more' });
const most = (must: number, aim: number): Target => ({ must, aim, better: 'less' });

/** What the hot loops must reach and where they are meant to arrive: all of it, once. */
export const TARGETS: {
  /** By instruction set. */
  readonly crossOfMultiplyAdds: Readonly<Record<string, Target>>;
  readonly selfOverCross: Target;
  readonly threadsOfScaling: Target;
  readonly fiveBandwidths: Target;
  readonly prunedMolecules: Target;
  readonly prunedSilicon: Target;
  readonly prunedCopper: Target;
  readonly descriptorRate: Target;
  readonly descriptorsOverPeer: Target;
  readonly neighborsOverPeer: Target;
  readonly readingRate: Target;
  readonly entropyOfMillion: Target;
  readonly entropyOfMillionMemory: Target;
  readonly estimateOfMillion: Target;
  readonly streamOverSlowestStage: Target;
  readonly streamMemory: Target;
  readonly start: Target;
} = {
  crossOfMultiplyAdds: { avx512: least(0.75, 0.9), avx2: least(0.65, 0.8) },
  selfOverCross: least(1.8, 2),
  threadsOfScaling: least(0.95, 1),
  fiveBandwidths: most(1.8, 1.4),
  prunedMolecules: least(4, 8),
  prunedSilicon: least(1.4, 2),
  prunedCopper: least(0.95, 1),
  descriptorRate: least(600_000, 1_200_000),
  descriptorsOverPeer: least(15, 30),
  neighborsOverPeer: least(2, 5),
  readingRate: least(250e6, 500e6),
  entropyOfMillion: most(480, 300),
  entropyOfMillionMemory: most(1.5e9, 1.5e9),
  estimateOfMillion: most(20, 8),
  streamOverSlowestStage: most(1.15, 1.15),
  streamMemory: most(2e9, 2e9),
  start: most(0.12, 0.08),
};

/** Where a value stands to its target. */
export type Verdict = 'aim met' | 'must met' | 'missed';

/** @returns undefined where there is no target */
export function judge(value: number, target: Target | undefined): Verdict | undefined {
  if (target === undefined) return undefined;
  const reaches = (bound: number) => (target.better === 'more' ? value >= bound : value <= bound);
  return reaches(target.aim) ? 'aim met' : reaches(target.must) ? 'must met' : 'missed';
}
