import type { BandwidthChoice } from './choose-bandwidths.ts';
import type { CommandOptions } from './option-values.ts';
import type { Prepared } from './prepare-command.ts';
import type { AnalysisDocument, CommandName, InputSummary, Parameters } from './result-document.ts';
import { backendSummary, documentHead, type Run } from './run.ts';

/** What a document says beside its results, up to now. */
export type AnalysisDescription<Name extends CommandName> = Omit<AnalysisDocument<Name, never>, 'results'>;

/**
 * @param inputs  the files in question
 * @param others  further files that were described in the same way, such as those of the reference set
 * @param bandwidth  how the bandwidth was found
 */
export function describeAnalysis<Name extends CommandName>(
  run: Run,
  prepared: Prepared<Name, string>,
  inputs: readonly InputSummary[],
  { others = [], bandwidth }: { readonly others?: readonly InputSummary[]; readonly bandwidth?: BandwidthChoice } = {},
): AnalysisDescription<Name> {
  return {
    ...documentHead(prepared.command),
    inputs,
    parameters: {
      ...parametersOf(prepared, [...inputs, ...others], run.options),
      ...(bandwidth?.rule === undefined ? {} : { bandwidthRule: bandwidth.rule }),
    },
    environments: inputs.reduce((sum, { environments }) => sum + environments, 0),
    backend: backendSummary(run.backend),
    seconds: run.stopwatch.seconds(),
    warnings: run.warnings,
    output: run.options.output ?? null,
  };
}

/** The parameters on which the environments of some inputs depend. */
function parametersOf(
  { descriptor, precision }: Prepared<CommandName, string>,
  inputs: readonly InputSummary[],
  { skipBelow, frames }: CommandOptions,
): Parameters {
  const described = inputs.some((input) => input.frames !== null);
  if (!described) {
    return {
      descriptor: null,
      descriptorParameters: null,
      k: null,
      cutoff: null,
      tieTolerance: null,
      precision,
      skipBelow,
      frames: null,
    };
  }
  const { k, tieTolerance, ...rest } = descriptor.parameters;
  const { cutoff: _cutoff, ...descriptorParameters } = rest;
  return {
    descriptor: descriptor.name,
    descriptorParameters,
    k: typeof k === 'number' ? k : null,
    cutoff: descriptor.cutoff,
    tieTolerance: typeof tieTolerance === 'number' ? tieTolerance : null,
    precision,
    skipBelow,
    frames: frames?.text ?? null,
  };
}
