import type { KnownSurroundings } from './surroundings.ts';

/** One control group that this process is in. */
export interface ControlGroup {
  readonly version: 1 | 2;
  /** As it is named below the mount point; `/` for the outermost one that can be seen. */
  readonly name: string;
  /** The text of one of its files; empty where it has none. */
  read(file: string): string;
}

/**
 * The groups that limit this process by one controller, innermost first: a limit of any of them holds.
 *
 * A machine may run both versions side by side (a hybrid hierarchy), and a container may see a group of the host as its
 * root, so where each hierarchy lies is read from the mounts and not assumed.
 */
export function controlGroups(controller: 'cpu' | 'memory', { read }: KnownSurroundings): ControlGroup[] {
  const mounts = cgroupMounts(read('/proc/self/mountinfo'));
  return read('/proc/self/cgroup')
    .split('\n')
    .flatMap((line) => {
      // A path may hold colons itself.
      const [, hierarchy, controllers, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
      if (path === undefined) return [];
      const version = hierarchy === '0' ? 2 : 1;
      if (version === 1 && !controllers?.split(',').includes(controller)) return [];
      const mount = mounts.find(
        (other) => other.version === version && (version === 2 || other.options.has(controller)),
      );
      if (mount === undefined) return [];
      return pathsUpwards(below(mount.root, path)).map((name) => ({
        version,
        name,
        read: (file: string) => read(`${mount.point}${name === '/' ? '' : name}/${file}`),
      }));
    });
}

interface CgroupMount {
  readonly version: 1 | 2;
  /** The group that shows at the mount point. */
  readonly root: string;
  readonly point: string;
  /** Of version 1, its controllers are among them. */
  readonly options: ReadonlySet<string>;
}

// id parent major:minor root point options [optional fields] - type source options
function cgroupMounts(mountinfo: string): CgroupMount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [place = '', kind = ''] = line.split(' - ');
    const [type, , options = ''] = kind.split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') return [];
    const [root = '/', point = ''] = place.split(' ').slice(3).map(unescapeOctal);
    return [{ version: type === 'cgroup2' ? 2 : 1, root, point, options: new Set(options.split(',')) }];
  });
}

/** Blanks in the paths of a mount are written as `\040`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** What of a group's path lies below the group that is mounted; the mounted one where the path leads elsewhere. */
function below(root: string, path: string): string {
  if (root === '/') return path.startsWith('/..') ? '/' : path;
  if (path === root) return '/';
  return path.startsWith(`${root}/`) ? path.slice(root.length) : '/';
}

/** `/a/b`, `/a`, `/` */
function pathsUpwards(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return Array.from({ length: parts.length + 1 }, (_, i) => `/${parts.slice(0, parts.length - i).join('/')}`);
}
