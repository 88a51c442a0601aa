import type { Matrix } from '@surprisal/core';
import { bandwidthFromNeighbors, bandwidthFromVolume } from '@surprisal/entropy';
import { formatCount, formatReal } from './format-number.ts';
import { LEAST_FLOAT32_BANDWIDTH } from './least-float32-bandwidth.ts';
import type { MatterSurvey } from './matter-survey.ts';
import type { BandwidthRuleName } from './option-values.ts';
import type { Prepared } from './prepare-command.ts';
import type { BandwidthRuleSummary, CommandName } from './result-document.ts';
import type { Run } from './run.ts';
import { UsageError } from './usage-error.ts';

/** Bandwidths, and how they were found where the data gave them. */
export interface BandwidthChoice {
  /** 1/Å */
  readonly values: readonly number[];
  /** Undefined where they stand on the command line. */
  readonly rule?: BandwidthRuleSummary;
}

/** Bandwidths below this, 1/Å, tell copies from one another and nothing else; those of public sets lie above 0.01. */
const SMALLEST_SOUND = 1e-3;

/** What a rule is applied to. */
export interface BandwidthSource {
  /** The environments whose density is estimated; null where they are not in memory together. */
  readonly matrix: Matrix | null;
  readonly matter: MatterSurvey;
}

/**
 * The bandwidths of a run: those of the command line, or the one that a rule finds in the data, which is then said.
 *
 * @throws {UsageError} if the rule that was asked for does not hold for such data
 */
export async function chooseBandwidths(
  run: Run,
  prepared: Prepared<CommandName, string>,
  source: BandwidthSource,
): Promise<BandwidthChoice> {
  run.inputsWereRead();
  const { bandwidth } = run.options;
  if ('values' in bandwidth) return bandwidth;
  const { value, ...rule } = await bandwidthByRule(run, prepared, source, bandwidth.rule);
  if (value < LEAST_FLOAT32_BANDWIDTH && prepared.precision === 'f32' && run.options.precision === undefined) {
    run.warn(
      `at the bandwidth ${formatReal(value, 3)} 1/Å that was found in the data, the float32 of the environments may move δH ` +
        'by more than 1e-4 nats; repeat it with --precision f64',
    );
  }
  run.tell(`bandwidth ${formatReal(value, 4)} 1/Å by the rule ${rule.name}: ${rule.reason}`);
  return { values: [value], rule };
}

/**
 * A bandwidth by a rule; `auto` takes the volume per atom where it says something, and else the nearest environments.
 *
 * @throws {UsageError} if the rule that was asked for does not hold for such data
 */
export async function bandwidthByRule(
  run: Run,
  { descriptor }: Prepared<CommandName, string>,
  { matrix, matter }: BandwidthSource,
  rule: BandwidthRuleName | 'auto',
): Promise<BandwidthRuleSummary & { readonly value: number }> {
  if (rule !== 'neighbors') {
    const volume =
      descriptor.name === 'quests'
        ? matter.volume()
        : { unknown: `the rules by volume were made for the descriptor quests, not for ${descriptor.name}` };
    if ('volume' in volume) {
      const name = rule === 'auto' ? 'gaussian' : rule;
      return { name, value: bandwidthFromVolume(volume.volume, name), reason: volume.source };
    }
    if (rule !== 'auto') {
      throw new UsageError(`the rule ${rule} does not hold here: ${volume.unknown}; take the rule neighbors`);
    }
  }
  if (matrix === null) {
    throw new UsageError(
      'the rule neighbors looks at all environments at once, which do not fit in memory; give a bandwidth',
    );
  }
  const { bandwidth, sample, environments } = await run.stopwatch.time('kernel', () =>
    bandwidthFromNeighbors(matrix, { ...run.context, seed: run.options.seed ?? 0 }),
  );
  if (bandwidth < SMALLEST_SOUND) {
    run.warn(
      `the rule neighbors gives the bandwidth ${formatReal(bandwidth, 3)} 1/Å, for most environments have a near copy of ` +
        'their own; at so narrow a one hardly two others are alike: give a bandwidth, or leave the copies out',
    );
  }
  return {
    name: 'neighbors',
    value: bandwidth,
    reason: `from the distances of ${formatCount(sample)} of ${formatCount(environments)} environments to their nearest`,
  };
}
