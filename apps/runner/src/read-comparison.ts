import { formatCount } from './format-number.ts';
import { type Environments, parametersOf, readEnvironments } from './read-environments.ts';
import type { AnalysisDocument, CommandName, Comparison } from './result-document.ts';
import { backendSummary, type Run } from './run.ts';

/** Environments in question, and those that they are compared with. */
export interface ComparedEnvironments {
  readonly test: Environments;
  readonly reference: Environments;
  /** What the document says beside the results, up to now. */
  describe(): Omit<
    AnalysisDocument<CommandName, never> & Comparison,
    'results' | 'schemaVersion' | 'command' | 'version'
  >;
}

/**
 * The files of the command line and those of `--reference`, all by one descriptor.
 *
 * @throws whatever reading throws
 */
export async function readComparison(run: Run, files: readonly string[]): Promise<ComparedEnvironments> {
  const { options } = run;
  const reference = await readEnvironments(options.reference, run);
  const test = await readEnvironments(files, run, {
    columns: reference.matrix.columns,
    origin: `the reference ${options.reference[0]}`,
  });
  run.explain(`kernel sums of ${formatCount(test.matrix.rows)} × ${formatCount(reference.matrix.rows)} environments`);
  return {
    test,
    reference,
    describe: () => ({
      inputs: test.inputs,
      parameters: parametersOf([...test.inputs, ...reference.inputs], options),
      environments: test.matrix.rows,
      reference: { inputs: reference.inputs, environments: reference.matrix.rows },
      eps: options.eps,
      backend: backendSummary(run.backend),
      seconds: run.stopwatch.seconds(),
      warnings: run.warnings,
      output: options.output ?? null,
    }),
  };
}
