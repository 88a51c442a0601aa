import { STRUCTURE_FORMATS, type StructureFormat } from './structure-formats.ts';

/** Bytes of the beginning of a file that {@link detectFormat} wants to see. */
export const HEAD_BYTES = 4096;

/**
 * The format of a structure file: by its content, and where that says nothing, by its name (a trailing `.gz` aside): its
 * extension, or the whole of it, such as POSCAR.
 *
 * @param head  the first bytes, decompressed; 4096 are plenty
 * @param name  the name of the file
 * @returns undefined where neither tells
 *
 * @example
 * detectFormat(new TextEncoder().encode('ITEM: TIMESTEP\n0\n'), 'run.42'); // 'lammps-dump'
 */
export function detectFormat(head: Uint8Array, name: string): StructureFormat | undefined {
  return formatOfContent(head) ?? formatOfName(name);
}

/** The format that a name asks for: by its extension, else by the whole of it; folders and a trailing `.gz` aside. */
export function formatOfName(name: string): StructureFormat | undefined {
  const own = name.replace(/^.*[/\\]/s, '').replace(/\.gz$/i, '');
  const extension = /\.([^.]+)$/.exec(own)?.[1]?.toLowerCase();
  const entry =
    STRUCTURE_FORMATS.find(({ extensions }) => extension !== undefined && extensions.includes(extension)) ??
    STRUCTURE_FORMATS.find(({ names }) => names?.test(own));
  return entry?.name;
}

function formatOfContent(head: Uint8Array): StructureFormat | undefined {
  const text = decodeLatin1(head.subarray(0, HEAD_BYTES)).replace(/^\u00ef\u00bb\u00bf/, '');
  const lines = text.split(/\r?\n/);
  return STRUCTURE_FORMATS.find((entry) => entry.recognizes(lines))?.name;
}

function decodeLatin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
