import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { outsideTest, testDescriptor, testReader } from '@surprisal/testing';
import { describe, expect, it } from 'vitest';
import { coordination, descriptorOf } from './coordination.ts';
import { points } from './points.ts';

interface Outcome {
  readonly fullName: string;
  readonly status: string;
  readonly failureMessages: readonly string[];
}

/** Runs suites of `fixtures/` in a process of their own. */
async function outcomes(suite: string, environment: Record<string, string> = {}): Promise<Outcome[]> {
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const folder = fileURLToPath(new URL('./fixtures/', import.meta.url));
  const child = spawn(process.execPath, [vitest, 'run', suite, '--root', folder, '--reporter=json'], {
    env: { ...process.env, SURPRISAL_SEED: '', ...environment },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  for await (const chunk of child.stdout) output += chunk;
  const report: { testResults: { assertionResults: Outcome[] }[] } = JSON.parse(output);
  return report.testResults.flatMap(({ assertionResults }) => assertionResults);
}

testDescriptor(descriptorOf(coordination), { runs: 4 });
testReader(points);

describe('testDescriptor', () => {
  it('finds each fault', async () => {
    const failed = (await outcomes('broken-descriptors')).filter(({ status }) => status === 'failed');
    const failuresOf = (name: string) =>
      failed
        .filter(({ fullName }) => fullName.includes(`descriptor ${name},`))
        .map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages.join()}`)
        .join('\n');
    expect(failuresOf('looks at directions')).toContain('under rotation');
    expect(failuresOf('looks at positions')).toContain('under translation');
    expect(failuresOf('looks at numbers')).toContain('under renumbering');
    expect(failuresOf('counts images wrongly')).toContain('under supercells');
    expect(failuresOf('loses left-handed cells')).toContain('under the description of the cell');
    expect(failuresOf('chooses among ties by order')).toContain('of ideal fcc');
    expect(failuresOf('sees the whole structure')).toContain('does not see beyond its cutoff');
    expect(failuresOf('is not finite')).toContain('gives one finite row for each atom');
    expect(failuresOf('is not the same again')).toContain('gives the same bits again');
    expect(failuresOf('does not store float32')).toContain('stores the same numbers in float32');
    expect(failuresOf('does not stop')).toContain('stops when its signal has fired');
    expect(failuresOf('forgets an atom')).toContain('gives one finite row for each atom');
    expect(failuresOf('invents rows for nothing')).toContain('has no rows for no structures');
    expect(failuresOf('looks at the table of species')).toContain('under the table of species');
    expect(failuresOf('writes into structures')).toContain('leaves structures as they were');
    expect(failuresOf('declares no cutoff')).toContain('declares what it is');
    expect(failuresOf('jumps at the cutoff')).toContain('does not jump where an atom crosses the cutoff');
    // What fails says what to do.
    expect(failuresOf('declares no cutoff')).toContain('cutoff is NaN; it must be a length above 0');
    expect(failuresOf('is wider than it declares')).toContain(
      'gave 2 columns; it must give as many as are declared, 1',
    );
    expect(failuresOf('forgets an atom')).toMatch(/gave \d+ rows; it must give one for each atom of all structures/);
    expect(failuresOf('is not finite')).toMatch(/gave NaN for atom 1 of structure 1, column 1/);
    expect(failuresOf('looks at directions')).toContain('take distances and angles, not components of vectors');
    expect(failuresOf('looks at positions')).toContain('take differences of positions');
    expect(failuresOf('counts images wrongly')).toContain('also in cells shorter than it');
    expect(failuresOf('does not stop')).toContain('call throwIfAborted(context.signal)');
    expect(failuresOf('jumps at the cutoff')).toContain('let the weight of a neighbour go to 0 at the cutoff');
    // And these have no fault.
    expect(failuresOf('has a kink at the cutoff')).toBe('');
    expect(failuresOf('tells species apart')).toBe('');
  });
});

describe('testReader', () => {
  it('finds each fault', async () => {
    const failed = (await outcomes('broken-readers')).filter(({ status }) => status === 'failed');
    const failuresOf = (name: string) =>
      failed
        .filter(({ fullName }) => fullName.includes(`reader of ${name} `))
        .map(({ fullName }) => fullName)
        .join('\n');
    expect(failuresOf('sees chunks')).toContain('in chunks of any size');
    expect(failuresOf('knows no marks')).toContain('with the line ends and the mark of any system');
    expect(failuresOf('knows no Windows')).toContain('with the line ends and the mark of any system');
    expect(failuresOf('wants an end')).toContain('without the end of its last line');
    expect(failuresOf('trusts a last line')).toContain('cut off, for what it is not');
    expect(failuresOf('drops what it does not understand')).toContain('cut off, for what it is not');
    expect(failuresOf('takes all frames')).toContain('by slice');
    expect(failuresOf('does not stop')).toContain('stops when its signal has fired');
    expect(failuresOf('throws what it likes')).toContain('never stumbles');
    expect(failuresOf('reads nothing for nothing')).toContain('refuses files without content');
    expect(failuresOf('takes infinity')).toContain('refuses coordinates that are not finite');
    expect(failuresOf('believes counts')).toContain('believes no number of atoms');
    expect(failuresOf('keeps its source')).toContain('lets go of');
    expect(failuresOf('rounds what it writes')).toContain('reads what is written');
    expect(failuresOf('reads something else')).toContain('reads two frames');
  });
});

describe('property', () => {
  it('names the seed of a failure, which repeats it', async () => {
    const [first, word] = await outcomes('failing-property');
    expect(first?.status).toBe('failed');
    const message = first?.failureMessages.join('\n') ?? '';
    const seed = /seed (\d+) \(repeat with SURPRISAL_SEED=(\d+)\)/.exec(message);
    expect(seed?.[1]).toBe(seed?.[2]);
    expect(message).toContain(`drew from ${seed?.[1]}`);
    expect(word?.failureMessages.join('\n')).toMatch(/seed \d+ \(repeat with SURPRISAL_SEED=\d+\): a word/);

    const [again] = await outcomes('failing-property', { SURPRISAL_SEED: seed?.[1] ?? '' });
    expect(again?.failureMessages.join('\n')).toContain(`drew from ${seed?.[1]}`);
  });

  it('refuses a seed that is none', async () => {
    const [outcome] = await outcomes('failing-property', { SURPRISAL_SEED: 'seven' });
    expect(outcome?.failureMessages.join('\n')).toContain('SURPRISAL_SEED is "seven"; it must be a whole number');
  });
});

outsideTest('outsideTest hands over the folder', (folder) => {
  expect(folder).toBe(process.env['SURPRISAL_DATA']);
});
