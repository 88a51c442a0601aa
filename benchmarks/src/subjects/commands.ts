import { join } from 'node:path';
import { atomCount, type Structure } from '@surprisal/core';
import { quests } from '@surprisal/descriptors';
import { openStructures, writeMatrix, writeStructures } from '@surprisal/io/node';
import { logKernelSumMany } from '@surprisal/kernels';
import { type Case, type Figure, type Outcome, type Subject, whole } from '../benchmark-case.ts';
import { runNode, SURPRISAL } from '../command-run.ts';
import { costOf, peakOf, secondsOf, shareOf, timesSlowest } from '../figures.ts';
import { environmentsOf } from '../inputs/environments.ts';
import { writeLammpsDump } from '../inputs/lammps-dump.ts';
import { CELLS_OF_SIZE, rattledCopper } from '../inputs/rattled-copper.ts';
import { BANDWIDTH, COLUMNS, CUTOFF, K, type Setting } from '../setting.ts';
import { TARGETS } from '../targets.ts';
import { multiplyAdds } from './machine.ts';

/** nats: the interval of H that an estimate has to reach. */
const TOLERANCE = 0.01;
/** Cells of the reference of streaming: 19,652 environments. */
const REFERENCE_CELLS = 17;

/** What streaming may take: two gigabytes must do, whatever the length of the file. */
const MEMORY = '1500M';

/** From nothing to the first answer, beside the start of Node itself. */
export function startSubject(): Subject {
  const node = commandCase('start of Node', ['-e', '0'], false);
  const version = commandCase('start of the command (--version)', [SURPRISAL, '--version'], false);
  return {
    name: 'start',
    cases: [node, version],
    figures: [secondsOf(version, TARGETS.start), costOf(version, node, 'times the start of Node')],
    rounds: 15,
  };
}

/**
 * The entropy of boxes of growing size, from the dump on, everything included, and beside it its stages alone: how cost
 * grows with n.
 */
export async function entropySubject(
  setting: Setting,
  name: string,
  size: keyof typeof CELLS_OF_SIZE,
): Promise<Subject> {
  const { threads } = setting;
  const cells = setting.scale === 'once' ? 4 : CELLS_OF_SIZE[size];
  const isMillion = setting.scale !== 'once' && size === 'million';
  const path = join(setting.folder, `${size}.dump`);
  const copper = rattledCopper(cells, 1);
  await writeLammpsDump(path, copper);
  const n = atomCount(copper);
  const limit = multiplyAdds(setting, 'f32', threads);
  const parameters = { n, precision: 'f32', k: K, h: BANDWIDTH };
  const exact: Case = {
    name: 'exact entropy of a dump',
    parameters,
    threads,
    work: n ** 2 / 2,
    unit: 'pairs',
    run: () => runNode([SURPRISAL, 'entropy', path, '--precision', 'f32', '--threads', `${threads}`, '--no-progress']),
  };
  const estimate: Case = {
    name: `entropy of a dump, --tolerance ${TOLERANCE}`,
    parameters: { ...parameters, tolerance: TOLERANCE },
    threads,
    work: n,
    unit: 'environments',
    run: () =>
      runNode([
        ...[SURPRISAL, 'entropy', path, '--tolerance', `${TOLERANCE}`],
        ...['--precision', 'f32', '--threads', `${threads}`, '--no-progress'],
      ]),
  };
  const linear = { parameters, threads, work: n, unit: 'environments' };
  const stages: Case[] = [
    { ...linear, name: 'reading alone', run: () => readAll(path, n) },
    {
      ...linear,
      name: 'descriptors alone',
      run: whole(() => quests({ k: K, cutoff: CUTOFF }).compute([copper], { precision: 'f32', threads })),
    },
  ];
  if (!isMillion) {
    // Of a million they are all but seconds of the command.
    const x = await environmentsOf([copper], 'f32');
    const run = whole(() => logKernelSumMany(x, x, { bandwidths: [BANDWIDTH], threads }));
    stages.push({ ...linear, name: 'kernel sums alone', work: n ** 2 / 2, unit: 'pairs', run });
  }
  return {
    name,
    cases: [limit, exact, estimate, ...stages],
    figures: [
      secondsOf(exact, isMillion ? TARGETS.entropyOfMillion : undefined),
      shareOf(exact, limit, COLUMNS, 'of the multiply-add bound of half the pairs'),
      peakOf(exact, isMillion ? TARGETS.entropyOfMillionMemory : undefined),
      secondsOf(estimate, isMillion ? TARGETS.estimateOfMillion : undefined),
    ],
    mostRounds: isMillion ? 1 : 5,
    warmUp: false,
  };
}

