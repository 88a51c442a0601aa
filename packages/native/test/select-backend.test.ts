import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { selectBackend as selectInBrowser } from '../src/browser.ts';
import { addonPath, loadAddon, selectBackend } from '../src/index.ts';

/** What a fresh process says when the addon is loaded under these variables. */
function inProcess(env: Record<string, string>): { isa?: string; error?: string } {
  const script = `
    try { const a = process.getBuiltinModule('node:module').createRequire(${JSON.stringify(pathToFileURL(addonPath).href)})(${JSON.stringify(addonPath)});
      console.log(JSON.stringify({ isa: a.isa })); }
    catch (error) { console.log(JSON.stringify({ error: error.message })); }`;
  const run = spawnSync(process.execPath, ['-e', script], { env: { ...process.env, ...env }, encoding: 'utf8' });
  return JSON.parse(run.stdout);
}

describe('selectBackend', () => {
  it('takes the native backend with every core, or as many threads as asked for', () => {
    const backend = selectBackend();
    expect(backend.name).toBe('native');
    expect(backend.threads).toBeGreaterThanOrEqual(1);
    expect(selectBackend({ threads: 7 }).threads).toBe(7);
  });

  it('takes the reference where it is asked for, without a reason', () => {
    expect(selectBackend({ backend: 'reference' })).toMatchObject({ name: 'reference', threads: 1, reason: undefined });
  });

  it.each([0, -1, 1.5, Number.NaN, 5000])('refuses %s threads', (threads) => {
    expect(() => selectBackend({ threads })).toThrow(/threads is/);
  });

  it('has nothing native in a browser, and says so', () => {
    expect(selectInBrowser()).toMatchObject({ name: 'reference', reason: expect.stringContaining('browser') });
    expect(() => selectInBrowser({ backend: 'native' })).toThrow(/not available/);
  });
});

describe('the instruction set', () => {
  const { addon } = loadAddon();
  it.each(addon?.isas ?? [])('can be forced: %s', (isa) => {
    expect(inProcess({ SURPRISAL_ISA: isa })).toEqual({ isa });
  });

  it('is the best one by default', () => {
    expect(inProcess({ SURPRISAL_ISA: '' })).toEqual({ isa: addon?.isas[0] });
  });

  it('is refused where it does not exist, with those that do', () => {
    const { error } = inProcess({ SURPRISAL_ISA: 'mmx' });
    expect(error).toContain('SURPRISAL_ISA is "mmx"');
    expect(error).toContain('baseline');
  });
});
