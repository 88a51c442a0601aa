import { controlGroups } from './control-groups.ts';
import { countIn, knownSurroundings, type Surroundings } from './surroundings.ts';

/** How many threads, and what says so. */
export interface ThreadLimit {
  readonly threads: number;
  /** As a phrase, such as `SLURM_CPUS_PER_TASK`. */
  readonly source: string;
}

/** Cores that this process may use: {@link threadLimit} without its reason. */
export function availableThreads(surroundings: Surroundings = {}): number {
  return threadLimit(surroundings).threads;
}

/**
 * Cores that this process may use: the CPUs of its affinity mask, no more than a Slurm step gives it
 * (SLURM_CPUS_PER_TASK), and no more than the CPU quota of its control groups, rounded up: half a core is one thread.
 */
export function threadLimit(surroundings: Surroundings = {}): ThreadLimit {
  const known = knownSurroundings(surroundings);
  const limits: ThreadLimit[] = [{ threads: known.cores, source: 'cores that this process may run on' }];
  const perTask = countIn(known.env, 'SLURM_CPUS_PER_TASK');
  if (perTask !== undefined) limits.push({ threads: perTask, source: 'SLURM_CPUS_PER_TASK' });
  for (const group of controlGroups('cpu', known)) {
    const [limit, period] =
      group.version === 2
        ? group.read('cpu.max').split(' ')
        : [group.read('cpu.cfs_quota_us'), group.read('cpu.cfs_period_us')];
    // Without a quota it is `max` (version 2) or −1 (version 1).
    const cpus = Number(limit) / Number(period);
    if (cpus > 0) {
      const file = group.version === 2 ? 'cpu.max' : 'cpu.cfs_quota_us';
      limits.push({ threads: Math.ceil(cpus), source: `${file} of the control group ${group.name}` });
    }
  }
  const { threads, source } = limits.reduce((least, limit) => (limit.threads < least.threads ? limit : least));
  return { threads: Math.max(1, threads), source };
}
