/**
 * Solid and liquid copper at one temperature and pressure: how much information each holds, and how new the liquid is to
 * one who knows the solid. Runs the command as a user would, and says in words what its numbers mean.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../node_modules/.bin/surprisal', import.meta.url));
const solidFile = fileURLToPath(new URL('solid.dump.gz', import.meta.url));
const liquidFile = fileURLToPath(new URL('liquid.dump.gz', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'surprisal-copper-'));
const started = performance.now();
/** @type {Set<string>} */
const warnings = new Set();

process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const solid = surprisal('entropy', solidFile);
const liquid = surprisal('entropy', liquidFile);
const surprise = surprisal('dh', liquidFile, '-r', solidFile);

// The yardstick: how new are frames of the solid to one who knows other frames of the same solid?
const known = join(scratch, 'known-solid.npy');
const unseen = join(scratch, 'unseen-solid.npy');
surprisal('descriptors', solidFile, '--frames', ':3', '-o', known);
surprisal('descriptors', solidFile, '--frames', '3:', '-o', unseen);
const yardstick = surprisal('dh', unseen, '-r', known).results[0].dH.p95;
const within = surprisal('overlap', liquidFile, '-r', known, '--eps', String(yardstick)).results[0].overlap;

for (const warning of warnings) console.log(`warning: ${warning}\n`);
printEntropies(solid, liquid);
printSurprise(surprise, solid);
printMeaning(solid, liquid, yardstick, 1 - within);
const seconds = ((performance.now() - started) / 1000).toFixed(0);
const { name, isa, threads } = solid.backend;
console.log(`Computed in ${seconds} s by the ${name} backend (instruction set ${isa}, threads ${threads}).`);

/**
 * @param {any} solid
 * @param {any} liquid
 */
function printEntropies(solid, liquid) {
  const { k, cutoff } = solid.parameters;
  console.log('Copper at 1300 K and zero pressure, where solid and liquid nearly coexist');
  console.log(`  k = ${k}, cutoff ${cutoff} Å, bandwidth ${solid.results[0].bandwidth} 1/Å, entropies in nats\n`);
  console.log('            environments   entropy H   its maximum   diversity D');
  for (const [name, { environments, results }] of /** @type {const} */ ([
    ['solid', solid],
    ['liquid', liquid],
  ])) {
    const { entropy, maxEntropy, diversity } = results[0];
    const columns = [nats(entropy).padStart(12), nats(maxEntropy).padStart(14), nats(diversity).padStart(14)];
    console.log(`  ${name.padEnd(8)}${String(environments).padStart(14)}${columns.join('')}`);
  }
}

/**
 * @param {any} surprise
 * @param {any} solid
 */
function printSurprise(surprise, solid) {
  const { dH, novelty } = surprise.results[0];
  console.log(`\nδH of the liquid's environments against the solid's ${solid.environments}`);
  console.log(
    `  min ${nats(dH.min)}   median ${nats(dH.median)}   mean ${nats(dH.mean)}   95 % below ${nats(dH.p95)}   max ${nats(dH.max)}`,
  );
  console.log(`  above zero: ${percent(novelty)}`);
}

/**
 * @param {any} solid
 * @param {any} liquid
 * @param {number} yardstick  95 % of unseen solid environments have a smaller δH
 * @param {number} beyond  share of the liquid's environments beyond it
 */
function printMeaning(solid, liquid, yardstick, beyond) {
  const [hSolid, hLiquid] = [solid.results[0].entropy, liquid.results[0].entropy];
  const gain = hLiquid - hSolid;
  const spread = (/** @type {number} */ entropy) => Math.round(Math.exp(entropy));
  console.log('\nWhat it means');
  say(
    `The ${solid.environments} environments of the solid hold as much information as ${spread(hSolid)} equally likely and wholly ` +
      `different ones; the ${liquid.environments} of the liquid as much as ${spread(hLiquid)}.`,
  );
  say(
    gain > 0
      ? `The liquid is the more varied of the two, by ${nats(gain)} nats, a factor of ${Math.exp(gain).toFixed(1)}.`
      : `The liquid is no more varied than the solid: ${nats(gain)} nats.`,
  );
  if (2 * spread(hLiquid) > liquid.environments) {
    say(
      `The liquid's entropy is near its maximum, ln ${liquid.environments}: so few frames have not yet shown all that it has to show.`,
    );
  }
  const expected = 0.05;
  const verdict =
    beyond > 10 * expected
      ? 'most of the liquid is new to one who knows the solid'
      : beyond > 2 * expected
        ? 'a good part of the liquid is new to one who knows the solid, and the rest looks like a hot solid'
        : 'the liquid can hardly be told from the solid';
  say(
    `Take three frames of the solid as known. Of its other three frames, 95 % of the environments have δH below ` +
      `${nats(yardstick)}; of the liquid, ${percent(beyond)} lie beyond that, where a solid would have ${percent(expected)}: ${verdict}.`,
  );
  console.log('');
}

/**
 * Runs the command and returns the document it prints.
 *
 * @param {...string} args
 * @returns {any}
 */
function surprisal(...args) {
  const { status, stdout, stderr, error } = spawnSync(command, [...args, '--json', '--no-progress'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    process.stderr.write(`${stderr ?? ''}${error === undefined ? '' : `${error.message}\n`}`);
    console.error(`surprisal ${args.join(' ')} failed`);
    process.exit(1);
  }
  const document = JSON.parse(stdout);
  for (const warning of document.warnings) {
    // That the liquid's entropy is near its maximum is explained below.
    if (!warning.startsWith('undersampled:')) warnings.add(warning);
  }
  return document;
}

/** @param {number} value */
function nats(value) {
  return value.toFixed(3);
}

/** @param {number} share */
function percent(share) {
  return `${(100 * share).toFixed(0)} %`;
}

/** @param {string} text */
function say(text) {
  let line = ' ';
  for (const word of text.split(' ')) {
    if (line.length + word.length >= 100) {
      console.log(line);
      line = ' ';
    }
    line += ` ${word}`;
  }
  console.log(line);
}
