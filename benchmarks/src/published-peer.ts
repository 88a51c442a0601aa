import type { Measurement } from './measure.ts';

/**
 * QUESTS 2026.02.22 (numba, two threads) as measured on two cores of a machine that did 5.9e10 float32 multiply-adds per
 * second and core. Its figures are scaled by what this machine does, measured in the same run: a ratio of programs, not
 * of machines.
 */
const PEER = {
  threads: 2,
  multiplyAddsPerSecond: 2 * 5.9e10,
  rates: { 'kernel sum f32': 1.2e8, 'kernel sum f64': 1.2e8, 'QUESTS descriptors f64': 3.8e4 } as Readonly<
    Record<string, number>
  >,
};

/** How many times the peer's rate a measurement is, or undefined where there is nothing to compare. */
export function timesPeer(measurement: Measurement, all: readonly Measurement[]): number | undefined {
  const rate = PEER.rates[measurement.name];
  const machine = all.find(({ name, threads }) => name === 'multiply-adds f32' && threads === PEER.threads);
  if (rate === undefined || machine === undefined || measurement.threads !== PEER.threads) return undefined;
  return measurement.median / (rate * (machine.median / PEER.multiplyAddsPerSecond));
}
