import { addonPath, loadAddon, type ThreadLimit, threadLimit } from '@surprisal/native';
import { alignColumns } from '../align-columns.ts';
import { checkTarget, endingOf } from '../check-paths.ts';
import { formatBytes, formatQuantity } from '../format-number.ts';
import { installedPackages } from '../installed-packages.ts';
import { type MemorySummary, memorySummary, type ProcessorSummary, processorSummary } from '../machine.ts';
import { publish } from '../publish.ts';
import type { BackendSummary, DocumentHead } from '../result-document.ts';
import { backendSummary, documentHead, type Run } from '../run.ts';

/** What `surprisal doctor` says. */
interface DoctorDocument extends DocumentHead<'doctor'> {
  readonly node: string;
  readonly platform: string;
  readonly packages: Readonly<Record<string, string>>;
  /** What an analysis with the same options would run on, and why. */
  readonly backend: BackendSummary & { readonly reason: string };
  readonly native: {
    readonly path: string;
    readonly loaded: boolean;
    /** Null where it was not loaded. */
    readonly compiler: string | null;
    /** Instruction sets that the binary holds and the processor can run. */
    readonly isas: readonly string[];
    /** Why it was not loaded; null where it was. */
    readonly problem: string | null;
    readonly remedy: string | null;
  };
  readonly processor: ProcessorSummary;
  /** Threads that this process may use, and what sets that. */
  readonly threads: ThreadLimit;
  readonly memory: MemorySummary;
  readonly warnings: readonly string[];
  /** The file that was written. */
  readonly output: string | null;
}

/** `surprisal doctor`: what runs here, and why. */
export async function doctor(run: Run): Promise<void> {
  endingOf(run.options.output, ['.json']);
  await checkTarget(run.options, []);
  const loaded = loadAddon();
  const document: DoctorDocument = {
    ...documentHead('doctor'),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    packages: installedPackages(),
    backend: { ...backendSummary(run.backend), reason: reasonOf(run) },
    native: {
      path: addonPath,
      loaded: loaded.addon !== null,
      compiler: loaded.addon?.compiler ?? null,
      isas: loaded.addon?.isas ?? [],
      problem: loaded.addon === null ? loaded.reason : null,
      remedy: loaded.addon === null ? loaded.remedy : null,
    },
    processor: processorSummary(),
    threads: threadLimit(),
    memory: memorySummary(),
    warnings: run.warnings,
    output: run.options.output ?? null,
  };
  await publish(run, document, { lines: () => [alignColumns(lines(document))] });
}

function reasonOf({ backend, options }: Run): string {
  if (options.backend !== 'auto') return `--backend ${options.backend} asks for it`;
  if (backend.name === 'native') return 'its binary could be loaded';
  return backend.reason ?? 'it was asked for';
}

function lines(document: DoctorDocument): string[][] {
  const { backend, native, processor, threads, memory } = document;
  const versions = Object.entries(document.packages).map(([name, version], i) => [
    i === 0 ? 'packages' : '',
    `${name} ${version}`,
  ]);
  return [
    ['surprisal', document.version],
    ['node', `${document.node}, ${document.platform}`],
    ...versions,
    ['backend', `${backend.name}: ${backend.reason}`],
    ['threads', `${backend.threads} in use, ${threads.threads} can be had: ${threads.source}`],
    ['binary', native.loaded ? `${native.path}, ${native.compiler}` : `not loaded: ${native.problem}`],
    ...(native.remedy === null ? [] : [['remedy', native.remedy]]),
    ...(native.loaded
      ? [['instruction sets', `${native.isas.join(', ')}${backend.name === 'native' ? `; ${backend.isa} in use` : ''}`]]
      : []),
    ['processor', `${processor.model}, ${formatQuantity(processor.cores, 'core')}`],
    ['features', processor.features.join(' ') || 'unknown'],
    ['memory', `${formatBytes(memory.available)} can be had of ${formatBytes(memory.total)}: ${memory.source}`],
  ];
}
