import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('..', import.meta.url));
const built = (variant: string) => `build/${process.platform}-${process.arch}-${variant}`;
const MINUTES = 60_000;

function run(command: string, args: string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { status, output: `${stdout}${stderr}` };
}

function make(target: string): void {
  const { status, output } = run('make', ['--silent', '-j2', target]);
  expect(status, output).toBe(0);
}

describe('the C++ core', () => {
  it.each([
    ['plain', 'driver'],
    ['asan', 'driver-asan'],
    ['tsan', 'driver-tsan'],
  ])(
    'passes its own driver, built %s',
    (variant, target) => {
      make(target);
      const { status, output } = run(`${built(variant)}/driver`, ['test/fixtures/core.txt']);
      expect(status, output).toBe(0);
      expect(output).toMatch(/^[1-9]\d+ checks, 0 failed/m);
    },
    10 * MINUTES,
  );

  it('fails its driver where a fixture is wrong, so that a pass means something', () => {
    make('driver');
    expect(run(`${built('plain')}/driver`, ['test/exercise-addon.cjs']).status).toBe(1);
  });
});

describe('the addon', () => {
  it(
    'runs in Node under AddressSanitizer and UndefinedBehaviorSanitizer',
    () => {
      make('addon-asan');
      const library = run('g++', ['-print-file-name=libasan.so']).output.trim();
      const { status, output } = run(
        process.execPath,
        ['test/exercise-addon.cjs', `${folder}${built('asan')}/surprisal.node`],
        {
          LD_PRELOAD: library,
          // What V8 keeps until the process ends is no leak of ours.
          ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1',
        },
      );
      expect(output).toContain('exercised');
      expect(status, output).toBe(0);
    },
    10 * MINUTES,
  );

  it('tells which C library it needs, and needs no C++ library of the machine', () => {
    const { output } = run('objdump', ['-T', `prebuilds/${process.platform}-${process.arch}/surprisal.node`]);
    const versions = [...output.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map((match) => [Number(match[1]), Number(match[2])]);
    const floor = versions.toSorted((a, b) => a[0]! - b[0]! || a[1]! - b[1]!).at(-1);
    console.log(`this binary needs glibc ${floor?.join('.')}`);
    expect(floor).toBeDefined();
    expect(output).not.toContain('GLIBCXX_');
  });
});
