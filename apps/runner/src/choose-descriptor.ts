import type { Descriptor } from '@surprisal/core';
import { speciesOf } from '@surprisal/descriptors';
import { type InputPath, isMatrixFile } from '@surprisal/io/node';
import { isRegularFile } from './check-paths.ts';
import { builtInDescriptor, isBuiltInDescriptor, loadDescriptor } from './load-descriptor.ts';
import type { Run } from './run.ts';
import { structuresOf } from './structure-files.ts';
import { UsageError } from './usage-error.ts';

/**
 * The descriptor that the options ask for. One that needs to know every species, and was not told them, learns them from
 * the files, which are read once more for that.
 *
 * @throws {UsageError} if it cannot be
 */
export async function chooseDescriptor(run: Run, files: readonly InputPath[]): Promise<Descriptor> {
  // A command that describes nothing has no such option.
  const { descriptor = 'quests', descriptorOptions, k, cutoff, tieTolerance } = run.options;
  if (!isBuiltInDescriptor(descriptor)) return loadDescriptor(descriptor, descriptorOptions);
  const wantsSpecies = descriptor === 'multicomponent' && !namesSpecies(descriptorOptions);
  const species = wantsSpecies ? await speciesOfFiles(run, files) : undefined;
  return builtInDescriptor(descriptor, { k, cutoff, tieTolerance, species }, descriptorOptions);
}

function namesSpecies(options: string | undefined): boolean {
  if (options === undefined) return false;
  try {
    const parsed: unknown = JSON.parse(options);
    return typeof parsed !== 'object' || parsed === null || Array.isArray(parsed) || 'species' in parsed;
  } catch {
    // What is no JSON is refused, with its text, by who reads the options.
    return true;
  }
}

/** Sorted by symbol. */
async function speciesOfFiles(run: Run, files: readonly InputPath[]): Promise<string[]> {
  const species = new Set<string>();
  for (const file of files) {
    if (await isMatrixFile(file.path)) continue;
    if (!(await isRegularFile(file.path))) {
      throw new UsageError(
        `${file.path} is no regular file and cannot be read twice, which finding its species needs; ` +
          `name them: --descriptor-options '{"species":["Al","Ti"]}'`,
      );
    }
    for await (const structure of structuresOf(file, run, { columns: [], onProgress: run.report })) {
      for (const symbol of speciesOf([structure])) species.add(symbol);
    }
  }
  if (species.size === 0)
    throw new UsageError('no file has atoms whose species the multicomponent descriptor could take');
  return [...species].sort();
}
