import type { NativeAddon } from './addon.ts';
import { loadAddon } from './load-addon.ts';

/** The implementation that runs, and what is known about it. */
export type Backend =
  | { readonly name: 'native'; readonly isa: string; readonly threads: number; readonly addon: NativeAddon }
  | {
      readonly name: 'reference';
      readonly isa: 'none';
      readonly threads: 1;
      readonly addon: null;
      /** Why the native backend was not taken although it was wanted; undefined where the reference was asked for. */
      readonly reason: string | undefined;
    };

/** How a backend is asked for. */
export interface SelectBackendOptions {
  readonly backend?: 'auto' | 'native' | 'reference' | undefined;
  readonly threads?: number | undefined;
}

const REFERENCE = { name: 'reference', isa: 'none', threads: 1, addon: null } as const;

let warn: (message: string) => void = (message) => console.warn(message);
let warned = false;

/** Replaces the function that receives the one warning of a fallback; by default it goes to `console.warn`. */
export function onFallback(handler: (message: string) => void): void {
  warn = handler;
}

/**
 * The one place where an implementation is chosen.
 *
 * @throws {Error} with `code` BACKEND_UNAVAILABLE if `native` is asked for and cannot be had, and INVALID_ARGUMENT if
 *   `threads` is not a whole number from 1 to 1024, or SURPRISAL_ISA names an instruction set that cannot run here
 */
export function selectBackend({ backend = 'auto', threads }: SelectBackendOptions = {}): Backend {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 1024)) {
    throw coded('INVALID_ARGUMENT', `threads is ${threads}; it must be a whole number from 1 to 1024`);
  }
  if (backend === 'reference') return { ...REFERENCE, reason: undefined };
  const loaded = loadAddon();
  if (loaded.addon !== null) {
    const { addon } = loaded;
    return { name: 'native', isa: addon.isa, threads: threads ?? loaded.availableThreads, addon };
  }
  if (loaded.wasForced) throw coded('INVALID_ARGUMENT', `${loaded.reason}. ${loaded.remedy}`);
  if (backend === 'native') {
    throw coded('BACKEND_UNAVAILABLE', `the native backend is not available: ${loaded.reason}. ${loaded.remedy}`);
  }
  if (!warned) {
    warned = true;
    warn(
      `surprisal runs without its native backend: ${loaded.reason}. Results are the same, but one core of JavaScript does the work, tens to hundreds of times slower. ${loaded.remedy}`,
    );
  }
  return { ...REFERENCE, reason: loaded.reason };
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
