import type { Structure } from '@surprisal/core';
import { type ReadOptions, readStructures } from '@surprisal/io';

/** Text as a stream of bytes, in chunks of a given size. */
async function* streamOf(text: string | Uint8Array, chunk = 1 << 20): AsyncGenerator<Uint8Array, void> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
}

/** All structures in a text. */
export async function readText(
  text: string | Uint8Array,
  options: ReadOptions & { readonly chunk?: number } = {},
): Promise<Structure[]> {
  const structures: Structure[] = [];
  for await (const structure of readStructures(streamOf(text, options.chunk), options)) structures.push(structure);
  return structures;
}

/** The one structure in a text. */
export async function readOne(text: string, options: ReadOptions = {}): Promise<Structure> {
  const [structure, ...others] = await readText(text, options);
  if (structure === undefined || others.length > 0) throw new Error(`${others.length} structures besides the first`);
  return structure;
}

/** The sentence with which a text is refused. */
export async function refusal(text: string | Uint8Array, options: ReadOptions = {}): Promise<string> {
  try {
    const structures = await readText(text, options);
    return `read ${structures.length} frames`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The species of every atom. */
export function symbolsOf(structure: Structure): string[] {
  return Array.from(structure.species.index, (place) => structure.species.symbols[place] as string);
}
