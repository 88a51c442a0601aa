/**
 * Makes `dist/molstar-cif.js` a file that stands alone: what `src/molstar-cif.ts` imports from molstar is bundled into it.
 * Runs behind `tsc -b`, whose own output of that file it replaces; the declarations stay.
 */
import { readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const LARGEST = 150_000;
const root = fileURLToPath(new URL('..', import.meta.url));
const target = `${root}dist/molstar-cif.js`;

const bundle = await rolldown({
  input: `${root}src/molstar-cif.ts`,
  platform: 'neutral',
  // Modules of molstar do nothing while they load but make what they export.
  treeshake: { moduleSideEffects: false },
  onLog: (level, log) => {
    if (level === 'warn') throw new Error(log.message);
  },
});
const { output } = await bundle.write({
  file: target,
  format: 'esm',
  minify: true,
  postBanner: '/*! With parts of molstar, copyright Mol* contributors, MIT licence: see THIRD-PARTY-LICENCES.txt */',
});
await bundle.close();
await rm(`${target}.map`, { force: true });

const [{ imports, dynamicImports, code }] = output;
if (output.length !== 1 || imports.length + dynamicImports.length > 0) {
  throw new Error(`${target} does not stand alone; it imports ${[...imports, ...dynamicImports].join(', ')}`);
}
if (code.length > LARGEST) throw new Error(`${target} has ${code.length} bytes; more of molstar than meant is in it`);

const notice = await readFile(`${root}THIRD-PARTY-LICENCES.txt`, 'utf8');
const licence = await readFile(new URL('LICENSE', import.meta.resolve('molstar/package.json')), 'utf8');
const flat = (/** @type {string} */ text) => text.replaceAll(/\s+/g, ' ').trim();
if (!flat(notice).includes(flat(licence)))
  throw new Error('THIRD-PARTY-LICENCES.txt does not hold the licence of molstar');
