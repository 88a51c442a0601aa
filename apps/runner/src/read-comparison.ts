import { type BandwidthChoice, chooseBandwidths } from './choose-bandwidths.ts';
import { type AnalysisDescription, describeAnalysis } from './describe-analysis.ts';
import { formatCount } from './format-number.ts';
import type { Prepared } from './prepare-command.ts';
import { type Environments, readEnvironments } from './read-environments.ts';
import type { CommandName, Comparison } from './result-document.ts';
import type { Run } from './run.ts';

/** Environments in question, and those that they are compared with. */
export interface ComparedEnvironments<Name extends CommandName> {
  readonly test: Environments;
  readonly reference: Environments;
  readonly bandwidth: BandwidthChoice;
  /** What the document says beside the results, up to now. */
  describe(): AnalysisDescription<Name> & Comparison;
}

/**
 * Two sets of files, all by one descriptor: those in question, and those of the reference.
 *
 * @throws whatever reading throws
 */
export async function readComparison<Name extends CommandName>(
  run: Run,
  prepared: Prepared<Name, string>,
): Promise<ComparedEnvironments<Name>> {
  const [testFiles = [], referenceFiles = []] = prepared.sets;
  const reference = await readEnvironments(referenceFiles, run, { ...prepared, labelsOptional: true });
  const alike = { columns: reference.matrix.columns, origin: `the reference ${referenceFiles[0]?.text}` };
  const test = await readEnvironments(testFiles, run, { ...prepared, alike });
  const bandwidth = await chooseBandwidths(run, prepared, reference);
  run.explain(`kernel sums of ${formatCount(test.matrix.rows)} × ${formatCount(reference.matrix.rows)} environments`);
  return {
    test,
    reference,
    bandwidth,
    describe: () => ({
      ...describeAnalysis(run, prepared, test.inputs, { others: reference.inputs, bandwidth }),
      reference: { inputs: reference.inputs, environments: reference.matrix.rows },
      eps: run.options.eps,
    }),
  };
}
