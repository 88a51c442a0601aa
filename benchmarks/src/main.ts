import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { selectBackend } from '@surprisal/native';
import { changeTable, compareReports } from './compare-reports.ts';
import { alignTable, markdownOf, reportText } from './format-figures.ts';
import { type MeasuredFigure, type Measurement, measure } from './measure.ts';
import { measureWithIsa } from './other-instruction-set.ts';
import { makeReport, type Report, readReport } from './report.ts';
import type { Scale, Setting } from './setting.ts';
import { plannedSubjects, type SubjectPlan } from './subjects.ts';

const HELP = `Usage: pnpm bench [options]

The speed of the hot loops, held against what this machine can do, measured in the same rounds.

  --quick            inputs of up to 10^5 atoms, about 4 minutes on two cores (default)
  --full             also a million atoms and more, about half an hour, 3 GB of disk, 6 GB of memory
  --once             the smallest inputs, one round: to see that everything runs
  --only PATTERN     subjects whose names match this regular expression
  --rounds N         rounds of each subject, but where one takes long (default 5 to 15)
  -j, --threads N    the most threads (default every core that this process may use)
  --dump FILE        the first frame of a LAMMPS dump instead of copper that is made
  --json FILE        write all that was measured
  --compare FILE     say what changed since the run that wrote this
  --with FILE        do not measure: compare with this run
  --across           compare runs of different machines, by their shares of the limits
  --markdown FILE    do not measure: print what that run found as tables for a document
  --into FILE        put them into it, between its lines <!-- figures --> and <!-- end of figures -->
  -h, --help

Real training sets are used where SURPRISAL_DATA names their folder, else sets like them are made.
SURPRISAL_ISA chooses an instruction set; without it kernel sums are measured with AVX2 too where that is not the best.`;

/** Of the machine for which the subjects state their minutes, per second. */
const MULTIPLY_ADDS = 2 * 5.9e10;

const OPTIONS = {
  options: {
    once: { type: 'boolean' },
    quick: { type: 'boolean' },
    full: { type: 'boolean' },
    only: { type: 'string' },
    rounds: { type: 'string' },
    threads: { type: 'string', short: 'j' },
    dump: { type: 'string' },
    json: { type: 'string' },
    compare: { type: 'string' },
    with: { type: 'string' },
    across: { type: 'boolean' },
    markdown: { type: 'string' },
    into: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
} as const;

type Options = ReturnType<typeof parseArgs<typeof OPTIONS>>['values'];

try {
  const { values } = parseArgs(OPTIONS);
  checkTogether(values);
  await main(values);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof Error && error.cause !== undefined) console.error(error.cause);
  process.exitCode = 1;
}

/** @throws {Error} if options are there that need others, or exclude them */
function checkTogether(values: Options): void {
  for (const [option, needed] of [
    ['with', 'compare'],
    ['across', 'compare'],
    ['into', 'markdown'],
  ] as const) {
    if (values[option] !== undefined && values[needed] === undefined) {
      throw new Error(`--${option} belongs to --${needed}`);
    }
  }
  const scales = (['once', 'quick', 'full'] as const).filter((scale) => values[scale]);
  if (scales.length > 1) throw new Error(`--${scales.join(' and --')} exclude each other`);
}

async function main(values: Options): Promise<void> {
  if (values.help === true) {
    console.log(HELP);
    return;
  }
  if (values.markdown !== undefined) return writeMarkdown(readReport(values.markdown), values.into);
  const before = values.compare === undefined ? undefined : readReport(values.compare);
  const report = values.with === undefined ? await run(values) : readReport(values.with);
  if (values.with === undefined) {
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
    console.log(`${headOf(report)}\n\n${reportText(report)}`);
  }
  if (before !== undefined) {
    const comparison = compareReports(before, report, values.across);
    console.log(`\nSince ${before.made} (surprisal ${before.software.surprisal}, Node ${before.software.node}):`);
    console.log(alignTable(changeTable(comparison)));
    if (comparison.unmatched > 0) console.log(`${comparison.unmatched} more stand in one of the two runs alone.`);
  }
}

