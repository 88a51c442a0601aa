import { atomCount, cooperate, createMatrix, sharedBuffer } from '@surprisal/core';
import { neighborSearch } from '@surprisal/neighbors';

/**
 * @typedef {object} RadialDensityOptions
 * @property {number} [cutoff]  r_c in Å
 * @property {number} [width]   σ in Å
 * @property {number} [points]  M, places on the grid
 */

/**
 * How many neighbours an atom has at each distance, smoothed:
 *
 *     ρ_m = Σ_j w(r_ij) exp(−(r_ij − r_m)²/2σ²) / (√(2π) σ)     r_m = (m − ½) r_c/M,  m = 1 … M
 *     w(r) = (1 − (r/r_c)²)²
 *
 * @param {RadialDensityOptions} [options]
 * @returns {import('@surprisal/core').Descriptor}  its values are in 1/Å
 */
export function radialDensity({ cutoff = 5, width = 0.25, points = 20 } = {}) {
  return {
    name: 'radial-density',
    columns: points,
    cutoff,
    parameters: { cutoff, width, points },
    compute: (structures, context = {}) => compute(structures, { cutoff, width, points }, context),
  };
}

/**
 * @param {readonly import('@surprisal/core').Structure[]} structures
 * @param {Required<RadialDensityOptions>} options
 * @param {import('@surprisal/core').DescriptorContext} context
 */
async function compute(structures, { cutoff, width, points }, context) {
  const rows = structures.reduce((sum, structure) => sum + atomCount(structure), 0);
  const values = new Float64Array(sharedBuffer(8 * rows * points));
  const breathe = cooperate('radial densities', rows, 'environments', context);
  let row = 0;
  for (const [i, structure] of structures.entries()) {
    const search = neighborSearch(structure, cutoff, i + 1);
    for (let atom = 0; atom < atomCount(structure); atom++) {
      const { distances } = search.neighborhood(atom);
      addDensity(distances, { cutoff, width }, values.subarray(row * points, (row + 1) * points));
      row++;
      await breathe(row);
    }
  }
  return createMatrix(rows, points, context.precision === 'f32' ? Float32Array.from(values) : values);
}

/**
 * @param {Float64Array} distances  of the neighbours, Å
 * @param {{ cutoff: number, width: number }} options
 * @param {Float64Array} density  the row to which they are added
 */
function addDensity(distances, { cutoff, width }, density) {
  const step = cutoff / density.length;
  for (const r of distances) {
    const weight = (1 - (r / cutoff) ** 2) ** 2 / (Math.sqrt(2 * Math.PI) * width);
    for (let m = 0; m < density.length; m++) {
      const away = (r - (m + 0.5) * step) / width;
      density[m] = /** @type {number} */ (density[m]) + weight * Math.exp(-0.5 * away * away);
    }
  }
}

/**
 * What each option may be, in words and as a check.
 *
 * @type {Record<string, { readonly words: string, allows(value: number): boolean }>}
 */
const RULES = {
  cutoff: { words: 'a length above 0 (Å)', allows: (value) => value > 0 },
  width: { words: 'a length from 0.01 on (Å)', allows: (value) => value >= 0.01 },
  points: {
    words: 'a whole number from 1 to 1000',
    allows: (value) => Number.isInteger(value) && value >= 1 && value <= 1000,
  },
};

/** @type {import('@surprisal/core').OptionsSchema<RadialDensityOptions>} */
const options = {
  '~standard': {
    version: 1,
    vendor: 'radial-density',
    validate(value) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return { issues: [{ message: 'options must be an object' }] };
      }
      const issues = [];
      for (const [key, setting] of Object.entries(value)) {
        const rule = Object.hasOwn(RULES, key) ? RULES[key] : undefined;
        if (rule === undefined) {
          issues.push({ path: [key], message: `there is no such option; there are ${Object.keys(RULES).join(', ')}` });
        } else if (!Number.isFinite(setting) || !rule.allows(setting)) {
          issues.push({ path: [key], message: `must be ${rule.words}, not ${JSON.stringify(setting)}` });
        }
      }
      return issues.length > 0 ? { issues } : { value };
    },
  },
};

/** @type {import('@surprisal/core').DescriptorFactory<RadialDensityOptions>} */
export default { options, create: radialDensity };
