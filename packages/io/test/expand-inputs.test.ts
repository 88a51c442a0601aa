import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expandInputs, type InputPath } from '@surprisal/io/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const XYZ = '1\n\nH 0 0 0\n';
const FILES: Readonly<Record<string, string>> = {
  'traj.xyz': XYZ,
  'a@1.xyz': XYZ,
  'a@1.xyz@-1': XYZ,
  'x[1].xyz': XYZ,
  'runs/2/OUT.xyz': XYZ,
  'runs/10/OUT.xyz': XYZ,
  'runs/10/deep/OUT.xyz': XYZ,
  'runs/1/OUT.dump': 'ITEM: TIMESTEP\n0\n',
  'runs/1/.hidden.xyz': XYZ,
  'set/b10.xyz': XYZ,
  'set/b9.xyz.gz': XYZ,
  'set/x.npy': 'no matrix at all',
  'set/crystal': 'data_x\n',
  'set/dump.0': 'ITEM: TIMESTEP\n0\n',
  'set/frames': '1\nProperties=species:S:1:pos:R:3\nH 0 0 0\n',
  'set/numbers.txt': '1\n2\n3\n',
  'set/notes.md': '# notes\n',
  'set/.hidden.xyz': XYZ,
  'set/below/deep.xyz': XYZ,
  'other/notes.md': '# notes\n',
};
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surprisal-inputs-'));
  for (const [name, content] of Object.entries(FILES)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  await mkdir(join(folder, 'empty'));
  await symlink('..', join(folder, 'runs', 'loop'));
});
afterAll(() => rm(folder, { recursive: true }));

async function expand(path: string, onWarning?: (message: string) => void): Promise<InputPath[]> {
  return expandInputs([join(folder, path)], { onWarning });
}

/** Paths below the folder. */
async function pathsOf(path: string): Promise<string[]> {
  return (await expand(path)).map((input) => input.path.slice(folder.length + 1));
}

describe('a path', () => {
  it('to a file is that file', async () => {
    const path = join(folder, 'traj.xyz');
    expect(await expand('traj.xyz')).toEqual([{ path, text: path }]);
    expect(await expandInputs([path, path])).toHaveLength(2);
    expect(await expandInputs(['/dev/null'])).toEqual([{ path: '/dev/null', text: '/dev/null' }]);
  });

  it.each([
    ['traj.xyz@0:100:5', { start: 0, stop: 100, step: 5 }],
    ['traj.xyz@-1', { start: -1, stop: undefined, step: 1 }],
    ['traj.xyz@:', { start: undefined, stop: undefined, step: 1 }],
    ['traj.xyz@::-1', { start: undefined, stop: undefined, step: -1 }],
  ])('%s selects frames', async (path, frames) => {
    expect(await expand(path)).toEqual([{ path: join(folder, 'traj.xyz'), frames, text: join(folder, path) }]);
  });

  it('with an @ in the name of the file means that file', async () => {
    expect(await expand('a@1.xyz')).toMatchObject([{ path: join(folder, 'a@1.xyz') }]);
    expect((await expand('a@1.xyz'))[0]?.frames).toBeUndefined();
    expect((await expand('a@1.xyz@-1'))[0]?.frames).toBeUndefined();
    expect(await expand('a@1.xyz@3')).toMatchObject([{ path: join(folder, 'a@1.xyz'), frames: { start: 3, stop: 4 } }]);
  });

  it.each(['', 'x', '1:2:3:4', '::0', '1.5'])('with the frames "%s" is refused', async (slice) => {
    await expect(expand(`traj.xyz@${slice}`)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(expand(`runs/*/OUT.xyz@${slice}`)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it.each([
    ['none.xyz', 'none.xyz: there is no such file'],
    ['none.xyz@-1', 'none.xyz: there is no such file'],
    ['no@ne', 'no@ne: there is no such file'],
    ['traj.xyz/x', 'traj.xyz/x: there is no such file'],
    ['\0', 'there is no such file'],
    [`${'x'.repeat(5000)}`, 'there is no such file'],
    ['runs/*/none', 'no file matches'],
    ['runs/*/none@1', 'no file matches'],
    ['empty/*', 'no file matches'],
    ['none/**', 'no file matches'],
  ])('%j leads nowhere', async (path, sentence) => {
    await expect(expand(path)).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
      message: expect.stringContaining(sentence),
    });
  });
});

describe('a pattern', () => {
  it('means the files that match, in natural order', async () => {
    expect(await pathsOf('runs/*/OUT.xyz')).toEqual(['runs/2/OUT.xyz', 'runs/10/OUT.xyz']);
    expect(await pathsOf('runs/{1,10}/OUT.*')).toEqual(['runs/1/OUT.dump', 'runs/10/OUT.xyz']);
    expect(await pathsOf('runs/?/OUT.xyz')).toEqual(['runs/2/OUT.xyz']);
    expect(await pathsOf('runs/[12]*/OUT.xyz')).toEqual(['runs/2/OUT.xyz', 'runs/10/OUT.xyz']);
    expect(await pathsOf('set/**/*.xyz')).toEqual(['set/b10.xyz', 'set/below/deep.xyz']);
    expect(await pathsOf('runs/1/.*')).toEqual(['runs/1/.hidden.xyz']);
  });

  it('passes on which frames', async () => {
    expect(await expand('runs/*/OUT.xyz@-1')).toEqual(
      ['2', '10'].map((run) => {
        const path = join(folder, 'runs', run, 'OUT.xyz');
        return { path, frames: { start: -1, stop: undefined, step: 1 }, text: `${path}@-1` };
      }),
    );
  });

  it('gives way to a file of that very name', async () => {
    expect(await pathsOf('x[1].xyz')).toEqual(['x[1].xyz']);
    expect(await pathsOf('x[1].xyz@0')).toEqual(['x[1].xyz']);
  });

  it('ends where links lead round in a circle', async () => {
    const found = await pathsOf('runs/**/OUT.xyz');
    expect(found.filter((path) => !path.includes('loop'))).toEqual([
      'runs/2/OUT.xyz',
      'runs/10/deep/OUT.xyz',
      'runs/10/OUT.xyz',
    ]);
  });

  it('is taken from the working folder', async () => {
    const here = (await expandInputs(['packages/io/test/expand-*.test.ts'])).map(({ path }) => path);
    expect(here).toEqual(['packages/io/test/expand-inputs.test.ts']);
    expect(await expandInputs(['./packages/io/test/../test/expand-*.test.ts'])).toHaveLength(1);
  });
});

describe('a folder', () => {
  it('means the structures and matrices in it, and says that there are others', async () => {
    const warnings: string[] = [];
    const inputs = await expand('set', (message) => warnings.push(message));
    expect(inputs.map(({ path }) => path.slice(folder.length + 5))).toEqual([
      'b9.xyz.gz',
      'b10.xyz',
      'crystal',
      'dump.0',
      'frames',
      'x.npy',
    ]);
    expect(warnings).toEqual([
      `${folder}/set: 2 of its 8 files hold neither structures nor a matrix, as it seems, and are passed over`,
    ]);
    expect((await expand('set@:2'))[1]).toMatchObject({ frames: { stop: 2 }, text: `${folder}/set/b10.xyz@:2` });
  });

  it.each(['empty', 'other'])('without any is refused: %s', async (path) => {
    await expect(expand(path)).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
      message: `the folder ${join(folder, path)} holds no files of structures or matrices`,
    });
  });

  it('ends when it is told to', async () => {
    await expect(expandInputs([folder], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
