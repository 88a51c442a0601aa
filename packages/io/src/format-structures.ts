import { type Structure, SurprisalError } from '@surprisal/core';
import { STRUCTURE_FORMATS, type StructureFormat, WRITABLE_FORMATS } from './structure-formats.ts';
import { Warnings } from './warnings.ts';

/** How structures are written. */
export interface FormatStructuresOptions {
  readonly format: StructureFormat;
  /** The name of the file, for errors and warnings. Default `<output>`. */
  readonly file?: string | undefined;
  /** Told once of each thing that the format cannot hold or holds under another name. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/**
 * The text of a file that holds these structures, in pieces, frame by frame as they come.
 *
 * @throws {SurprisalError} UNKNOWN_FORMAT if the format is not written; INVALID_ARGUMENT if it cannot hold a structure,
 *   or not so many of them; EMPTY_INPUT if there is none
 *
 * @example
 * for await (const text of formatStructures([structure], { format: 'extxyz' })) console.log(text);
 */
export async function* formatStructures(
  structures: AsyncIterable<Structure> | Iterable<Structure>,
  options: FormatStructuresOptions,
): AsyncGenerator<string, void> {
  const { format, file = '<output>' } = options;
  const entry = STRUCTURE_FORMATS.find(({ name }) => name === format);
  if (entry?.write === undefined) {
    const known = WRITABLE_FORMATS.join(', ');
    throw new SurprisalError('UNKNOWN_FORMAT', `${file}: "${format}" is not written; the formats that are: ${known}`, {
      details: { file, format },
    });
  }
  const writer = entry.write(new Warnings(file, options.onWarning));
  let frames = 0;
  for await (const structure of structures) {
    frames++;
    yield* writer.write(structure);
  }
  if (frames === 0) throw new SurprisalError('EMPTY_INPUT', `${file}: there is no structure to write`);
}
