/** Columns that every frame has under these names; `positions` is read as `pos`. */
const OWN_COLUMNS: ReadonlySet<string> = new Set(['species', 'pos', 'positions']);
const OWN_KEYS = /^(?:lattice|properties|pbc)$/i;
/** Characters that a line cannot hold as they are. */
const UNWRITABLE = /[\p{Cc}\p{Surrogate}]/u;

/** The names of columns under which they can stand in extended XYZ; those that can stay as they are. */
export function columnNames(names: Iterable<string>): ReadonlyMap<string, string> {
  return freeNames(
    [...names],
    (name) => name !== '' && !OWN_COLUMNS.has(name) && !/[:\s]/.test(name) && !UNWRITABLE.test(name),
  );
}

/** The same for the values of a frame. */
export function infoNames(names: Iterable<string>): ReadonlyMap<string, string> {
  return freeNames([...names], (name) => name !== '' && !OWN_KEYS.test(name) && !UNWRITABLE.test(name));
}

function freeNames(names: readonly string[], canStand: (name: string) => boolean): ReadonlyMap<string, string> {
  const taken = new Set(names.filter(canStand));
  const found = new Map<string, string>();
  for (const name of names) {
    let free = name;
    if (!canStand(name)) {
      free = name.replaceAll(/[:\s\p{Cc}\p{Surrogate}]+/gu, '_') || '_';
      while (!canStand(free) || taken.has(free)) free += '_';
      taken.add(free);
    }
    found.set(name, free);
  }
  return found;
}
