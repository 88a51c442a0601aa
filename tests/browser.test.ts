import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { createStructure } from '@surprisal/core';
import { quests } from '@surprisal/descriptors';
import { entropy } from '@surprisal/entropy';
import { rolldown } from 'rolldown';
import { expect, it } from 'vitest';
import { radialDensity } from '../examples/custom-descriptor/radial-density.mjs';

/** The packages as a bundler for browsers resolves them: what is published, not the sources. */
async function browserBundle(): Promise<{ code: string; imports: readonly string[] }> {
  const bundle = await rolldown({
    input: join(import.meta.dirname, 'browser-entry.ts'),
    platform: 'browser',
    resolve: { conditionNames: ['browser', 'import', 'default'] },
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message);
    },
  });
  const { output } = await bundle.generate({ format: 'iife', name: 'surprisal' });
  await bundle.close();
  expect(output).toHaveLength(1);
  return { code: output[0].code, imports: [...output[0].imports, ...output[0].dynamicImports] };
}

/** Copper, by the parser and the table of space groups that are bundled into io. */
const CIF = `data_copper
_cell_length_a 3.6
_cell_length_b 3.6
_cell_length_c 3.6
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_IT_number 225
loop_ _atom_site_type_symbol _atom_site_fract_x _atom_site_fract_y _atom_site_fract_z Cu 0 0 0
`;

it('core, descriptors, entropy and io bundle for a browser, and compute there what they compute here', async () => {
  const { code, imports } = await browserBundle();
  expect(imports).toEqual([]);
  expect(code).not.toMatch(/['"`]node:/);

  // What a page has beside the language itself, as far as it is needed: no process, no require, no Buffer.
  const page = createContext({
    setTimeout,
    performance,
    AbortController,
    AbortSignal,
    TextDecoder,
    TextEncoder,
    console,
  });
  const there = await runInContext(
    `${code}
    (async () => {
      const { core, descriptors, entropy, io, radialDensity } = surprisal;
      const structure = core.createStructure({
        positions: Float64Array.of(0, 0, 0, 1.9, 0.2, 0.1),
        cell: Float64Array.of(4, 0, 0, 0.5, 4, 0, 0, 0, 5),
      });
      const x = await descriptors.quests().compute([structure], { backend: 'reference' });
      const { entropy: h } = await entropy.entropy(x, { backend: 'reference' });
      const density = await radialDensity({ cutoff: 3 }).compute([structure]);
      const bytes = async function* () { yield new TextEncoder().encode(${JSON.stringify(CIF)}); };
      const crystals = [];
      for await (const { species, positions } of io.readStructures(bytes())) crystals.push([species.symbols[0], positions.length]);
      return { descriptors: Array.from(x.data), entropy: h, density: Array.from(density.data), crystals: JSON.stringify(crystals) };
    })()`,
    page,
  );

  const structure = createStructure({
    positions: Float64Array.of(0, 0, 0, 1.9, 0.2, 0.1),
    cell: Float64Array.of(4, 0, 0, 0.5, 4, 0, 0, 0, 5),
  });
  const x = await quests().compute([structure], { backend: 'reference' });
  expect(Array.from(there.descriptors)).toEqual(Array.from(x.data));
  expect(Array.from(there.density)).toEqual(Array.from((await radialDensity({ cutoff: 3 }).compute([structure])).data));
  expect(there.crystals).toBe('[["Cu",12]]');
  expect(there.entropy).toBe((await entropy(x, { backend: 'reference' })).entropy);
});
