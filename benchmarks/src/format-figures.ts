import type { FigureKind } from './benchmark-case.ts';
import { type MeasuredFigure, type Measurement, median } from './measure.ts';
import type { Report } from './report.ts';

/** Cells of a table; the first row is its head. */
export type Table = readonly (readonly string[])[];

/** Every case, with its figures beside and below it, by subject. */
export function reportText(report: Report): string {
  const sections = new Map<string, Measurement[]>();
  for (const one of report.measurements) {
    const title = `${one.subject} (${one.isa})`;
    sections.set(title, [...(sections.get(title) ?? []), one]);
  }
  return [...sections].map(([title, members]) => sectionText(title, members, report)).join('\n\n');
}

function sectionText(title: string, members: readonly Measurement[], { scale, figures }: Report): string {
  const isJudged = scale !== 'once';
  const common = commonParameters(members);
  const rows = [['', 'threads', 'input', 'time', 'rate', '', '', ...(isJudged ? ['must', 'aim', ''] : [])]];
  for (const one of members) {
    const own = figures.filter((figure) => isOf(figure, one)).map((figure) => figureCells(figure));
    const [first = [], ...more] = own.map((cells) => cells.slice(0, isJudged ? 5 : 2));
    // Of operations in registers and bytes in memory only the rate means something.
    const time = isLimit(one) ? '' : formatValue(median(one.seconds), 'seconds');
    rows.push([one.name, `${one.threads}`, parametersOf(one, common), time, formatRate(one), ...first]);
    rows.push(...more.map((cells) => ['', '', '', '', '', ...cells]));
  }
  const head = [...common].map(([key, value]) => `${key}=${value}`).join(' ');
  return `${title}${head === '' ? '' : `: ${head}`}\n${alignTable(rows)}`;
}

/** What all cases that have parameters have in common. */
function commonParameters(members: readonly Measurement[]): Map<string, number | string> {
  const [first, ...others] = members.filter((one) => !isLimit(one)).map(({ parameters }) => parameters);
  const isCommon = ([key, value]: [string, number | string]) => others.every((other) => other[key] === value);
  return new Map(others.length === 0 ? [] : Object.entries(first ?? {}).filter(isCommon));
}

/** What the documentation shows of a report: the machine, figures with a target, and how cost grows. */
export function markdownOf(report: Report): string {
  const { measurements, figures } = report;
  const machine = measurements.filter(({ subject }) => subject === 'machine');
  const targets = figures.filter(({ target }) => target !== undefined);
  const inGrowth = new Set(measurements.flatMap(({ peakBytes, subject }) => (peakBytes === undefined ? [] : subject)));
  const growth = measurements.filter((one) => inGrowth.has(one.subject) && !isLimit(one));
  const tables: [string, Table][] = [
    [
      'What the machine can do',
      [['', 'threads', 'rate'], ...machine.map((one) => [one.name, `${one.threads}`, formatRate(one)])],
    ],
    [
      'Figures with a target',
      [
        ['work', 'input', 'threads', 'ISA', 'figure', 'value', 'must', 'aim', ''],
        ...targets.map((figure) => [
          figure.of,
          parametersOf(figure),
          `${figure.threads}`,
          figure.isa,
          ...figureCells(figure),
        ]),
      ],
    ],
    [
      'Whole commands, and their stages alone',
      [
        ['', 'input', 'time', 'rate', 'peak memory'],
        ...growth.map((one) => [
          one.name,
          parametersOf(one),
          formatValue(median(one.seconds), 'seconds'),
          formatRate(one),
          one.peakBytes === undefined ? '' : formatValue(one.peakBytes, 'bytes'),
        ]),
      ],
    ],
  ];
  return tables
    .filter(([, rows]) => rows.length > 1)
    .map(([title, rows]) => `**${title}**\n\n${markdownTable(rows)}`)
    .join('\n\n');
}

/** Columns under one another. */
export function alignTable(table: Table): string {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => [...(row[column] ?? '')].length)));
  return table
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A table in Markdown. */
function markdownTable([head = [], ...rows]: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A number in the manner of its kind. */
export function formatValue(value: number, kind: FigureKind, unit = ''): string {
  switch (kind) {
    case 'share':
      return `${value < 0.1 ? (100 * value).toPrecision(2) : (100 * value).toFixed(0)} %`;
    case 'times':
      return `${value.toPrecision(3)}×`;
    case 'seconds':
      return value < 1 ? `${(1000 * value).toPrecision(3)} ms` : `${Number(value.toPrecision(3))} s`;
    case 'bytes':
      return value < 1e9 ? `${(value / 1e6).toFixed(0)} MB` : `${(value / 1e9).toPrecision(3)} GB`;
    case 'rate':
      return unit === 'bytes' ? `${(value / 1e6).toPrecision(3)} MB/s` : `${value.toExponential(2)} ${unit}/s`;
  }
}

/** What the figures of a case and the case have in common. */
function isOf(figure: MeasuredFigure, one: Measurement): boolean {
  return caseKey({ ...figure, name: figure.of }) === caseKey(one);
}

/** The same for the same case of another run. */
export function caseKey({
  subject,
  name,
  isa,
  threads,
  parameters,
}: Pick<Measurement, 'subject' | 'name' | 'isa' | 'threads' | 'parameters'>): string {
  return JSON.stringify([subject, name, isa, threads, Object.entries(parameters).sort()]);
}

/** Parameters in words, but those that are said elsewhere. */
export function parametersOf(
  { parameters }: Pick<Measurement, 'parameters'>,
  said: ReadonlyMap<string, number | string> = new Map(),
): string {
  return Object.entries(parameters)
    .filter(([key]) => !said.has(key))
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}

export function formatRate({ rate, unit }: Measurement): string {
  return unit === 'starts' ? '' : formatValue(rate, 'rate', unit);
}

function isLimit({ unit, name }: Measurement): boolean {
  return unit === 'multiply-adds' || unit === 'exponentials' || name.startsWith('memory, ');
}

/** Name, value, must, aim and verdict. */
function figureCells({ name, kind, unit, median, target, verdict }: MeasuredFigure): string[] {
  const format = (value: number) => formatValue(value, kind, unit);
  const bound = (value: number) => `${target?.better === 'more' ? '≥' : '≤'} ${format(value)}`;
  return [
    name,
    format(median),
    target === undefined ? '' : bound(target.must),
    target === undefined ? '' : bound(target.aim),
    verdict ?? '',
  ];
}
