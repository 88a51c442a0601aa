import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { availableMemory } from '@surprisal/native';

/** The processor, as far as it is known. */
export interface ProcessorSummary {
  readonly model: string;
  readonly cores: number;
  /** Of the features that matter here, those that there are. */
  readonly features: readonly string[];
}

/** Memory in bytes. */
export interface MemorySummary {
  readonly total: number;
  /** What this process may still take. */
  readonly available: number;
  /** What sets that, as a phrase. */
  readonly source: string;
}

/** Instruction sets on which the speed of kernels depends; as Linux names them, x86-64 and then aarch64. */
const FEATURES = [
  ...['sse4_2', 'avx', 'avx2', 'fma', 'f16c', 'avx512f', 'avx512dq', 'avx512bw', 'avx512vl', 'avx512_bf16', 'amx_tile'],
  ...['asimd', 'asimdhp', 'sve', 'sve2'],
];

export function processorSummary(): ProcessorSummary {
  const text = readText('/proc/cpuinfo');
  const flags = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1]?.trim().split(/\s+/) ?? []);
  return {
    model: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    features: FEATURES.filter((feature) => flags.has(feature)),
  };
}

export function memorySummary(): MemorySummary {
  const { bytes, source } = availableMemory();
  return { total: totalmem(), available: bytes, source };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
