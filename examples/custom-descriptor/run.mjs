import { fileURLToPath } from 'node:url';
import { entropy } from '@surprisal/entropy';
import { openStructures } from '@surprisal/io/node';
import { radialDensity } from './radial-density.mjs';

const density = radialDensity({ cutoff: 4 });
for (const phase of ['solid', 'liquid']) {
  const frames = [];
  const path = fileURLToPath(new URL(`../copper/${phase}.dump.gz`, import.meta.url));
  for await (const frame of openStructures(path)) frames.push(frame);
  const x = await density.compute(frames);
  const { entropy: h, maxEntropy } = await entropy(x, { bandwidth: 0.5 });
  console.log(`${phase}: ${x.rows}×${x.columns}, H = ${h.toFixed(3)} of at most ${maxEntropy.toFixed(3)} nats`);
}
