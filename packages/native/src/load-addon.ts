import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { INTERFACE_VERSION, type NativeAddon } from './addon.ts';
import { availableThreads } from './available-threads.ts';

/** What came of looking for the compiled module. */
export type LoadedAddon =
  | { readonly addon: NativeAddon; readonly availableThreads: number }
  | {
      readonly addon: null;
      readonly reason: string;
      readonly remedy: string;
      /** Somebody forced what cannot be had (SURPRISAL_ISA): a fallback would not be what they asked for. */
      readonly wasForced: boolean;
    };

const REMEDY =
  'To mend it, install a C++17 compiler and make, then run `npx surprisal-build-native` (in a checkout: `pnpm build`).';

/** Where this platform's binary lies, in this package. */
export const addonPath: string = fileURLToPath(
  new URL(`../prebuilds/${process.platform}-${process.arch}/surprisal.node`, import.meta.url),
);

let loaded: LoadedAddon | undefined;

/**
 * Loads the compiled module, once; says why where it cannot. `SURPRISAL_NATIVE=off` makes it look absent.
 */
export function loadAddon(): LoadedAddon {
  loaded ??= tryLoading();
  return loaded;
}

function tryLoading(): LoadedAddon {
  if (process.env['SURPRISAL_NATIVE'] === 'off') {
    return {
      addon: null,
      reason: 'SURPRISAL_NATIVE=off is set',
      remedy: 'To mend it, unset that variable.',
      wasForced: false,
    };
  }
  if (!existsSync(addonPath)) {
    return {
      addon: null,
      reason: `there is no binary for ${process.platform}-${process.arch} (${addonPath} does not exist)`,
      remedy: REMEDY,
      wasForced: false,
    };
  }
  try {
    const addon = createRequire(import.meta.url)(addonPath) as NativeAddon;
    if (addon.interfaceVersion !== INTERFACE_VERSION) {
      const reason = `${addonPath} was built from other sources than this package has`;
      return { addon: null, reason, remedy: REMEDY, wasForced: false };
    }
    return { addon, availableThreads: availableThreads() };
  } catch (error) {
    const problem = error instanceof Error ? error.message.split('\n')[0] : String(error);
    if (error instanceof Error && 'code' in error && error.code === 'INVALID_ARGUMENT') {
      const remedy = 'To mend it, name one of those, or unset that variable.';
      return { addon: null, reason: `${problem}`, remedy, wasForced: true };
    }
    return { addon: null, reason: `${addonPath} cannot be loaded (${problem})`, remedy: REMEDY, wasForced: false };
  }
}
