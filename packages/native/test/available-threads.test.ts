import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { availableThreads, threadLimit } from '../src/index.ts';
import { madeUpMachine, SLURM_GROUP, VERSION_1, VERSION_2 } from './made-up-machine.ts';

function threadsOf(files: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}, cores = 8) {
  using machine = madeUpMachine(files);
  return threadLimit({ root: machine.root, env, cores });
}

const CORES = { threads: 8, source: 'cores that this process may run on' };

describe('availableThreads', () => {
  it('is at least one and no more than the cores of this machine', () => {
    expect(availableThreads()).toBeGreaterThanOrEqual(1);
    expect(availableThreads()).toBeLessThanOrEqual(availableParallelism());
    expect(availableThreads()).toBe(threadLimit().threads);
  });

  it('is no more than Slurm gives a task', () => {
    expect(threadsOf({}, { SLURM_CPUS_PER_TASK: '3' })).toEqual({ threads: 3, source: 'SLURM_CPUS_PER_TASK' });
    expect(threadsOf({}, { SLURM_CPUS_PER_TASK: '9' })).toEqual(CORES);
    expect(threadsOf({}, { SLURM_CPUS_PER_TASK: 'nonsense' })).toEqual(CORES);
  });

  it.each([
    ['50000 100000', 1],
    ['100000 100000', 1],
    ['250000 100000', 3],
  ])('is the quota of a control group of version 2, rounded up: %s gives %i', (quota, threads) => {
    expect(threadsOf({ ...VERSION_2, [`/sys/fs/cgroup${SLURM_GROUP}/cpu.max`]: quota })).toEqual({
      threads,
      source: `cpu.max of the control group ${SLURM_GROUP}`,
    });
  });

  it('sees the quota of a group further out, and no quota where there is none', () => {
    const inner = { [`/sys/fs/cgroup${SLURM_GROUP}/cpu.max`]: 'max 100000' };
    expect(threadsOf({ ...VERSION_2, ...inner })).toEqual(CORES);
    expect(threadsOf({ ...VERSION_2, ...inner, '/sys/fs/cgroup/system.slice/cpu.max': '400000 100000' })).toEqual({
      threads: 4,
      source: 'cpu.max of the control group /system.slice',
    });
  });

  it('sees the quota of version 1, in a container and beside version 2', () => {
    const folder = '/sys/fs/cgroup/cpu,cpuacct';
    const files = { [`${folder}/cpu.cfs_quota_us`]: '50000', [`${folder}/cpu.cfs_period_us`]: '100000' };
    expect(threadsOf({ ...VERSION_1, ...files })).toEqual({
      threads: 1,
      source: 'cpu.cfs_quota_us of the control group /',
    });
    expect(threadsOf({ ...VERSION_1, ...files, [`${folder}/cpu.cfs_quota_us`]: '-1' })).toEqual(CORES);
  });

  it('finds a hierarchy wherever it is mounted', () => {
    const hybrid = {
      '/proc/self/mountinfo':
        '32 31 0:29 / /mnt/my\\040groups/cpu rw,relatime - cgroup cgroup rw,cpu\n' +
        '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
      '/proc/self/cgroup': '1:cpu:/half\n0::/elsewhere',
      '/mnt/my groups/cpu/half/cpu.cfs_quota_us': '50000',
      '/mnt/my groups/cpu/half/cpu.cfs_period_us': '100000',
    };
    expect(threadsOf(hybrid).threads).toBe(1);
    const unified = { '/sys/fs/cgroup/unified/elsewhere/cpu.max': '20000 100000' };
    expect(threadsOf({ ...hybrid, '/mnt/my groups/cpu/half/cpu.cfs_quota_us': '300000', ...unified }).source).toBe(
      'cpu.max of the control group /elsewhere',
    );
  });
});
