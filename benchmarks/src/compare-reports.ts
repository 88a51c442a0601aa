import { caseKey, formatRate, formatValue, parametersOf, type Table } from './format-figures.ts';
import { type MeasuredFigure, type Measurement, median } from './measure.ts';
import { rankTest } from './rank-test.ts';
import type { Report } from './report.ts';

/** What stands between two runs of one case or figure. */
export interface Change {
  readonly name: string;
  readonly input: string;
  readonly threads: number;
  readonly isa: string;
  readonly before: string;
  readonly after: string;
  /** After over before; above 1 is better. */
  readonly ratio: number;
  /** The smallest and the largest ratio that single rounds give. */
  readonly spread: readonly [number, number];
  readonly verdict: 'better' | 'worse' | 'within the noise' | 'too few rounds';
}

/** What two reports say of one another. */
export interface Comparison {
  readonly changes: readonly Change[];
  /** Cases and figures that only one of them has. */
  readonly unmatched: number;
}

/** Rounds of two runs that differ by chance less often than this are called different, if by more than 2 %. */
const SIGNIFICANCE = 0.01;
const LEAST_CHANGE = 0.02;

/** Below that nothing can be said at this significance: 2 of 252 orders of five and five rounds are extreme. */
const LEAST_ROUNDS = 5;

/**
 * What changed from one report to another: of the cases their rates, or, between machines that differ, of the figures
 * those that are ratios.
 *
 * Calls something a change only where the ranks of its rounds say so (Wilcoxon, Mann and Whitney, exact, two-sided, 1 %).
 *
 * @param isAcross  whether machines or instruction sets may differ
 * @throws {Error} if they do and must not
 */
export function compareReports(before: Report, after: Report, isAcross = false): Comparison {
  const differences = differencesOf(before, after);
  if (differences.length > 0 && !isAcross) {
    throw new Error(
      `the two runs cannot be compared: ${differences.join('; ')}; with --across their shares of the machine's limits are`,
    );
  }
  return isAcross
    ? match(before.figures.filter(isRatio), after.figures.filter(isRatio), figureKey, changeOfFigure)
    : match(before.measurements, after.measurements, caseKey, changeOfCase);
}

/** Changes as rows. */
export function changeTable({ changes }: Comparison): Table {
  return [
    ['', 'input', 'threads', 'ISA', 'before', 'after', 'ratio', 'of single rounds', ''],
    ...changes.map(({ name, input, threads, isa, before, after, ratio, spread, verdict }) => [
      name,
      input,
      `${threads}`,
      isa,
      before,
      after,
      ratio.toFixed(3),
      `${spread[0].toFixed(2)} to ${spread[1].toFixed(2)}`,
      verdict,
    ]),
  ];
}

function differencesOf(before: Report, after: Report): string[] {
  const pairs = [
    ['CPU', before.machine.cpu, after.machine.cpu],
    ['number of cores', before.machine.cores, after.machine.cores],
    ['instruction set', before.backend.isa, after.backend.isa],
  ] as const;
  return pairs.flatMap(([what, a, b]) => (a === b ? [] : [`the ${what} was ${a} and is ${b}`]));
}

function match<T>(
  before: readonly T[],
  after: readonly T[],
  keyOf: (one: T) => string,
  changeOf: (before: T, after: T) => Change,
): Comparison {
  const old = new Map(before.map((one) => [keyOf(one), one]));
  const changes = after.flatMap((one) => {
    const other = old.get(keyOf(one));
    return other === undefined ? [] : [changeOf(other, one)];
  });
  return { changes, unmatched: before.length + after.length - 2 * changes.length };
}

function changeOfCase(before: Measurement, after: Measurement): Change {
  const rates = ({ work, seconds }: Measurement) => seconds.map((value) => work / value);
  return {
    ...aboutOf(after, after.name),
    before: shown(before),
    after: shown(after),
    ...judgeRounds(rates(before), rates(after)),
  };
}

function shown(one: Measurement): string {
  return formatRate(one) || formatValue(median(one.seconds), 'seconds');
}

function changeOfFigure(before: MeasuredFigure, after: MeasuredFigure): Change {
  const isCost = after.target?.better === 'less' || /cost|slowest|start/.test(after.name);
  const upward = ({ values }: MeasuredFigure) => (isCost ? values.map((value) => 1 / value) : values);
  return {
    ...aboutOf(after, `${after.of}: ${after.name}`),
    before: formatValue(before.median, before.kind),
    after: formatValue(after.median, after.kind),
    ...judgeRounds(upward(before), upward(after)),
  };
}

function aboutOf(one: Pick<Measurement, 'parameters' | 'threads' | 'isa'>, name: string) {
  return { name, input: parametersOf(one), threads: one.threads, isa: one.isa };
}

/** @param before  numbers that are better the larger they are, as are those after */
function judgeRounds(
  before: readonly number[],
  after: readonly number[],
): Pick<Change, 'ratio' | 'spread' | 'verdict'> {
  const ratio = median(after) / median(before);
  const spread = [Math.min(...after) / Math.max(...before), Math.max(...after) / Math.min(...before)] as const;
  return { ratio, spread, verdict: verdictOf(before, after, ratio) };
}

function verdictOf(before: readonly number[], after: readonly number[], ratio: number): Change['verdict'] {
  if (Math.min(before.length, after.length) < LEAST_ROUNDS) return 'too few rounds';
  if (Math.abs(ratio - 1) <= LEAST_CHANGE || rankTest(before, after) >= SIGNIFICANCE) return 'within the noise';
  return ratio > 1 ? 'better' : 'worse';
}

function isRatio({ kind }: MeasuredFigure): boolean {
  return kind === 'share' || kind === 'times';
}

function figureKey(figure: MeasuredFigure): string {
  return `${caseKey({ ...figure, name: figure.of })} ${figure.name}`;
}
