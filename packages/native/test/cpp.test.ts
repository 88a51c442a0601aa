// Everything that compiles C++ is in this one file: tests of two files run at once, and would build into one folder.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('..', import.meta.url));
const built = (variant: string) => `build/${process.platform}-${process.arch}-${variant}`;
const MINUTES = 60_000;
const atLength = process.env['SURPRISAL_LONG'] === '1';

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
  // Sanitizers make it many times slower: all of it only where there is time. What is long is so on one thread.
  it.each([
    ['plain', 'driver', atLength ? ['long'] : []],
    ['asan', 'driver-asan', atLength ? ['long'] : ['brief']],
    ['tsan', 'driver-tsan', atLength ? [] : ['brief']],
  ])(
    'passes its own driver, built %s',
    (variant, target, extent) => {
      make(target);
      const { status, output } = run(`${built(variant)}/driver`, ['test/fixtures/core.txt', ...extent]);
      expect(status, output).toBe(0);
      expect(output).toMatch(/^[1-9]\d+ checks, 0 failed/m);
    },
    30 * MINUTES,
  );

  it('fails its driver where a fixture is wrong, so that a pass means something', () => {
    make('driver');
    expect(run(`${built('plain')}/driver`, ['test/exercise-addon.cjs']).status).toBe(1);
  });
});

const runs = (command: string) => run(command, ['--version']).status === 0;
const crossCompiler = process.env['CXX_AARCH64'] ?? 'aarch64-linux-gnu-g++';
const onLinuxX64 = process.platform === 'linux' && process.arch === 'x64';

describe('the C++ core on other processors', () => {
  it.skipIf(!runs(crossCompiler) || !runs('qemu-aarch64'))(
    'passes its driver on 64-bit ARM, with NEON (needs g++-aarch64-linux-gnu and qemu-user)',
    () => {
      make('driver-aarch64');
      const folderOfArm = 'build/linux-arm64-static';
      const { status, output } = run('qemu-aarch64', [`${folderOfArm}/driver`, 'test/fixtures/core.txt', 'brief']);
      expect(status, output).toBe(0);
      expect(output).toMatch(/^[1-9]\d+ checks, 0 failed \(neon\)$/m);
      // That the name is not all of it: four multiply-adds in one instruction.
      const { output: code } = run(crossCompiler.replace(/g\+\+.*$/, 'objdump'), [
        '-d',
        `${folderOfArm}/kernel_tiles_neon.o`,
      ]);
      expect(code).toMatch(/\bfmla\s+v\d+\.4s/);
    },
    10 * MINUTES,
  );

  it.skipIf(!onLinuxX64 || !runs('qemu-x86_64')).each([
    ['without AVX', 'Nehalem', 'baseline', atLength ? 'brief' : 'smoke'],
    // Multiply-adds take minutes there.
    ['without AVX-512', 'max,-avx512f', 'avx2 baseline', 'smoke'],
  ])(
    'passes its driver on a processor %s (needs qemu-user)',
    (_, processor, isas, extent) => {
      // Both sets run without an emulator, too: what counts here is that no instruction is used that the processor lacks.
      make('driver');
      const { status, output } = run('qemu-x86_64', [
        ...['-cpu', processor, `${built('plain')}/driver`],
        ...['test/fixtures/core.txt', extent],
      ]);
      expect(status, output).toBe(0);
      expect(output).toMatch(new RegExp(`^[1-9]\\d+ checks, 0 failed \\(${isas}\\)$`, 'm'));
    },
    10 * MINUTES,
  );

  // An inline function that two objects define is kept once, and it may be the copy for a set that the processor lacks.
  it.runIf(onLinuxX64)('shares no code between instruction sets', () => {
    make('driver');
    const objects = readdirSync(`${folder}${built('plain')}`).filter((name) => /_(avx2|avx512)\.o$/.test(name));
    expect(objects.length).toBeGreaterThanOrEqual(4);
    for (const object of objects) {
      const table = /(\w+)_(avx2|avx512)\.o$/.exec(object);
      const { output } = run('nm', ['--demangle', '--extern-only', '--defined-only', `${built('plain')}/${object}`]);
      expect(output.replace(/^[0-9a-f]+ /gm, '')).toBe(`D surprisal::${table?.[1]}_${table?.[2]}\n`);
    }
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
