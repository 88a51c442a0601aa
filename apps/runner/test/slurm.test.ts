import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SlurmCluster, slurmIsInstalled, startSlurm } from './slurm-cluster.ts';
import { buildSurprisal, runProcess, surprisalPath } from './surprisal-process.ts';

const WATER = fileURLToPath(new URL('fixtures/water.xyz', import.meta.url));

describe.skipIf(!slurmIsInstalled)('in a step of a real Slurm', () => {
  let cluster: SlurmCluster;

  beforeAll(async () => {
    await buildSurprisal();
    cluster = await startSlurm();
  }, 60_000);

  afterAll(() => cluster?.stop(), 60_000);

  const step = (tasks: number, args: readonly string[]) =>
    runProcess('srun', ['-n', String(tasks), process.execPath, surprisalPath, ...args], { env: cluster.env });

  it('two tasks are refused', async () => {
    const { code, stdout, stderr } = await step(2, ['entropy', WATER, '--json']);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/launched as 2 processes \(SLURM_STEP_NUM_TASKS=2\)/);
    expect(stdout).not.toContain('schemaVersion');
  });

  it('one task runs, on as many threads as Slurm gives it', async () => {
    const { code, stdout, stderr } = await step(1, ['entropy', WATER, '--json']);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ command: 'entropy', backend: { name: 'native' } });
  });

  it('one task of one CPU uses one thread', async () => {
    const { stdout } = await runProcess(
      'srun',
      ['-n', '1', '--cpus-per-task=1', process.execPath, surprisalPath, 'entropy', WATER, '--json'],
      { env: cluster.env },
    );
    expect(JSON.parse(stdout).backend.threads).toBe(1);
  });
});
