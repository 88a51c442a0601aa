/** Every dependency, of the packages and of the tools, has a permissive licence. */
import { runCommand } from './run-command.mjs';

const PERMISSIVE = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
]);

/** Tools whose licence was read by a person. They never reach a published package. */
const READ_BY_A_PERSON = new Map([
  ['spawndamnit', 'its package.json points to its LICENSE file, which is the MIT licence'],
  ['lightningcss', 'MPL-2.0; a part of vite, used unchanged, by the tests alone'],
]);

const everything = await dependencies([]);
const shipped = await dependencies(['--prod']);
let count = 0;
for (const [licence, names] of everything) {
  for (const name of names) {
    count++;
    if (isPermissive(licence)) continue;
    const tool = [...READ_BY_A_PERSON.keys()].find((known) => name === known || name.startsWith(`${known}-`));
    if (tool !== undefined && !shipped.get(licence)?.includes(name)) continue;
    console.error(`${name} has the licence "${licence}", which is not on the list of permissive ones`);
    process.exitCode = 1;
  }
}
if (count === 0) {
  console.error('no dependency was found, so none was checked');
  process.exitCode = 1;
}

/** @param {string} expression  SPDX, for example `(MIT OR Apache-2.0)` */
function isPermissive(expression) {
  return expression
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((licence) => PERMISSIVE.has(licence.trim())));
}

/**
 * @param {string[]} flags
 * @returns {Promise<Map<string, string[]>>} names of packages by licence
 */
async function dependencies(flags) {
  const { code, stdout, stderr } = await runCommand('pnpm', ['licenses', 'list', '--json', ...flags]);
  if (code !== 0) throw new Error(`pnpm licenses failed:\n${stdout}${stderr}`);
  /** @type {Record<string, { name: string }[]>} */
  const byLicence = JSON.parse(stdout.startsWith('{') ? stdout : '{}');
  return new Map(Object.entries(byLicence).map(([licence, list]) => [licence, list.map(({ name }) => name)]));
}