/** `dh` of many frames against a reference, beside each of its stages alone. */
export async function streamSubject(setting: Setting): Promise<Subject> {
  const { scale, threads } = setting;
  const frames = { once: 2, quick: 4, full: 10 }[scale];
  const cells = { once: 4, quick: CELLS_OF_SIZE.hundredThousand, full: CELLS_OF_SIZE.million }[scale];
  const copper = rattledCopper(cells, 1);
  const path = join(setting.folder, 'stream.dump');
  await writeLammpsDump(path, copper, frames);
  const referenceStructure = rattledCopper(scale === 'once' ? 4 : REFERENCE_CELLS, 2);
  const references = await environmentsOf([referenceStructure], 'f32');
  const referencePath = join(setting.folder, 'reference.npy');
  await writeMatrix(referencePath, references);
  const out = join(setting.folder, 'surprisals.xyz');

  const atoms = frames * atomCount(copper);
  const parameters = {
    n: atoms,
    frames,
    references: references.rows,
    precision: 'f32',
    k: K,
    h: BANDWIDTH,
    memory: MEMORY,
  };
  const make = (name: string, run: Case['run']): Case => {
    return { name, parameters, threads, work: atoms, unit: 'environments', run };
  };
  const streamed = make('dh of a dump, from file to file', async () => {
    const options = [
      '--precision',
      'f32',
      '--threads',
      `${threads}`,
      '--memory',
      MEMORY,
      '--no-progress',
      '--overwrite',
    ];
    return await runNode([SURPRISAL, 'dh', path, '-r', referencePath, '-o', out, ...options]);
  });
  const x = await environmentsOf([copper], 'f32');
  const stages = [
    make('reading alone', () => readAll(path, atoms)),
    make('descriptors alone', async () => {
      for (let frame = 0; frame < frames; frame++) {
        await quests({ k: K, cutoff: CUTOFF }).compute([copper], { precision: 'f32', threads });
      }
      return {};
    }),
    make('kernel sums alone', async () => {
      for (let frame = 0; frame < frames; frame++) {
        await logKernelSumMany(x, references, { bandwidths: [BANDWIDTH], threads });
      }
      return {};
    }),
    make('writing alone', async () => {
      await writeStructures(out, withSurprisals(copper, frames), { overwrite: true });
      return {};
    }),
  ];
  return {
    name: 'stream',
    cases: [streamed, ...stages],
    figures: [
      secondsOf(streamed),
      timesSlowest(streamed, stages, 'times the slowest stage alone', TARGETS.streamOverSlowestStage),
      peakOf(streamed, scale === 'full' ? TARGETS.streamMemory : undefined),
    ] satisfies Figure[],
    mostRounds: scale === 'full' ? 1 : 3,
    warmUp: false,
  };
}

/** @throws {Error} unless the file holds so many atoms: what is not read is not fast */
async function readAll(path: string, atoms: number): Promise<Outcome> {
  let count = 0;
  for await (const structure of openStructures(path)) count += atomCount(structure);
  if (count !== atoms) throw new Error(`${count} of ${atoms} atoms of ${path} were read`);
  return {};
}

function* withSurprisals(structure: Structure, frames: number): Generator<Structure, void> {
  const values = Float64Array.from({ length: atomCount(structure) }, (_, i) => Math.sin(i));
  const columns = new Map([['dH', { kind: 'real', width: 1, values } as const]]);
  for (let frame = 0; frame < frames; frame++) yield { ...structure, columns };
}

function commandCase(name: string, args: readonly string[], watched: boolean): Case {
  return { name, parameters: {}, threads: 1, work: 1, unit: 'starts', run: () => runNode(args, watched) };
}
