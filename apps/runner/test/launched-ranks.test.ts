import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { launchedRanks } from '../src/launched-ranks.ts';
import { buildSurprisal, type ProcessResult, runProcess, runSurprisal, surprisalPath } from './surprisal-process.ts';

const WATER = fileURLToPath(new URL('fixtures/water.xyz', import.meta.url));

beforeAll(buildSurprisal);

describe('what launchers say', () => {
  it.each([
    [{}, undefined],
    [{ OMPI_COMM_WORLD_SIZE: '1', PMI_SIZE: '1', SLURM_STEP_NUM_TASKS: '1' }, undefined],
    [{ OMPI_COMM_WORLD_SIZE: 'many' }, undefined],
    // A batch script of a job with several tasks is one process.
    [{ SLURM_NTASKS: '4', SLURM_NPROCS: '4' }, undefined],
    [{ OMPI_COMM_WORLD_SIZE: '2' }, { size: 2, variable: 'OMPI_COMM_WORLD_SIZE' }],
    [{ PMI_SIZE: '16' }, { size: 16, variable: 'PMI_SIZE' }],
    // srun --mpi=pmix
    [
      { PMIX_RANK: '0', SLURM_STEP_NUM_TASKS: '2' },
      { size: 2, variable: 'SLURM_STEP_NUM_TASKS' },
    ],
  ])('%j', (environment, expected) => {
    expect(launchedRanks(environment)).toEqual(expected);
  });
});

describe.each(['OMPI_COMM_WORLD_SIZE', 'PMI_SIZE', 'SLURM_STEP_NUM_TASKS'])('with %s=2', (variable) => {
  it.each(['entropy', 'info', 'doctor'])('%s refuses before any work', async (command) => {
    const args = command === 'doctor' ? [command] : [command, 'absent.xyz'];
    const { code, stdout, stderr } = await runSurprisal(args, { env: { [variable]: '2' } });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^surprisal: error: .*2 processes.*run one process, it uses all cores[^\n]*\n$/);
  });

  it('one rank is no reason to refuse', async () => {
    const { code } = await runSurprisal(['entropy', WATER], { env: { [variable]: '1' } });
    expect(code).toBe(0);
  });
});

const rootMay = { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };

/** Real launchers, each skipped where it is not installed; Slurm has a test of its own. */
const LAUNCHERS = [
  { name: 'mpirun.openmpi', flags: ['--oversubscribe'] },
  { name: 'mpiexec.hydra', flags: [] },
].map((launcher) => ({ ...launcher, isInstalled: isInstalled(launcher.name) }));

function isInstalled(name: string): boolean {
  return spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined;
}

for (const { name, flags, isInstalled } of LAUNCHERS) {
  describe.skipIf(!isInstalled)(`launched by ${name}`, () => {
    const launch = (ranks: number): Promise<ProcessResult> =>
      runProcess(name, [...flags, '-n', String(ranks), process.execPath, surprisalPath, 'entropy', WATER, '--json'], {
        env: rootMay,
      });

    it('two ranks are refused', async () => {
      const { code, stdout, stderr } = await launch(2);
      expect(code).not.toBe(0);
      expect(`${stdout}${stderr}`).toMatch(/launched as 2 processes/);
      expect(stdout).not.toContain('schemaVersion');
    });

    it('one rank runs', async () => {
      const { code, stdout } = await launch(1);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ command: 'entropy', environments: 12 });
    });
  });
}
