/**
 * Normal numbers one after the other, some 10⁷ a second: enough for a million atoms in a moment, where the indexed
 * sequence of `core` would take half a minute.
 *
 * Box and Muller's transform of the generator sfc32 (Doty-Humphrey, PractRand).
 */
export function gaussians(seed: number): () => number {
  let a = 0;
  let b = seed | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  const bits = () => {
    const result = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    return result >>> 0;
  };
  for (let i = 0; i < 12; i++) bits(); // until every bit depends on the seed
  let kept: number | undefined;
  return () => {
    if (kept !== undefined) {
      const value = kept;
      kept = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log((bits() + 1) / 2 ** 32));
    const angle = (2 * Math.PI * bits()) / 2 ** 32;
    kept = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}
