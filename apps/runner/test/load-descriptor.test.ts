import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createStructure, type Descriptor } from '@surprisal/core';
import { idealCrystal, testDescriptor } from '@surprisal/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtInDescriptor, isBuiltInDescriptor, loadDescriptor } from '../src/load-descriptor.ts';
import { buildSurprisal, runProcess } from './surprisal-process.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surprisal-modules-'));
});
afterAll(() => rm(folder, { recursive: true }));

let written = 0;

/** A module of its own for each test: Node keeps what it has loaded. */
async function moduleOf(source: string, ending = 'mjs'): Promise<string> {
  const path = join(folder, `module-${++written}.${ending}`);
  await writeFile(path, source);
  return path;
}

/** A descriptor in the text of a module, with some of its fields replaced. */
const descriptorText = (fields: string) => `{
  name: 'atoms', columns: 2, cutoff: 3, parameters: {},
  async compute(structures, { precision } = {}) {
    const rows = structures.reduce((sum, { positions }) => sum + positions.length / 3, 0);
    const data = new (precision === 'f32' ? Float32Array : Float64Array)(2 * rows).fill(1);
    return { rows, columns: 2, data };
  },
  ${fields}
}`;

const exported = (fields = '') => moduleOf(`export default ${descriptorText(fields)};`);

/** A module whose schema wants a number above 0 called width. */
const withOptions = () =>
  moduleOf(`
export default {
  options: {
    '~standard': {
      version: 1,
      vendor: 'hand',
      validate: (value) =>
        value?.width > 0
          ? { value: { width: value.width } }
          : { issues: [{ message: 'must be above 0', path: ['width'] }, { message: 'is odd' }, { message: 'is too long', path: [{ key: 'list' }, 2, 'name'] }] },
    },
  },
  create: ({ width }) => (${descriptorText('parameters: { width }')}),
};`);

const crystal = idealCrystal('fcc');

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const error: Error = await promise.then(
    () => {
      throw new Error('nothing was wrong');
    },
    (problem) => problem,
  );
  expect(error.name).toBe('UsageError');
  expect(error.message).not.toMatch(/\n|\bat .*:\d+:\d+/);
  return error.message;
}

