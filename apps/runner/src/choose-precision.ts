import type { Matrix, Precision } from '@surprisal/core';
import { type InputPath, matrixFileKind, matrixPrecision } from '@surprisal/io/node';
import { LEAST_FLOAT32_BANDWIDTH } from './least-float32-bandwidth.ts';
import { isBuiltInDescriptor } from './load-descriptor.ts';
import type { CommandName } from './result-document.ts';
import type { Run } from './run.ts';

/** Commands that work on positions in float64, and on no environment. */
const WITHOUT_ENVIRONMENTS: readonly CommandName[] = ['info', 'neighbors', 'convert'];

/**
 * The one precision of all environments of a command: what `--precision` says; else float32, which is known to do for the
 * descriptors that come along. Where it is not known to, float64: the numbers of a matrix or of a descriptor of
 * one's own may be large beside the distances between them, and a narrow kernel sees what float32 rounds away. A matrix in float32
 * has no more digits, and asks for no more.
 *
 * @param files  every input, those of the reference set too
 * @throws {SurprisalError} as reading the head of a matrix file
 */
export async function choosePrecision(
  { options }: Run,
  command: CommandName,
  files: readonly InputPath[],
): Promise<Precision> {
  if (WITHOUT_ENVIRONMENTS.includes(command)) return 'f64';
  const { precision, bandwidth } = options;
  if (precision !== undefined) return precision;
  const bandwidths = bandwidth !== undefined && 'values' in bandwidth ? bandwidth.values : [];
  if (bandwidths.some((value) => value < LEAST_FLOAT32_BANDWIDTH)) return 'f64';
  let describes = false;
  for (const { path } of files) {
    if ((await matrixFileKind(path)) === undefined) describes = true;
    else if ((await matrixPrecision(path, { array: options.array })) === 'f64') return 'f64';
  }
  return describes && !isBuiltInDescriptor(options.descriptor) ? 'f64' : 'f32';
}

/** In which a matrix stores its numbers. */
export function precisionOf({ data }: Matrix): Precision {
  return data instanceof Float64Array ? 'f64' : 'f32';
}
