import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** Where limits of this process are looked for; tests pass made-up ones. */
export interface Surroundings {
  /** In front of `/proc` and of the control groups; default none. */
  readonly root?: string | undefined;
  /** Default that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** CPUs of the affinity mask; default what Node says. */
  readonly cores?: number | undefined;
}

/** {@link Surroundings}, complete. */
export interface KnownSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cores: number;
  /** The text of a file of the system; empty where it cannot be read. */
  read(path: string): string;
}

export function knownSurroundings({ root = '', env = process.env, cores }: Surroundings): KnownSurroundings {
  return {
    env,
    cores: cores ?? availableParallelism(),
    read: (path) => {
      try {
        return readFileSync(root === '' ? path : join(root, path), 'utf8').trim();
      } catch {
        return '';
      }
    },
  };
}

/** A variable that is a whole number above 0; undefined where it is absent or anything else. */
export function countIn(env: KnownSurroundings['env'], name: string): number | undefined {
  const value = Number(env[name]);
  return Number.isInteger(value) && value > 0 ? value : undefined;
}
