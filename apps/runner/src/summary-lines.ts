import { formatBytes, formatQuantity, formatReal, formatSeconds } from './format-number.ts';
import type { BackendSummary, Comparison, InputSummary, Parameters, Streamed } from './result-document.ts';
import type { Seconds } from './stopwatch.ts';

/** What a person reads about the data that came in. */
export function aboutInputs(inputs: readonly InputSummary[], label = 'environments'): string[][] {
  return inputs.map(({ path, frames, environments }, i) => [
    i === 0 ? label : '',
    `${formatQuantity(environments, 'environment')} in ${path}${frames === null ? '' : `, ${formatQuantity(frames, 'frame')}`}`,
  ]);
}

/** The same for both sides of a comparison. */
export function aboutComparison({
  inputs,
  reference,
}: Pick<Comparison, 'reference'> & { readonly inputs: readonly InputSummary[] }): string[][] {
  return [...aboutInputs(inputs, 'test'), ...aboutInputs(reference.inputs, 'reference')];
}

/** What a person reads about how it was done. */
export function aboutWork({
  parameters,
  backend,
  seconds,
}: {
  readonly parameters: Parameters;
  readonly backend: BackendSummary;
  readonly seconds: Seconds;
}): string[][] {
  const { descriptor, descriptorParameters, k, cutoff, precision } = parameters;
  const how =
    descriptor === null
      ? 'as in the matrix'
      : [
          descriptor,
          ...(k === null ? [] : [`k ${k}`]),
          `cutoff ${formatReal(cutoff as number)} Å`,
          ...Object.entries(descriptorParameters ?? {}).map(([name, value]) => `${name} ${value}`),
        ].join(', ');
  const { name, isa, threads } = backend;
  const machine = name === 'native' ? `native, ${isa}, ${formatQuantity(threads, 'thread')}` : name;
  return [
    ['descriptor', `${how}, ${precision}`],
    ['backend', `${machine}; ${formatSeconds(seconds.total)}`],
  ];
}

/** What a person reads about how much memory it took. */
export function aboutMemory({ memory }: Streamed): string[] {
  const { budget, source, peak, referencePasses } = memory;
  const passes = referencePasses === 1 ? '' : `; the reference set was read ${referencePasses} times`;
  return ['memory', `${formatBytes(peak)} at the most, of ${formatBytes(budget)} (${source})${passes}`];
}
