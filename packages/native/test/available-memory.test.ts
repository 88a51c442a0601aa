import { totalmem } from 'node:os';
import { describe, expect, it } from 'vitest';
import { availableMemory } from '../src/index.ts';
import { GIB, MIB, madeUpMachine, PROC, SLURM_GROUP, VERSION_1, VERSION_2 } from './made-up-machine.ts';

const GROUP_2 = `/sys/fs/cgroup${SLURM_GROUP}`;

function memoryOf(files: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}, cores = 4) {
  using machine = madeUpMachine({ ...PROC, ...files });
  return availableMemory({ root: machine.root, env, cores });
}

describe('availableMemory', () => {
  it('is a part of the memory of this machine', () => {
    const { bytes, source } = availableMemory();
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(totalmem());
    expect(source).not.toBe('');
  });

  it('is what the machine has free where nothing else limits it', () => {
    expect(memoryOf({})).toEqual({ bytes: 16 * GIB, source: 'free memory of this machine' });
    const unlimited = { [`${GROUP_2}/memory.max`]: 'max', [`${GROUP_2}/memory.current`]: `${GIB}` };
    expect(memoryOf({ ...VERSION_2, ...unlimited })).toEqual({
      bytes: 16 * GIB,
      source: 'free memory of this machine',
    });
    // The value of version 1 for "no limit".
    const none = { limit: '9223372036854771712', usage: `${GIB}` };
    expect(
      memoryOf({
        ...VERSION_1,
        '/sys/fs/cgroup/memory/inner/memory.limit_in_bytes': none.limit,
        '/sys/fs/cgroup/memory/inner/memory.usage_in_bytes': none.usage,
      }).bytes,
    ).toBe(16 * GIB);
  });

  it('asks Node where there is no /proc', () => {
    using machine = madeUpMachine({});
    const { bytes, source } = availableMemory({ root: machine.root, env: {} });
    expect(source).toBe('free memory of this machine');
    expect(bytes).toBeGreaterThan(0);
  });

  it('is what is left of a control group of version 2, cached files not counted', () => {
    const files = {
      [`${GROUP_2}/memory.max`]: `${4 * GIB}`,
      [`${GROUP_2}/memory.high`]: 'max',
      [`${GROUP_2}/memory.current`]: `${3 * GIB}`,
      [`${GROUP_2}/memory.stat`]: `anon ${GIB}\nfile ${2 * GIB}\ninactive_anon 0\ninactive_file ${1.5 * GIB}\nactive_file 0`,
    };
    expect(memoryOf({ ...VERSION_2, ...files })).toEqual({
      bytes: 2.5 * GIB,
      source: `memory.max of the control group ${SLURM_GROUP}`,
    });
    expect(memoryOf({ ...VERSION_2, ...files, [`${GROUP_2}/memory.high`]: `${2 * GIB}` })).toEqual({
      bytes: 0.5 * GIB,
      source: `memory.high of the control group ${SLURM_GROUP}`,
    });
  });

  it('sees a limit of a group further out', () => {
    const job = '/system.slice/slurmstepd.scope/job_7';
    const files = {
      [`${GROUP_2}/memory.max`]: `${8 * GIB}`,
      [`${GROUP_2}/memory.current`]: `${GIB}`,
      [`/sys/fs/cgroup${job}/memory.max`]: `${6 * GIB}`,
      [`/sys/fs/cgroup${job}/memory.current`]: `${5 * GIB}`,
    };
    expect(memoryOf({ ...VERSION_2, ...files })).toEqual({
      bytes: GIB,
      source: `memory.max of the control group ${job}`,
    });
  });

  it('sees the groups of version 1 in a container', () => {
    const files = {
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${2 * GIB}`,
      '/sys/fs/cgroup/memory/memory.usage_in_bytes': `${1.5 * GIB}`,
      '/sys/fs/cgroup/memory/memory.stat': `cache ${GIB}\ninactive_file 4096\ntotal_inactive_file ${GIB}`,
      '/sys/fs/cgroup/memory/inner/memory.limit_in_bytes': `${GIB}`,
      '/sys/fs/cgroup/memory/inner/memory.usage_in_bytes': `${0.25 * GIB}`,
    };
    expect(memoryOf({ ...VERSION_1, ...files })).toEqual({
      bytes: 0.75 * GIB,
      source: 'memory.limit_in_bytes of the control group /inner',
    });
    expect(memoryOf({ ...VERSION_1, ...files, '/sys/fs/cgroup/memory/memory.usage_in_bytes': `${2.5 * GIB}` })).toEqual(
      {
        bytes: 0.5 * GIB,
        source: 'memory.limit_in_bytes of the control group /',
      },
    );
  });

  it('is 0, never less, where a limit is passed already', () => {
    const files = { [`${GROUP_2}/memory.max`]: `${GIB}`, [`${GROUP_2}/memory.current`]: `${2 * GIB}` };
    expect(memoryOf({ ...VERSION_2, ...files }).bytes).toBe(0);
  });

  it('is what Slurm gives on this node, less what the process holds', () => {
    expect(memoryOf({}, { SLURM_MEM_PER_NODE: '2048' })).toEqual({ bytes: 1536 * MIB, source: 'SLURM_MEM_PER_NODE' });
    expect(memoryOf({}, { SLURM_MEM_PER_CPU: '1024', SLURM_CPUS_ON_NODE: '3' })).toEqual({
      bytes: 2560 * MIB,
      source: 'SLURM_MEM_PER_CPU of 3 CPUs',
    });
    expect(memoryOf({}, { SLURM_MEM_PER_CPU: '1024', SLURM_CPUS_PER_TASK: '2' }).bytes).toBe(1536 * MIB);
    expect(memoryOf({}, { SLURM_MEM_PER_CPU: '1024' }).bytes).toBe(3584 * MIB);
    // Slurm writes 0 for all memory of the node.
    expect(memoryOf({}, { SLURM_MEM_PER_NODE: '0' }).source).toBe('free memory of this machine');
    expect(memoryOf({}, { SLURM_MEM_PER_NODE: 'nonsense' }).source).toBe('free memory of this machine');
  });

  it('is what is left of the address space', () => {
    const limits = PROC['/proc/self/limits'].replace(
      'unlimited            unlimited',
      '3221225472           unlimited',
    );
    expect(memoryOf({ '/proc/self/limits': limits })).toEqual({
      bytes: GIB,
      source: 'the limit of address space (ulimit -v)',
    });
  });
});
