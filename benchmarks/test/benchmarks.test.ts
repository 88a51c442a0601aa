import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { selectBackend } from '@surprisal/native';
import { afterAll, describe, expect, it } from 'vitest';
import { measure } from '../src/measure.ts';
import { readReport } from '../src/report.ts';
import type { Setting } from '../src/setting.ts';
import { plannedSubjects } from '../src/subjects.ts';

const folder = mkdtempSync(join(tmpdir(), 'surprisal-bench-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const backend = selectBackend({ backend: 'native', threads: 2 });
if (backend.name !== 'native') throw new Error('the benchmarks need the binary');
const setting: Setting = { scale: 'once', backend, threads: 2, folder, dump: undefined, outsideData: undefined };

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

describe('every benchmark runs', () => {
  it.each(plannedSubjects('once', undefined))('$name', async (plan) => {
    const subject = await plan.make(setting);
    const { measurements, figures } = await measure(subject, { rounds: 1, isa: backend.isa });
    expect(measurements.length).toBe(subject.cases.length);
    for (const { name, rate } of measurements) expect(rate, name).toBeGreaterThan(0);
    for (const { of, name, median } of figures) expect(median, `${of}: ${name}`).toBeGreaterThan(0);
  });
});

describe('the command', () => {
  const json = join(folder, 'once.json');

  it('measures, also with AVX2 where that is not the best, and writes a report', () => {
    const printed = execFileSync(process.execPath, [main, '--once', '--only', '^(start|kernels)$', '--json', json], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, SURPRISAL_ISA: '' },
    });
    const report = readReport(json);
    const sets = new Set(report.measurements.map(({ isa }) => isa));
    expect(sets).toEqual(new Set([backend.isa, ...(backend.addon.isas.includes('avx2') ? ['avx2'] : [])]));
    for (const isa of sets) expect(printed).toContain(`kernels (${isa})`);
    expect(printed).toContain('start of the command');
  });

  it('compares two reports, and says of one round that it is too little', () => {
    const printed = execFileSync(process.execPath, [main, '--compare', json, '--with', json], { encoding: 'utf8' });
    expect(printed).toMatch(/start of the command.*1\.000 .*too few rounds/);
  });

  it('puts the figures with a target into a document', () => {
    const document = join(folder, 'document.md');
    writeFileSync(document, 'before\n<!-- figures -->\nold\n<!-- end of figures -->\nbehind\n');
    execFileSync(process.execPath, [main, '--markdown', json, '--into', document]);
    const text = readFileSync(document, 'utf8');
    expect(text).toMatch(
      /^before\n<!-- figures -->\n\n[\s\S]*\| start of the command[\s\S]*<!-- end of figures -->\nbehind\n$/,
    );
    expect(text).not.toContain('old');
  });

  it.each([
    [['--only', 'nothing'], 'no subject matches "nothing"'],
    [['--threads', '0'], '--threads is "0"'],
    [['--markdown', main], 'JSON'],
    [['--bogus'], "Unknown option '--bogus'\n"],
    [['--with', main], '--with belongs to --compare'],
    [['--once', '--full'], '--once and --full exclude each other'],
    [['--once', '--json', join(folder, 'nowhere', 'x.json')], 'no such file or directory'],
  ])('refuses %j', (args, message) => {
    const { status, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('making the input');
    expect(status).toBe(1);
  });
});
