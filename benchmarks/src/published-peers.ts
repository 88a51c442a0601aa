import type { Case, Figure, Target } from './benchmark-case.ts';

/** What another program does on two threads, on two cores that do 5.9e10 float32 multiply-adds per second each. */
export interface Peer {
  readonly name: string;
  /** Work per second. */
  readonly rate: number;
}

const PEER_THREADS = 2;
const PEER_MULTIPLY_ADDS = 2 * 5.9e10;

/** QUESTS 2026.02.22 (numba), at its best batch. */
export const PEER_SUMS: Peer = { name: 'QUESTS', rate: 1.2e8 };
export const PEER_DESCRIPTORS: Peer = { name: 'QUESTS', rate: 3.8e4 };
/** A million atoms, not the first call. */
export const PEER_NEIGHBORS: Peer = { name: 'vesin', rate: 2.7e5 };

/**
 * How many times the rate of a peer a case has, where it runs on as many threads. The peer's figure is scaled by the
 * multiply-adds of this machine, measured in the same round: a ratio of programs, not of machines.
 *
 * @param multiplyAdds  in float32, on the same threads
 */
export function timesPeer(of: Case, { name, rate }: Peer, multiplyAdds: Case, target?: Target): Figure[] {
  if (of.threads !== PEER_THREADS) return [];
  const figure: Figure = {
    name: `times ${name}`,
    kind: 'times',
    of,
    against: [multiplyAdds],
    target,
    value: (own, [machine]) => own.rate / (rate * ((machine?.rate as number) / PEER_MULTIPLY_ADDS)),
  };
  return [figure];
}
