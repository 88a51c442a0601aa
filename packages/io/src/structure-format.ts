/** The structure formats that can be read. Extended and plain XYZ share one reader: each frame says which it is. */
export type StructureFormat = 'extxyz' | 'xyz' | 'lammps-dump';

/** Bytes of the beginning of a file that {@link detectFormat} wants to see. */
export const HEAD_BYTES = 4096;

const BY_EXTENSION: ReadonlyMap<string, StructureFormat> = new Map([
  ['xyz', 'extxyz'],
  ['extxyz', 'extxyz'],
  ['exyz', 'extxyz'],
  ['dump', 'lammps-dump'],
  ['lammpstrj', 'lammps-dump'],
  ['lammpsdump', 'lammps-dump'],
]);

/**
 * The format of a structure file: by its content, and where that says nothing, by the extension of its name
 * (a trailing `.gz` aside).
 *
 * @param head  the first bytes, decompressed; 4096 are plenty
 * @param name  the name of the file
 * @returns undefined where neither tells
 *
 * @example
 * detectFormat(new TextEncoder().encode('ITEM: TIMESTEP\n0\n'), 'run.42'); // 'lammps-dump'
 */
export function detectFormat(head: Uint8Array, name: string): StructureFormat | undefined {
  return formatByContent(head) ?? formatByName(name);
}

function formatByContent(head: Uint8Array): StructureFormat | undefined {
  const lines = decodeLatin1(head.subarray(0, HEAD_BYTES))
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .split('\n');
  const first = lines.findIndex((line) => line.trim() !== '');
  if (first < 0) return undefined;
  const opening = (lines[first] as string).trim();
  if (opening.startsWith('ITEM:')) return 'lammps-dump';
  if (!/^\+?\d+$/.test(opening)) return undefined;
  return /(^|\s)(properties|lattice)\s*=/i.test(lines[first + 1] ?? '') ? 'extxyz' : 'xyz';
}

function formatByName(name: string): StructureFormat | undefined {
  const extension = /\.([^./\\]+?)(\.gz)?$/i.exec(name)?.[1];
  return extension === undefined ? undefined : BY_EXTENSION.get(extension.toLowerCase());
}

function decodeLatin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
