/**
 * What a browser gets in place of the loader: there are no binaries there, so the reference backend is the one.
 */
export { runJob } from './run-job.ts';

const REASON = 'a browser loads no native binaries';

export function loadAddon(): { readonly addon: null; readonly reason: string; readonly remedy: string } {
  return { addon: null, reason: REASON, remedy: 'Nothing mends it there.' };
}

/** @throws {Error} with `code` BACKEND_UNAVAILABLE if `native` is asked for */
export function selectBackend({ backend = 'auto' }: { backend?: 'auto' | 'native' | 'reference' } = {}): {
  readonly name: 'reference';
  readonly isa: 'none';
  readonly threads: 1;
  readonly addon: null;
  readonly reason: string;
} {
  if (backend === 'native') {
    throw Object.assign(new Error(`the native backend is not available: ${REASON}`), { code: 'BACKEND_UNAVAILABLE' });
  }
  return { name: 'reference', isa: 'none', threads: 1, addon: null, reason: REASON };
}
