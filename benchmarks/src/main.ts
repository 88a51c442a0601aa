import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { selectBackend } from '@surprisal/native';
import { makeCases } from './cases.ts';
import { type Measurement, measure } from './measure.ts';
import { timesPeer } from './published-peer.ts';

const { values } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    json: { type: 'string' },
  },
});

const backend = selectBackend();
const { cases, dispose } = await makeCases(values.once ? 'smoke' : 'full', backend.threads);
try {
  const measurements = await measure(cases, values.once ? 1 : Number(values.rounds));
  const report = {
    cpu: cpus()[0]?.model,
    node: process.version,
    backend: { name: backend.name, isa: backend.isa, threads: backend.threads },
    measurements: measurements.map((one) => ({ ...one, timesPeer: timesPeer(one, measurements) })),
  };
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`${report.cpu}, Node ${report.node}, ${backend.name} (${backend.isa}), ${backend.threads} threads\n`);
  console.log(table(measurements));
} finally {
  await dispose();
}

function table(measurements: readonly Measurement[]): string {
  const rows = [
    ['', 'threads', 'median', '', 'of the multiply-add limit', 'times QUESTS', 'times the cost of one', 'input'],
  ];
  for (const one of measurements) {
    const share = one.shareOfLimit;
    const peer = timesPeer(one, measurements);
    rows.push([
      one.name,
      String(one.threads),
      one.median.toExponential(2),
      `${one.unit}/s`,
      share === undefined ? '' : `${(100 * share).toFixed(0)} %`,
      peer === undefined ? '' : peer.toFixed(1),
      one.timesOther === undefined ? '' : one.timesOther.toFixed(2),
      Object.entries(one.parameters)
        .map(([key, value]) => `${key}=${value}`)
        .join(' '),
    ]);
  }
  const widths = (rows[0] as string[]).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