async function run(values: Options): Promise<Report> {
  // Rather now than after half an hour.
  if (values.json !== undefined) closeSync(openSync(values.json, 'a'));
  const scale: Scale = values.once ? 'once' : values.full ? 'full' : 'quick';
  const plans = plannedSubjects(scale, values.only);
  const rounds = values.once ? 1 : optionalNumber('--rounds', values.rounds);
  const threads = optionalNumber('--threads', values.threads);
  const backend = selectBackend({ backend: 'native', threads });
  if (backend.name !== 'native') throw new Error('there is nothing to measure without the native backend');
  const outsideData = process.env['SURPRISAL_DATA'];
  const setting: Setting = {
    scale,
    backend,
    threads: backend.threads,
    folder: await mkdtemp(join(tmpdir(), 'surprisal-bench-')),
    dump: values.dump,
    outsideData: outsideData && existsSync(outsideData) ? outsideData : undefined,
  };
  try {
    if (scale !== 'once') await announce(plans, setting, scale);
    return await measureAll(plans, setting, rounds);
  } finally {
    await rm(setting.folder, { recursive: true });
  }
}

async function measureAll(
  plans: readonly SubjectPlan[],
  setting: Setting,
  rounds: number | undefined,
): Promise<Report> {
  const { isa, addon } = setting.backend;
  const measurements: Measurement[] = [];
  const figures: MeasuredFigure[] = [];
  const keep = (measured: Pick<Report, 'measurements' | 'figures'>) => {
    measurements.push(...measured.measurements);
    figures.push(...measured.figures);
  };
  for (const plan of plans) {
    say(`${plan.name}: making the input`);
    const subject = await plan.make(setting);
    const onFirstRound = (seconds: number, count: number) =>
      say(`${plan.name}: ${count} rounds of ${seconds.toPrecision(2)} s`);
    keep(await measure(subject, { rounds, isa, onFirstRound }));
    const isOwnChoice = (process.env['SURPRISAL_ISA'] ?? '') === '';
    if (plan.name === 'kernels' && isOwnChoice && isa !== 'avx2' && addon.isas.includes('avx2')) {
      say(`${plan.name}: again with AVX2`);
      keep(await measureWithIsa('avx2', setting, rounds));
    }
  }
  return makeReport(setting, measurements, figures);
}

/** How long it will take, from a first look at the machine. */
async function announce(plans: readonly SubjectPlan[], setting: Setting, scale: 'quick' | 'full'): Promise<void> {
  const { addon } = setting.backend;
  const rate = await addon.multiplyAddRate(true, 500_000, setting.threads).result;
  const minutes = plans.reduce((sum, plan) => sum + plan.minutes[scale], 0) * (MULTIPLY_ADDS / rate);
  say(`about ${minutes < 1 ? `${Math.ceil(60 * minutes)} s` : `${Math.round(minutes)} min`}`);
}

function headOf({ machine, software, backend }: Report): string {
  return [
    `${machine.cpu}, ${machine.cores} cores, ${(machine.memory / 1e9).toFixed(0)} GB, ${machine.system}`,
    `surprisal ${software.surprisal}, Node ${software.node}, ${backend.name} (${backend.isa}, ${software.compiler}), ${backend.threads} threads`,
  ].join('\n');
}

function writeMarkdown(report: Report, into: string | undefined): void {
  const text = `${headOf(report).replace('\n', '; ')}\n\n${markdownOf(report)}`;
  if (into === undefined) {
    console.log(text);
    return;
  }
  const document = readFileSync(into, 'utf8');
  const between = /(<!-- figures -->\n)[\s\S]*?(<!-- end of figures -->)/;
  if (!between.test(document)) throw new Error(`${into} has no lines <!-- figures --> and <!-- end of figures -->`);
  writeFileSync(
    into,
    document.replace(between, (_, start: string, end: string) => `${start}\n${text}\n\n${end}`),
  );
}

function optionalNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(Number.isInteger(value) && value > 0))
    throw new Error(`${option} is "${text}"; it must be a whole number above 0`);
  return value;
}

function say(text: string): void {
  console.error(text);
}
