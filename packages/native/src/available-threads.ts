import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * Cores that this process may use: the CPUs of its affinity mask, no more than a Slurm step gives it
 * (SLURM_CPUS_PER_TASK), and no more than the cpu quota of its control groups, rounded up.
 */
export function availableThreads(): number {
  const limits = [availableParallelism(), slurmCpusPerTask(), Math.ceil(cgroupCpuQuota())];
  return Math.max(1, Math.min(...limits));
}

function slurmCpusPerTask(): number {
  const value = Number(process.env['SLURM_CPUS_PER_TASK']);
  return Number.isInteger(value) && value > 0 ? value : Number.POSITIVE_INFINITY;
}

/** The tightest `cpu.max` (version 2) or `cpu.cfs_quota_us` (version 1) on the way from this process's group to the root, in CPUs. */
function cgroupCpuQuota(): number {
  let quota = Number.POSITIVE_INFINITY;
  for (const line of readText('/proc/self/cgroup').split('\n')) {
    // A path may hold colons itself.
    const [, hierarchy, controllers, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    const version2 = hierarchy === '0';
    if (!version2 && !controllers?.split(',').includes('cpu')) continue;
    const root = version2 ? '/sys/fs/cgroup' : `/sys/fs/cgroup/${controllers}`;
    for (let folder = path; ; folder = folder.slice(0, folder.lastIndexOf('/'))) {
      const [limit, period] = version2
        ? readText(`${root}${folder}/cpu.max`).split(' ')
        : [readText(`${root}${folder}/cpu.cfs_quota_us`), readText(`${root}${folder}/cpu.cfs_period_us`)];
      const cpus = Number(limit) / Number(period);
      if (cpus > 0) quota = Math.min(quota, cpus);
      if (folder === '' || folder === '/') break;
    }
  }
  return quota;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
