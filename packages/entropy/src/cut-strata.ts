/** Cells of the histogram from which strata are cut. */
const CELLS = 1024;

/**
 * Cuts rows into strata of alike keys: at equal steps of the cumulated root of the frequency of the keys, so that few rare
 * rows with keys of their own get a stratum of their own, and many common ones are not cut finer than it helps.
 *
 * @param keys   (n), finite
 * @param count  how many strata, at most
 * @returns the rows of each stratum, ascending; none is empty
 * @see Dalenius and Hodges, J. Am. Stat. Assoc. 54, 88 (1959)
 */
export function cutStrata(keys: Float64Array, count: number): Uint32Array[] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const key of keys) {
    if (key < low) low = key;
    if (key > high) high = key;
  }
  if (!(high > low)) return keys.length === 0 ? [] : [Uint32Array.from(keys, (_, row) => row)];
  const scale = CELLS / (high - low);
  const cellOf = (key: number) => Math.min(CELLS - 1, Math.floor((key - low) * scale));
  const frequency = new Uint32Array(CELLS);
  for (const key of keys) frequency[cellOf(key)]!++;
  const stratumOf = cutCells(frequency, count);
  const sizes = new Uint32Array(count);
  for (const [cell, size] of frequency.entries()) sizes[stratumOf[cell]!]! += size;
  const strata = Array.from(sizes, (size) => new Uint32Array(size));
  const filled = new Uint32Array(count);
  for (let row = 0; row < keys.length; row++) {
    const stratum = stratumOf[cellOf(keys[row]!)]!;
    strata[stratum]![filled[stratum]!++] = row;
  }
  return strata.filter(({ length }) => length > 0);
}

/** The stratum of each cell of the histogram. */
function cutCells(frequency: Uint32Array, count: number): Uint32Array {
  const total = frequency.reduce((sum, size) => sum + Math.sqrt(size), 0);
  let before = 0;
  return frequency.map((size) => {
    const root = Math.sqrt(size);
    const stratum = Math.min(count - 1, Math.floor((count * (before + root / 2)) / total));
    before += root;
    return stratum;
  });
}
