import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Files of a machine in a folder of their own: paths from its root, and what they hold. Removed by `Symbol.dispose`. */
export function madeUpMachine(files: Readonly<Record<string, string>>): { readonly root: string } & Disposable {
  const root = mkdtempSync(join(tmpdir(), 'surprisal-machine-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`);
  }
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}

export const MIB = 1024 ** 2;
export const GIB = 1024 ** 3;

/** 16 GiB free; a process that holds 0.5 GiB of 2 GiB of addresses, without a limit of those. */
export const PROC = {
  '/proc/meminfo': `MemTotal:       33554432 kB\nMemFree:         1048576 kB\nMemAvailable:   16777216 kB`,
  '/proc/self/status': `Name:\tnode\nVmPeak:\t 2100000 kB\nVmSize:\t 2097152 kB\nVmRSS:\t  524288 kB`,
  '/proc/self/limits':
    'Limit                     Soft Limit           Hard Limit           Units     \n' +
    'Max address space         unlimited            unlimited            bytes     ',
};

/** Version 2 alone, as Debian 12 has it: a step of a Slurm job four groups deep. */
export const SLURM_GROUP = '/system.slice/slurmstepd.scope/job_7/step_0/user/task_0';
export const VERSION_2 = {
  '/proc/self/mountinfo':
    '24 30 0:22 / /proc rw,nosuid shared:12 - proc proc rw\n' +
    '29 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot',
  '/proc/self/cgroup': `0::${SLURM_GROUP}`,
};

/** Version 1 as Docker shows it: the paths are those of the host, the mounts begin at the group of the container. */
export const VERSION_1 = {
  '/proc/self/mountinfo':
    '636 635 0:30 /docker/4f0a /sys/fs/cgroup/systemd ro,nosuid master:11 - cgroup cgroup rw,xattr,name=systemd\n' +
    '640 635 0:34 /docker/4f0a /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:17 - cgroup cgroup rw,cpu,cpuacct\n' +
    '643 635 0:37 /docker/4f0a /sys/fs/cgroup/memory ro,nosuid master:20 - cgroup cgroup rw,memory',
  '/proc/self/cgroup':
    '12:memory:/docker/4f0a/inner\n5:cpuset:/docker/4f0a\n4:cpu,cpuacct:/docker/4f0a/inner\n1:name=systemd:/docker/4f0a\n0::/system.slice/containerd.service',
};
