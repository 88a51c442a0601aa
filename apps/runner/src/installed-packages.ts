import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SCOPE = '@surprisal/';

interface Manifest {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** The packages of surprisal that this command runs on, wherever they are installed, with their versions. */
export function installedPackages(): Readonly<Record<string, string>> {
  const versions = new Map<string, string>();
  const visit = (folder: string) => {
    for (const name of Object.keys(readManifest(folder).dependencies ?? {})) {
      if (!name.startsWith(SCOPE) || versions.has(name)) continue;
      const found = findPackage(name, folder);
      versions.set(name, found === undefined ? 'not found' : readManifest(found).version);
      if (found !== undefined) visit(found);
    }
  };
  visit(dirname(fileURLToPath(new URL('../package.json', import.meta.url))));
  return Object.fromEntries([...versions].toSorted(([a], [b]) => a.localeCompare(b)));
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** The folder of a package, looked for as Node would from a package that depends on it. */
function findPackage(name: string, from: string): string | undefined {
  const folders = createRequire(join(from, 'package.json')).resolve.paths(name) ?? [];
  return folders.map((folder) => join(folder, name)).find((folder) => existsSync(join(folder, 'package.json')));
}
