import { createRequire } from 'node:module';

/** The version of this package, as in its package.json. */
export const packageVersion: string = (createRequire(import.meta.url)('../package.json') as { version: string })
  .version;
