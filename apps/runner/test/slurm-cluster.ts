import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A Slurm of one node that runs on this machine alone, in a folder of its own, without systemd. */
export interface SlurmCluster {
  /** What a process needs to talk to it. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends the daemons, and waits until they are gone. */
  stop(): Promise<void>;
}

/** Whether the daemons of Slurm and munge are installed, and whether this process may run them. */
export const slurmIsInstalled: boolean =
  process.getuid?.() === 0 && ['munged', 'slurmctld', 'slurmd'].every((name) => existsSync(`/usr/sbin/${name}`));

const PATIENCE_MS = 20_000;

/**
 * Starts the daemons and waits for the node.
 *
 * @throws if the node is not idle in time, with the logs of the daemons
 */
export async function startSlurm(): Promise<SlurmCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'surprisal-slurm-'));
  chmodSync(folder, 0o711); // munge wants everybody to reach its socket
  const host = hostname().split('.')[0] as string;
  for (const name of ['state', 'spool', 'log', 'pids', 'munge', 'tmp']) mkdirSync(join(folder, name), { mode: 0o711 });
  const [controller, daemon] = [await freePort(), await freePort()];
  const key = join(folder, 'munge/key');
  writeFileSync(key, randomBytes(128), { mode: 0o600 });
  const configuration = join(folder, 'slurm.conf');
  writeFileSync(
    configuration,
    `${[
      'ClusterName=test',
      `SlurmctldHost=${host}(127.0.0.1)`,
      'SlurmUser=root',
      'SlurmdUser=root',
      'AuthType=auth/munge',
      'CredType=cred/munge',
      `AuthInfo=socket=${folder}/munge/socket`,
      `SlurmctldPort=${controller}`,
      `StateSaveLocation=${folder}/state`,
      `SlurmdSpoolDir=${folder}/spool`,
      `TmpFS=${folder}/tmp`,
      `SlurmctldPidFile=${folder}/pids/slurmctld`,
      `SlurmdPidFile=${folder}/pids/slurmd`,
      `SlurmctldLogFile=${folder}/log/slurmctld`,
      `SlurmdLogFile=${folder}/log/slurmd`,
      'ProctrackType=proctrack/linuxproc',
      'TaskPlugin=task/none',
      'SelectType=select/cons_tres',
      'SelectTypeParameters=CR_Core',
      'MpiDefault=none',
      'AccountingStorageType=accounting_storage/none',
      'ReturnToService=2',
      'SlurmdParameters=config_overrides',
      'MailProg=/bin/true',
      'SchedulerParameters=sched_min_interval=0,sched_interval=1',
      `NodeName=n1 NodeHostname=${host} NodeAddr=127.0.0.1 Port=${daemon} CPUs=4 RealMemory=1000`,
      'PartitionName=main Nodes=n1 Default=YES MaxTime=INFINITE State=UP',
    ].join('\n')}\n`,
  );
  const env = { SLURM_CONF: configuration };
  const daemons: [string, string[], string][] = [
    [
      'munged',
      [
        `--socket=${folder}/munge/socket`,
        `--key-file=${key}`,
        `--pid-file=${folder}/pids/munged`,
        `--seed-file=${folder}/munge/seed`,
        `--log-file=${folder}/log/munged`,
      ],
      'munged',
    ],
    ['slurmctld', ['-c'], 'slurmctld'],
    ['slurmd', ['-N', 'n1'], 'slurmd'],
  ];
  const stop = () => stopDaemons(folder, daemons.map(([, , pidFile]) => pidFile).reverse());
  try {
    for (const [name, args] of daemons) execFileSync(`/usr/sbin/${name}`, args, { env: { ...process.env, ...env } });
    await until(() => sinfo(env).includes('idle'));
    return { env, stop };
  } catch (error) {
    const logs = ['slurmctld', 'slurmd'].map((name) => readIfThere(join(folder, 'log', name))).join('\n');
    await stop();
    throw new Error(`Slurm did not start:\n${logs}`, { cause: error });
  }
}

function sinfo(env: Readonly<Record<string, string>>): string {
  try {
    return execFileSync('sinfo', ['-hN', '-o', '%T'], {
      env: { ...process.env, ...env },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 5000,
    });
  } catch {
    return '';
  }
}

async function stopDaemons(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const file = join(folder, 'pids', name);
    const pid = Number(readIfThere(file));
    if (!(pid > 0)) continue;
    process.kill(pid, 'SIGTERM');
    // A daemon removes its file when it has ended.
    await until(() => !existsSync(file));
  }
  rmSync(folder, { recursive: true, force: true });
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited ${PATIENCE_MS / 1000} s in vain`);
    await sleep(50);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
