import { join } from 'node:path';
import { runCommand } from './run-command.mjs';

/**
 * Packs every package that is meant to be published, as publishing would.
 *
 * @param {string} folder  where the tarballs go
 * @returns {Promise<Map<string, { tarball: string, version: string, files: string[] }>>} by the name of the package
 */
export async function packWorkspace(folder) {
  const { code, stdout, stderr } = await runCommand('pnpm', [
    '--recursive',
    '--filter=./packages/*',
    '--filter=./apps/*',
    'pack',
    '--json',
    `--pack-destination=${folder}`,
  ]);
  if (code !== 0) throw new Error(`packing failed:\n${stdout}${stderr}`);
  /** @type {{ name: string, version: string, filename: string, files: { path: string }[] }[]} */
  const packed = JSON.parse(stdout.slice(stdout.indexOf('[')));
  return new Map(
    packed.map(({ name, version, filename, files }) => [
      name,
      {
        tarball: join(folder, filename.slice(filename.lastIndexOf('/') + 1)),
        version,
        files: files.map(({ path }) => path),
      },
    ]),
  );
}
