import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A control group of this machine that was made for a test. */
export interface RealControlGroup {
  /** As it is named below its mount point. */
  readonly name: string;
  /** Runs what stands behind it in the group: a command for `runProcess` and what its arguments begin with. */
  readonly command: string;
  readonly args: readonly string[];
  remove(): void;
}

/**
 * Makes a group in which a controller sets these limits; undefined where this machine permits none, as a container may.
 *
 * @param limits  files of the group and what they get, for each version
 */
export function makeControlGroup(
  controller: 'cpu' | 'memory',
  limits: Readonly<Record<1 | 2, Readonly<Record<string, string>>>>,
): RealControlGroup | undefined {
  const name = `/surprisal-test-${controller}-${process.pid}`;
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [place = '', kind = ''] = line.split(' - ');
    const [type, , options = ''] = kind.split(' ');
    const version =
      type === 'cgroup2' ? 2 : type === 'cgroup' && options.split(',').includes(controller) ? 1 : undefined;
    if (version === undefined) continue;
    const folder = join(place.split(' ')[4] ?? '', name);
    const remove = () => rmdirSync(folder);
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    try {
      for (const [file, value] of Object.entries(limits[version])) writeFileSync(join(folder, file), value);
      return { name, command: 'sh', args: ['-c', `echo $$ > "${folder}/cgroup.procs" && exec "$@"`, 'sh'], remove };
    } catch {
      remove();
    }
  }
  return undefined;
}
