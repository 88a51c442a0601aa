import { readdirSync, readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { Case, Figure, Subject } from '../benchmark-case.ts';
import { timesRate } from '../figures.ts';
import type { Setting } from '../setting.ts';

/** Operations in registers are told as the time of so many. */
const OPERATIONS = 1e9;
/** Where the system does not tell. */
const USUAL_CACHE = 32 * 2 ** 20;
const CACHES = '/sys/devices/system/cpu/cpu0/cache';

/** What the machine can do: operations in registers, and bytes through memory, on 1, 2, 4 … threads. */
export function machineSubject(setting: Setting): Subject {
  const counts: number[] = [];
  for (let count = 1; count < setting.threads; count *= 2) counts.push(count);
  counts.push(setting.threads);
  const cases: Case[] = [];
  const figures: Figure[] = [];
  const makers = [
    ...(['f32', 'f64'] as const).flatMap((precision) => [
      (threads: number) => multiplyAdds(setting, precision, threads),
      (threads: number) => exponentials(setting, precision, threads),
    ]),
    ...(['read', 'copy', 'triad'] as const).map(
      (pattern) => (threads: number) => memoryTraffic(setting, pattern, threads),
    ),
  ];
  for (const make of makers) {
    const [one, ...more] = counts.map(make) as [Case, ...Case[]];
    cases.push(one, ...more);
    figures.push(...more.map((many) => timesRate(many, one, 'times one thread')));
  }
  return { name: 'machine', cases, figures };
}

/** Fused multiply-adds in registers: the limit of kernel sums. */
export function multiplyAdds({ scale, backend }: Setting, precision: 'f32' | 'f64', threads: number): Case {
  const rounds = scale === 'once' ? 1000 : 500_000;
  return {
    name: `multiply-adds ${precision}`,
    parameters: {},
    threads,
    work: OPERATIONS,
    unit: 'multiply-adds',
    run: async () => ({
      seconds: OPERATIONS / (await backend.addon.multiplyAddRate(precision === 'f32', rounds, threads).result),
    }),
  };
}

/** Exponentials as kernel sums take them, one for each pair. */
export function exponentials({ scale, backend }: Setting, precision: 'f32' | 'f64', threads: number): Case {
  const rounds = scale === 'once' ? 1000 : 100_000;
  return {
    name: `exponentials ${precision}`,
    parameters: {},
    threads,
    work: OPERATIONS,
    unit: 'exponentials',
    run: async () => ({
      seconds: OPERATIONS / (await backend.addon.exponentialRate(precision === 'f32', rounds, threads).result),
    }),
  };
}

/** Bytes through arrays of four times the last cache, or of what memory there is. */
export function memoryTraffic({ scale, backend }: Setting, pattern: 'read' | 'copy' | 'triad', threads: number): Case {
  const bytes = scale === 'once' ? 2 ** 20 : Math.min(4 * lastCache(), totalmem() / 16);
  const numbers = Math.floor(bytes / 8);
  return {
    name: `memory, ${pattern}`,
    parameters: { megabytes: Math.round(bytes / 2 ** 20) },
    threads,
    work: OPERATIONS,
    unit: 'bytes',
    run: async () => ({
      seconds: OPERATIONS / (await backend.addon.memoryRate(pattern, numbers, 2, threads).result),
    }),
  };
}

/** Bytes of the largest cache. */
function lastCache(): number {
  try {
    const sizes = readdirSync(CACHES).flatMap((entry) => {
      const [, size, unit] = /^(\d+)([KM])$/.exec(sizeOf(entry)) ?? [];
      return size === undefined ? [] : Number(size) * (unit === 'M' ? 2 ** 20 : 2 ** 10);
    });
    return Math.max(USUAL_CACHE, ...sizes);
  } catch {
    return USUAL_CACHE;
  }
}

function sizeOf(entry: string): string {
  return entry.startsWith('index') ? readFileSync(join(CACHES, entry, 'size'), 'utf8').trim() : '';
}
