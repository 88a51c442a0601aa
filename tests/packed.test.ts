import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packWorkspace } from '../scripts/pack-workspace.mjs';
import { runCommand } from '../scripts/run-command.mjs';
import { installNode, installPacked, type PackedWorkspace } from './install-packed.ts';

const MINUTES = 60_000;
/** Sites where a package is installed have none of this workspace's conditions or switches. */
const { NODE_OPTIONS: _options, SURPRISAL_NATIVE: _native, ...environment } = process.env;

let folder: string;
let packed: PackedWorkspace;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surprisal-packed-'));
  packed = await packWorkspace(folder);
}, 2 * MINUTES);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each([20, 24])('packed and installed outside of the workspace, on Node %i', (major) => {
  let node: string;

  beforeAll(async () => {
    node = await installNode(major);
  }, 5 * MINUTES);

  it(
    '@surprisal/descriptors computes natively',
    async () => {
      const project = join(folder, `descriptors-${major}`);
      await installPacked(node, packed, '@surprisal/descriptors', project);
      await writeFile(join(project, 'program.js'), DESCRIPTORS_PROGRAM);
      const { code, stdout, stderr } = await runCommand(node, ['program.js'], { cwd: project, env: environment });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const result = JSON.parse(stdout);
      expect(result.node).toBe(major);
      expect(result.backend).toBe('native');
      expect(result.rows).toBe(1);
      expect(result.columns).toBe(63);
      // The nearest neighbour of a simple cubic atom is one cell vector of 2 Å away: w(2)/2.
      expect(result.first).toBeCloseTo((1 - (2 / 5) ** 2) ** 2 / 2, 12);
      expect(result.difference).toBeLessThan(1e-9);
    },
    5 * MINUTES,
  );

  it(
    'surprisal answers natively',
    async () => {
      const project = join(folder, `surprisal-${major}`);
      await installPacked(node, packed, 'surprisal', project);
      await writeFile(join(project, 'two.xyz'), TWO_FRAMES);
      const { code, stdout, stderr } = await runCommand(
        join(project, 'node_modules', '.bin', 'surprisal'),
        ['entropy', 'two.xyz', '--backend', 'native', '--json', '--no-progress'],
        { cwd: project, env: { ...environment, PATH: `${dirname(node)}${delimiter}${environment['PATH']}` } },
      );
      // Two environments are few, which is said.
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: expect.stringMatching(/^surprisal: warning: undersampled: .*\n$/),
      });
      const result = JSON.parse(stdout);
      expect(result.backend.name).toBe('native');
      expect(result.command).toBe('entropy');
      expect(result.version).toBe(packed.get('surprisal')?.version);
      expect(result.environments).toBe(2);
      // Two environments too far apart for the kernel: the entropy is at its maximum.
      expect(result.results[0].entropy).toBeCloseTo(Math.log(2), 9);
    },
    5 * MINUTES,
  );
});

it(
  'each package installs alone and can be imported',
  async () => {
    for (const name of packed.keys()) {
      if (name === 'surprisal') continue;
      const project = join(folder, `alone-${name.slice(name.indexOf('/') + 1)}`);
      await installPacked(process.execPath, packed, name, project);
      const entries = name === '@surprisal/io' ? [name, `${name}/node`] : [name];
      const program = entries
        .map((entry) => `if (Object.keys(await import('${entry}')).length === 0) throw new Error('${entry} is empty');`)
        .join('\n');
      await writeFile(join(project, 'program.js'), name === '@surprisal/io' ? `${program}\n${CIF_PROGRAM}` : program);
      const { code, stderr } = await runCommand(process.execPath, ['program.js'], { cwd: project, env: environment });
      expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' });
    }
  },
  5 * MINUTES,
);

/** Reads CIF by what is bundled into the package: molstar is not installed. */
const CIF_PROGRAM = `
const { readStructures } = await import('@surprisal/io');
const cell = ['length_a', 'length_b', 'length_c'].map((name) => '_cell_' + name + ' 4');
const angles = ['alpha', 'beta', 'gamma'].map((name) => '_cell_angle_' + name + ' 90');
const text = ['data_x', ...cell, ...angles, '_space_group_IT_number 225', 'loop_', '_atom_site_type_symbol',
  '_atom_site_fract_x', '_atom_site_fract_y', '_atom_site_fract_z', 'Cu 0 0 0', ''].join('\\n');
for await (const { positions } of readStructures(new Blob([text]).stream())) {
  if (positions.length !== 12) throw new Error('not four atoms');
}
const { existsSync } = await import('node:fs');
if (existsSync('node_modules/molstar')) throw new Error('molstar is installed');
`;

const DESCRIPTORS_PROGRAM = `
import { createStructure } from '@surprisal/core';
import { quests } from '@surprisal/descriptors';
import { selectBackend } from '@surprisal/native';

const structure = createStructure({ positions: new Float64Array(3), cell: Float64Array.of(2, 0, 0, 0, 2, 0, 0, 0, 2) });
const native = await quests().compute([structure], { backend: 'native' });
const reference = await quests().compute([structure], { backend: 'reference' });
console.log(JSON.stringify({
  node: Number(process.versions.node.split('.')[0]),
  backend: selectBackend({ backend: 'native' }).name,
  rows: native.rows,
  columns: native.columns,
  first: native.data[0],
  difference: Math.max(...native.data.map((value, i) => Math.abs(value - reference.data[i]))),
}));
`;

const TWO_FRAMES = `1
Lattice="2 0 0 0 2 0 0 0 2" Properties=species:S:1:pos:R:3 pbc="T T T"
Cu 0 0 0
1
Lattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3 pbc="T T T"
Cu 0 0 0
`;
