import { atomCount, type Structure } from '@surprisal/core';
import { quests } from '@surprisal/descriptors';
import { neighborList } from '@surprisal/neighbors';
import { type Case, type Figure, type Subject, whole } from '../benchmark-case.ts';
import { rateOf, scalingOf } from '../figures.ts';
import { copperOf } from '../inputs/copper.ts';
import { CELLS_OF_SIZE, rattledCopper } from '../inputs/rattled-copper.ts';
import { moleculeSet } from '../inputs/training-sets.ts';
import { PEER_DESCRIPTORS, PEER_NEIGHBORS, timesPeer } from '../published-peers.ts';
import { CUTOFF, K, type Setting, threadCounts } from '../setting.ts';
import { TARGETS } from '../targets.ts';
import { multiplyAdds } from './machine.ts';

const CELLS = { once: 4, quick: CELLS_OF_SIZE.hundredThousand, full: CELLS_OF_SIZE.million };

/** Descriptors of a hot crystal, of a perfect one (all ties) and of many small molecules (hardly any neighbours). */
export async function descriptorSubject(setting: Setting): Promise<Subject> {
  const { scale, threads } = setting;
  const cells = CELLS[scale];
  const copper = await copperOf(setting, cells, 1);
  const perfect = rattledCopper(Math.min(cells, CELLS_OF_SIZE.tenThousand), 1, 0);
  const molecules = await moleculeSet(setting.outsideData, scale === 'once' ? 4 : 1000);
  const inputs = [
    { structures: [copper.structure], parameters: copper.parameters, isCopper: true },
    { structures: [perfect], parameters: { n: atomCount(perfect), of: 'perfect copper' }, isCopper: false },
    {
      structures: molecules.structures,
      parameters: { frames: molecules.structures.length, of: `${molecules.name} (${molecules.source})` },
      isCopper: false,
    },
  ];
  const cases: Case[] = [];
  const figures: Figure[] = [];
  const limits = threadCounts(threads).map((count) => multiplyAdds(setting, 'f32', count));
  cases.push(...limits);
  for (const { structures, parameters, isCopper } of inputs) {
    for (const precision of ['f32', 'f64'] as const) {
      const group = threadCounts(threads).map((count) => descriptorCase(structures, parameters, precision, count));
      const many = group.at(-1) as Case;
      cases.push(...group);
      figures.push(...scalings(group, limits));
      if (!isCopper) continue;
      figures.push(rateOf(many, TARGETS.descriptorRate));
      figures.push(...timesPeer(many, PEER_DESCRIPTORS, limits.at(-1) as Case, TARGETS.descriptorsOverPeer));
    }
  }
  const lists = threadCounts(threads).map((count) => neighborCase(copper.structure, copper.parameters, count));
  cases.push(...lists);
  figures.push(...scalings(lists, limits));
  figures.push(...timesPeer(lists.at(-1) as Case, PEER_NEIGHBORS, limits.at(-1) as Case, TARGETS.neighborsOverPeer));
  return { name: 'descriptors', cases, figures };
}

function descriptorCase(
  structures: readonly Structure[],
  parameters: Case['parameters'],
  precision: 'f32' | 'f64',
  threads: number,
): Case {
  return {
    name: `QUESTS descriptors ${precision}`,
    parameters: { ...parameters, k: K, cutoff: CUTOFF },
    threads,
    work: structures.reduce((atoms, structure) => atoms + atomCount(structure), 0),
    unit: 'environments',
    run: whole(() => quests({ k: K, cutoff: CUTOFF }).compute(structures, { precision, threads })),
  };
}

function neighborCase(structure: Structure, parameters: Case['parameters'], threads: number): Case {
  return {
    name: 'full neighbour list with vectors',
    parameters: { ...parameters, cutoff: CUTOFF },
    threads,
    work: atomCount(structure),
    unit: 'atoms',
    run: whole(() => neighborList(structure, { cutoff: CUTOFF, vectors: true, threads })),
  };
}

function scalings([one, many]: readonly Case[], [limitOfOne, limit]: readonly Case[]): Figure[] {
  if (one === undefined || many === undefined || limit === undefined || limitOfOne === undefined) return [];
  return [scalingOf(many, one, limit, limitOfOne, 'scaling over that of multiply-adds')];
}
