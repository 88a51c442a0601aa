import { controlGroups } from './control-groups.ts';
import { countIn, type KnownSurroundings, knownSurroundings, type Surroundings } from './surroundings.ts';

/** How much memory, and what says so. */
export interface MemoryLimit {
  readonly bytes: number;
  /** As a phrase, such as `SLURM_MEM_PER_NODE`. */
  readonly source: string;
}

const MIB = 1024 ** 2;

/**
 * Memory that this process can still take without being ended for it or making the machine swap: the least of
 *
 * - what the machine has free (`MemAvailable`),
 * - what each control group around this process allows, less what its processes hold. Cached files that were not looked at
 *   again do not count as held, for the system gives them up first,
 * - what Slurm gives the job on this node (`SLURM_MEM_PER_NODE`, `SLURM_MEM_PER_CPU`), less what this process holds: sites
 *   that do not enforce this by control groups end jobs that exceed it,
 * - what is left of the limit on its address space (`ulimit -v`).
 *
 * It is true at the time of the call; others may take memory a moment later.
 *
 * @returns bytes, 0 where a limit is passed already; and where the least came from
 */
export function availableMemory(surroundings: Surroundings = {}): MemoryLimit {
  const known = knownSurroundings(surroundings);
  const limits = [freeMemory(known), ...groupMemory(known), ...slurmMemory(known), ...addressSpace(known)];
  const { bytes, source } = limits.reduce((least, limit) => (limit.bytes < least.bytes ? limit : least));
  return { bytes: Math.max(0, bytes), source };
}

function freeMemory({ read }: KnownSurroundings): MemoryLimit {
  const source = 'free memory of this machine';
  const bytes = kibibytesIn(read('/proc/meminfo'), 'MemAvailable');
  // Where there is no /proc, Node asks the system in its own way.
  return { bytes: bytes ?? process.availableMemory(), source };
}

function groupMemory(known: KnownSurroundings): MemoryLimit[] {
  return controlGroups('memory', known).flatMap((group) => {
    const [files, usageFile, inactive] =
      group.version === 2
        ? // Above memory.high nothing is ended, but everything is slowed down to a crawl.
          ([['memory.max', 'memory.high'], 'memory.current', 'inactive_file'] as const)
        : ([['memory.limit_in_bytes'], 'memory.usage_in_bytes', 'total_inactive_file'] as const);
    const used = naturalNumber(group.read(usageFile));
    if (used === undefined) return [];
    const givenUp = naturalNumber(new RegExp(`^${inactive} (\\d+)$`, 'm').exec(group.read('memory.stat'))?.[1]) ?? 0;
    return files.flatMap((file) => {
      // Without a limit it is `max` (version 2) or a number beyond all memory (version 1).
      const limit = naturalNumber(group.read(file));
      if (limit === undefined) return [];
      return [{ bytes: limit - Math.max(0, used - givenUp), source: `${file} of the control group ${group.name}` }];
    });
  });
}

function slurmMemory({ env, cores, read }: KnownSurroundings): MemoryLimit[] {
  const held = kibibytesIn(read('/proc/self/status'), 'VmRSS') ?? 0;
  const limits: MemoryLimit[] = [];
  // 0 asks for all memory of the node, and sets no limit.
  const perNode = countIn(env, 'SLURM_MEM_PER_NODE');
  if (perNode !== undefined) limits.push({ bytes: perNode * MIB - held, source: 'SLURM_MEM_PER_NODE' });
  const perCpu = countIn(env, 'SLURM_MEM_PER_CPU');
  if (perCpu !== undefined) {
    const cpus = countIn(env, 'SLURM_CPUS_ON_NODE') ?? countIn(env, 'SLURM_CPUS_PER_TASK') ?? cores;
    limits.push({ bytes: perCpu * cpus * MIB - held, source: `SLURM_MEM_PER_CPU of ${cpus} CPUs` });
  }
  return limits;
}

function addressSpace({ read }: KnownSurroundings): MemoryLimit[] {
  const limit = naturalNumber(/^Max address space\s+(\d+)/m.exec(read('/proc/self/limits'))?.[1]);
  const taken = kibibytesIn(read('/proc/self/status'), 'VmSize');
  if (limit === undefined || taken === undefined) return [];
  return [{ bytes: limit - taken, source: 'the limit of address space (ulimit -v)' }];
}

/** A line such as `VmRSS:   1234 kB`, in bytes. */
function kibibytesIn(text: string, name: string): number | undefined {
  const kibibytes = naturalNumber(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]);
  return kibibytes === undefined ? undefined : kibibytes * 1024;
}

function naturalNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
