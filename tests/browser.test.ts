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
      const { core, descriptors, entropy, radialDensity } = surprisal;
      const structure = core.createStructure({
        positions: Float64Array.of(0, 0, 0, 1.9, 0.2, 0.1),
        cell: Float64Array.of(4, 0, 0, 0.5, 4, 0, 0, 0, 5),
      });
      const x = await descriptors.quests().compute([structure], { backend: 'reference' });
      const { entropy: h } = await entropy.entropy(x, { backend: 'reference' });
      const density = await radialDensity({ cutoff: 3 }).compute([structure]);
      return { descriptors: Array.from(x.data), entropy: h, density: Array.from(density.data) };
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
  expect(there.entropy).toBe((await entropy(x, { backend: 'reference' })).entropy);
});