describe('loadDescriptor', () => {
  it('takes a descriptor from a path, absolute or from the working directory', async () => {
    const path = await exported();
    for (const way of [path, relative(process.cwd(), path)]) {
      const descriptor = await loadDescriptor(way);
      expect(descriptor).toMatchObject({ name: 'atoms', columns: 2, cutoff: 3, parameters: {} });
      expect(await descriptor.compute([crystal, crystal])).toMatchObject({ rows: 8, columns: 2 });
      expect((await descriptor.compute([crystal], { precision: 'f32' })).data).toBeInstanceOf(Float32Array);
    }
  });

  it('makes a descriptor of options that the schema of the module takes', async () => {
    const path = await withOptions();
    expect(await loadDescriptor(path, '{"width": 2}')).toMatchObject({ parameters: { width: 2 } });
  });

  it('says each thing that the schema refuses, and where', async () => {
    const path = await withOptions();
    expect(await messageOf(loadDescriptor(path, '{"width": -1}'))).toBe(
      `--descriptor-options of ${path}: width: must be above 0; is odd; list[2].name: is too long`,
    );
    expect(await messageOf(loadDescriptor(path))).toContain(
      `${path} needs --descriptor-options: width: must be above 0`,
    );
  });

  it('takes schemas of valibot, and options that it makes ready', async () => {
    const valibot = JSON.stringify(import.meta.resolve('valibot'));
    const path = await moduleOf(`
import * as v from ${valibot};
export default {
  options: v.strictObject({ width: v.optional(v.pipe(v.number(), v.minValue(0.5, 'must be 0.5 or more')), 1.5) }),
  create: ({ width }) => (${descriptorText('parameters: { width }')}),
};`);
    expect(await loadDescriptor(path)).toMatchObject({ parameters: { width: 1.5 } });
    expect(await loadDescriptor(path, '{"width":3}')).toMatchObject({ parameters: { width: 3 } });
    expect(await messageOf(loadDescriptor(path, '{"width":0}'))).toContain('width: must be 0.5 or more');
    expect(await messageOf(loadDescriptor(path, '{"with":1}'))).toMatch(/with: Invalid key/);
    expect(await messageOf(loadDescriptor(path, '7'))).toContain('Invalid type');
  });

  it('takes the descriptor of the tutorial, and its schema', async () => {
    const path = fileURLToPath(new URL('../../../examples/custom-descriptor/radial-density.mjs', import.meta.url));
    const density = await loadDescriptor(path, '{"cutoff": 4, "points": 16}');
    expect(density).toMatchObject({ columns: 16, cutoff: 4, parameters: { cutoff: 4, width: 0.25, points: 16 } });
    expect((await density.compute([crystal])).rows).toBe(4);
    expect(await messageOf(loadDescriptor(path, '{"cutof": 4, "points": 0}'))).toBe(
      `--descriptor-options of ${path}: cutof: there is no such option; there are cutoff, width, points; ` +
        'points: must be a whole number from 1 to 1000, not 0',
    );
  });

  it('waits for schemas and makers that take their time', async () => {
    const path = await moduleOf(`
export default {
  options: Object.assign(() => {}, { '~standard': { version: 1, vendor: 'slow', validate: async (value) => ({ value }) } }),
  create: async () => (${descriptorText('')}),
};`);
    expect(await loadDescriptor(path, '{}')).toMatchObject({ name: 'atoms' });
  });

  it.each([
    ['{"width": 1', /^--descriptor-options is not JSON \(SyntaxError: [^(]*\); write it as/],
    ['', /^--descriptor-options is not JSON/],
  ])('refuses options that are not JSON: %o', async (json, message) => {
    expect(await messageOf(loadDescriptor(await withOptions(), json))).toMatch(message);
  });

  it('refuses options for a module that takes none', async () => {
    const path = await exported();
    expect(await messageOf(loadDescriptor(path, '{}'))).toContain(`${path} takes no options`);
  });

  it('never looks for a name among installed packages', async () => {
    expect(await messageOf(loadDescriptor('commander'))).toMatch(
      /^--descriptor commander: there is no such file; quests and multicomponent are built in, .* as \.\/mine\.mjs$/,
    );
    expect(await messageOf(loadDescriptor('@surprisal/testing'))).toContain('there is no such file');
    expect(await messageOf(loadDescriptor('node:fs'))).toContain('there is no such file');
    expect(await messageOf(loadDescriptor('data:text/javascript,export default 1'))).toContain('there is no such file');
  });

  it('refuses what is no file, or no module', async () => {
    const directory = join(folder, 'directory.mjs');
    await mkdir(directory);
    expect(await messageOf(loadDescriptor(directory))).toContain('is not a file');
    expect(await messageOf(loadDescriptor(await moduleOf('H 0 0 0', 'xyz')))).toContain('is not a module');
    expect(await messageOf(loadDescriptor(join(folder, 'missing.mjs')))).toContain('there is no such file');
  });

  it.each([
    ['throws', "throw new Error('out of luck\\nsecond line');", /does not load as a module: out of luck$/],
    ['throws a word', "throw 'a word';", /does not load as a module: a word$/],
    ['throws nothing', 'throw undefined;', /does not load as a module: undefined$/],
    ['misses a name', 'export default missing;', /does not load as a module: ReferenceError: missing is not defined$/],
    ['has no default', 'export const descriptor = {};', /has no default export; write "export default"/],
  ])('says that a module %s', async (_, source, message) => {
    expect(await messageOf(loadDescriptor(await moduleOf(source)))).toMatch(message);
  });

  it.each([
    ["name: ''", 'name is ""; it must be a word'],
    ['name: undefined', 'name is undefined'],
    ['columns: 1.5', 'columns is 1.5; it must be a whole number from 1 on'],
    ["columns: '2'", 'columns is "2"'],
    ['cutoff: Infinity', 'cutoff is Infinity; it must be a length above 0'],
    ['parameters: [1]', 'parameters is an Array'],
    ['parameters: { widths: new Map() }', 'parameters.widths is a Map; it must be a number, a word or a boolean'],
    ['compute: 3', 'compute is 3; it must be a function'],
  ])('names the field that is wrong: %s', async (fields, message) => {
    const path = await exported(fields);
    expect(await messageOf(loadDescriptor(path))).toContain(
      `${path}: the default export is not a descriptor: ${message}`,
    );
  });

  it.each([
    ['5', 'the default export is not a descriptor: it is 5'],
    ['() => 1', 'it is a function; it must be an object with name, columns, cutoff, parameters and compute'],
    ['{ create: () => 1 }', 'has create but no schema as options'],
    ['{ create: () => 1, options: { width: 1 } }', 'has create but no schema as options'],
    ['{ options: {} }', 'has options but no function create'],
    ["{ create: () => 1, options: { '~standard': { version: 2, validate() {} } } }", 'must be of version 1'],
    ['{ create: () => 1, options: OPEN }', 'what create gave is not a descriptor: it is 1'],
    ["{ create() { throw new TypeError('no luck'); }, options: OPEN }", 'create failed: TypeError: no luck'],
    [
      "{ create: () => 1, options: { '~standard': { version: 1, validate: () => { throw 'up'; } } } }",
      'schema of its options failed: up',
    ],
  ])('says what the default export %s lacks', async (text, message) => {
    const open = "{ '~standard': { version: 1, vendor: 'open', validate: (value) => ({ value }) } }";
    const path = await moduleOf(`export default ${text.replace('OPEN', open)};`);
    expect(await messageOf(loadDescriptor(path))).toContain(message);
  });

  it.each([
    ['async compute() { return undefined; }', 'compute gave undefined'],
    [
      'async compute() { return { rows: 4, columns: 3, data: new Float64Array(12) }; }',
      'gave 3 columns; it must give as many as are declared, 2',
    ],
    [
      'async compute() { return { rows: 3, columns: 2, data: new Float64Array(6) }; }',
      'gave 3 rows; it must give one for each atom of all structures, 4',
    ],
    [
      'async compute() { return { rows: 4, columns: 2, data: new Float32Array(8) }; }',
      'gave its numbers as a Float32Array; it must give a Float64Array where the precision is f64',
    ],
    ['async compute() { return { rows: 4, columns: 2, data: [1, 2] }; }', 'gave its numbers as an Array'],
    ['async compute() { return { rows: 4, columns: 2, data: new Float64Array(7) }; }', 'gave 7 numbers'],
    [
      'async compute() { return { rows: 4, columns: 2, data: Float64Array.of(0, 0, 0, NaN, 0, 0, 0, 0) }; }',
      'gave NaN for atom 2 of structure 1, column 2',
    ],
    ["async compute() { throw new RangeError('too many'); }", 'RangeError: too many'],
    ["compute() { throw 'a word'; }", 'a word'],
  ])('watches what is computed: %s', async (fields, message) => {
    const path = await exported(fields);
    const descriptor = await loadDescriptor(path);
    await expect(descriptor.compute([crystal])).rejects.toMatchObject({
      name: 'SurprisalError',
      code: 'INVALID_DESCRIPTOR',
      message: expect.stringMatching(/^the descriptor atoms of .*module-\d+\.mjs failed: /),
    });
    await expect(descriptor.compute([crystal])).rejects.toThrow(message);
  });

  it('names the structure over which a number is not finite', async () => {
    const path = await exported(
      'async compute() { return { rows: 9, columns: 2, data: new Float64Array(18).fill(Infinity, 14) }; }',
    );
    const structures = [crystal, createStructure({ positions: new Float64Array(3) }), crystal];
    await expect((await loadDescriptor(path)).compute(structures)).rejects.toMatchObject({
      details: { structure: 2, atom: 2 },
      message: expect.stringContaining('Infinity for atom 3 of structure 3, column 1'),
    });
  });

  it('keeps the codes of errors of surprisal, also of another copy of it', async () => {
    const path = await exported(`async compute() {
      throw Object.assign(new Error('structure 1: flat'), { name: 'SurprisalError', code: 'INVALID_CELL', details: { structure: 0 } });
    }`);
    await expect((await loadDescriptor(path)).compute([crystal])).rejects.toMatchObject({
      name: 'SurprisalError',
      code: 'INVALID_CELL',
      message: 'structure 1: flat',
      details: { structure: 0 },
    });
  });

  it('stops before a module that does not look at the signal', async () => {
    const descriptor = await loadDescriptor(await exported());
    await expect(descriptor.compute([crystal], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });
});

describe('loadDescriptor in a process of its own', () => {
  beforeAll(buildSurprisal, 120_000);

  const built = new URL('../dist/load-descriptor.js', import.meta.url).href;
  const loaded = (path: string) =>
    runProcess(process.execPath, [
      '--input-type=module',
      '--eval',
      `import { loadDescriptor } from ${JSON.stringify(built)};
       await loadDescriptor(${JSON.stringify(path)}).then((d) => console.log(d.name), (e) => console.log(e.message));`,
    ]);

  it('loads what Node loads, whatever it is called', async () => {
    const path = join(folder, 'a #1 100% name?.mjs');
    await writeFile(path, `export default ${descriptorText('')};`);
    expect(await loaded(path)).toMatchObject({ code: 0, stdout: 'atoms\n', stderr: '' });
    const common = await moduleOf(`module.exports = ${descriptorText('')};`, 'cjs');
    expect(await loaded(common)).toMatchObject({ code: 0, stdout: 'atoms\n' });
  });

  it('says where a module is not JavaScript, and what it cannot find', async () => {
    const { stdout, stderr } = await loaded(await moduleOf('\n\nexport default {{;\n'));
    expect(stdout).toMatch(
      /\.mjs does not load as a module: SyntaxError: Unexpected token '\{' \(node --check .*\.mjs shows where\)$/m,
    );
    expect(stderr).toBe('');
    const lost = await loaded(await moduleOf("import 'a-package-that-nobody-has';"));
    expect(lost.stdout).toMatch(/does not load as a module: Cannot find package 'a-package-that-nobody-has'/);
  });
});

describe('built-in descriptors', () => {
  const settings = { k: 8, cutoff: 4, tieTolerance: 1e-5 };

  it('are quests and multicomponent', () => {
    expect(['quests', 'multicomponent', './quests', 'toString'].map(isBuiltInDescriptor)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('take their options from JSON, and the rest from the command', () => {
    expect(builtInDescriptor('quests', settings)).toMatchObject({ name: 'quests', columns: 15, parameters: settings });
    expect(builtInDescriptor('quests', settings, '{"parts":"x1"}').columns).toBe(8);
    const named = builtInDescriptor('multicomponent', settings, '{"species":["Ti","Al"],"parts":"x2"}');
    expect(named).toMatchObject({ columns: 21, parameters: { ...settings, species: 'Ti,Al', parts: 'x2' } });
    const found = builtInDescriptor('multicomponent', { ...settings, species: ['Al', 'Ti'] });
    expect(found.parameters['species']).toBe('Al,Ti');
  });

  const refused: readonly (readonly ['quests' | 'multicomponent', string | undefined, string])[] = [
    ['quests', '{"part":"x1"}', 'quests does not know "part"; it takes parts'],
    ['quests', '{"k":8}', 'quests does not know "k"'],
    ['quests', '{"species":["Al"]}', 'quests does not know "species"'],
    ['multicomponent', '{"specie":["Al"]}', 'multicomponent does not know "specie"; it takes parts and species'],
    ['multicomponent', undefined, 'no species are given'],
    ['multicomponent', '{"species":["Al","Al"]}', 'species hold Al twice'],
    ['quests', '{"parts":"x3"}', 'parts is "x3"; it must be x1, x2 or x1x2'],
    ['quests', '["x1"]', 'must be a JSON object'],
    ['quests', 'null', 'must be a JSON object'],
    ['quests', '{parts:x1}', 'is not JSON'],
  ];
  it.each(refused)('%s refuses %s', async (name, json, message) => {
    const build = async (): Promise<Descriptor> => builtInDescriptor(name, settings, json);
    expect(await messageOf(build())).toContain(message);
  });
});

testDescriptor(builtInDescriptor('quests', { k: 4, cutoff: 3 }, '{"parts":"x1"}'), { runs: 2 });
