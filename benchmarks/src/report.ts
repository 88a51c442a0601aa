import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import type { MeasuredFigure, Measurement } from './measure.ts';
import type { Scale, Setting } from './setting.ts';

/** What a run has found, and where. */
export interface Report {
  /** Raised when a reader of older documents would err. */
  readonly schema: 1;
  /** ISO 8601 */
  readonly made: string;
  readonly scale: Scale;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    /** bytes */
    readonly memory: number;
    readonly system: string;
  };
  readonly software: {
    readonly surprisal: string;
    readonly node: string;
    readonly compiler: string;
  };
  readonly backend: {
    readonly name: string;
    readonly isa: string;
    readonly isas: readonly string[];
    readonly threads: number;
  };
  readonly measurements: readonly Measurement[];
  readonly figures: readonly MeasuredFigure[];
}

/** The report of what was measured here and now. */
export function makeReport(
  { scale, backend, threads }: Setting,
  measurements: readonly Measurement[],
  figures: readonly MeasuredFigure[],
): Report {
  const { version } = createRequire(import.meta.url)('surprisal/package.json') as { version: string };
  const { isa, isas, compiler } = backend.addon;
  return {
    schema: 1,
    made: new Date().toISOString(),
    scale,
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memory: totalmem(),
      system: `${process.platform} ${process.arch} ${release()}`,
    },
    software: { surprisal: version, node: process.version, compiler },
    backend: { name: backend.name, isa, isas, threads },
    measurements,
    figures,
  };
}

/**
 * A report that was written before.
 *
 * @throws {Error} if it is none
 */
export function readReport(path: string): Report {
  const report = JSON.parse(readFileSync(path, 'utf8')) as Partial<Report>;
  if (report.schema !== 1 || !Array.isArray(report.measurements) || !Array.isArray(report.figures)) {
    throw new Error(`${path} is no report of these benchmarks, or one of another version`);
  }
  return report as Report;
}
