import { atomCount, createStructure, type InfoValue, type Structure, SurprisalError } from '@surprisal/core';
import { expectedNeighbors, suggestedNeighbors } from '@surprisal/entropy';
import { detectFormat, WRITABLE_FORMATS } from '@surprisal/io';
import { type InputPath, isMatrixFile, writeStructures } from '@surprisal/io/node';
import { nearestNeighbors, neighborList } from '@surprisal/neighbors';
import { alignColumns } from '../align-columns.ts';
import { describeAnalysis } from '../describe-analysis.ts';
import { formatQuantity, formatReal, formatShare } from '../format-number.ts';
import { prepareCommand } from '../prepare-command.ts';
import { printResult, publish } from '../publish.ts';
import type { InputSummary, NeighborsDocument, NeighborsResult } from '../result-document.ts';
import type { Run } from '../run.ts';
import { Spread } from '../spread.ts';
import { structuresOf } from '../structure-files.ts';
import { aboutInputs } from '../summary-lines.ts';
import { UsageError } from '../usage-error.ts';

/** k should see all neighbours of this share of the atoms. */
const SEEN_WHOLE = 0.99;

/** `surprisal neighbors`: how many neighbours k should see, by density and mass or as counted; an environment cut out. */
export async function neighbors(run: Run, files: readonly string[]): Promise<void> {
  const { options } = run;
  const byNumbers = options.density !== undefined || options.mass !== undefined;
  if (byNumbers && files.length > 0) throw new UsageError('give files, or --density and --mass, not both');
  if (!byNumbers && files.length === 0) throw new UsageError('give files, or --density and --mass');
  if (options.atom !== undefined && options.output === undefined) {
    throw new UsageError('--atom cuts an environment out; name the file for it, as in -o environment.xyz');
  }
  const prepared = await prepareCommand(run, 'neighbors', [files], options.atom === undefined ? ['.json'] : 'any');
  const inputFiles = prepared.sets[0] ?? [];
  const inputs: InputSummary[] = [];
  const results: NeighborsResult[] = [];
  if (options.atom !== undefined) results.push(await cutOut(run, inputFiles, inputs, options.atom));
  else if (byNumbers) results.push(byDensity(run));
  else results.push(await countAll(run, inputFiles, inputs));
  const document: NeighborsDocument = { ...describeAnalysis(run, prepared, inputs), results };
  const lines = () => [
    alignColumns([...aboutInputs(inputs), ...results.flatMap((result) => resultLines(result, run))]),
  ];
  await (options.atom === undefined ? publish(run, document, { lines }) : printResult(run, document, lines));
}

function byDensity({ options }: Run): NeighborsResult {
  const { density, mass, cutoff } = options;
  if (density === undefined || mass === undefined) throw new UsageError('--density and --mass belong together');
  const expected = expectedNeighbors({ density, mass, cutoff });
  return {
    cutoff,
    expected,
    counted: null,
    suggested: suggestedNeighbors({ density, mass, cutoff }),
    seenWhole: null,
    environment: null,
  };
}

async function countAll(run: Run, files: readonly InputPath[], inputs: InputSummary[]): Promise<NeighborsResult> {
  const { context, options, stopwatch } = run;
  const { cutoff, k } = options;
  const spread = new Spread();
  /** Atoms of each count of neighbours. */
  const atomsOf: number[] = [];
  for (const file of files) {
    await refuseMatrix(file);
    const input = { path: file.text, frames: 0, environments: 0 };
    for await (const structure of structuresOf(file, run, { onWarning: run.warnOfInput, onProgress: run.report })) {
      input.frames++;
      input.environments += atomCount(structure);
      const { counts } = await stopwatch.time('descriptors', () =>
        nearestNeighbors([structure], { ...context, onProgress: undefined, k: 1, cutoff }),
      );
      for (const count of counts) {
        spread.add(count);
        atomsOf[count] = (atomsOf[count] ?? 0) + 1;
      }
    }
    inputs.push(input);
  }
  const counted = spread.summary();
  if (counted === null)
    throw new SurprisalError('EMPTY_INPUT', `${files.map(({ text }) => text).join(', ')}: there are no atoms`);
  let suggested = 0;
  let seen = 0;
  let seenWhole = 0;
  atomsOf.forEach((atoms, count) => {
    if (seen < SEEN_WHOLE * spread.count) suggested = count;
    seen += atoms;
    if (count <= k) seenWhole += atoms;
  });
  return {
    cutoff,
    expected: null,
    counted,
    suggested: Math.max(2, suggested),
    seenWhole: seenWhole / spread.count,
    environment: null,
  };
}

/** Writes an atom and its neighbours as a structure of their own, the atom first and at the origin. */
async function cutOut(
  run: Run,
  files: readonly InputPath[],
  inputs: InputSummary[],
  atom: number,
): Promise<NeighborsResult> {
  const { options, signal } = run;
  const { cutoff } = options;
  const output = options.output as string;
  const [file, second] = files;
  if (file === undefined || second !== undefined) throw new UsageError('--atom belongs to one file');
  await refuseMatrix(file);
  const format = detectFormat(new Uint8Array(0), output);
  if (format === undefined || !WRITABLE_FORMATS.includes(format)) {
    throw new UsageError(`${output}: its name says no format of structures; name it .xyz`);
  }
  for await (const structure of structuresOf(file, run, { onWarning: run.warnOfInput, onProgress: run.report })) {
    const atoms = atomCount(structure);
    if (atom >= atoms) {
      throw new UsageError(
        `${file.text}: its first frame has ${formatQuantity(atoms, 'atom')}, counted from 0; there is no atom ${atom}`,
      );
    }
    const environment = await environmentOf(structure, atom, cutoff, run);
    inputs.push({ path: file.text, frames: 1, environments: atoms });
    await writeStructures(output, [environment], { overwrite: options.overwrite, signal, onWarning: run.warn });
    const count = atomCount(environment) - 1;
    return {
      cutoff,
      expected: null,
      counted: { min: count, mean: count, max: count },
      suggested: Math.max(2, count),
      seenWhole: count <= options.k ? 1 : 0,
      environment: { atom, atoms: count + 1 },
    };
  }
  throw new SurprisalError('EMPTY_INPUT', `${file.text}: no frame was selected`);
}

async function environmentOf(structure: Structure, atom: number, cutoff: number, { context }: Run): Promise<Structure> {
  const { offsets, indices, distances, vectors } = await neighborList(structure, { ...context, cutoff, vectors: true });
  const [start, end] = [offsets[atom] as number, offsets[atom + 1] as number];
  const own = [atom, ...indices.subarray(start, end)];
  const info = new Map<string, InfoValue>([
    ['atom', { kind: 'integer', shape: [], values: Float64Array.of(atom) }],
    ['cutoff', { kind: 'real', shape: [], values: Float64Array.of(cutoff) }],
  ]);
  return createStructure({
    positions: Float64Array.of(0, 0, 0, ...(vectors as Float64Array).subarray(3 * start, 3 * end)),
    species: own.map((index) => structure.species.symbols[structure.species.index[index] as number] as string),
    columns: new Map([
      ['index', { kind: 'integer', width: 1, values: Float64Array.from(own) }],
      ['distance', { kind: 'real', width: 1, values: Float64Array.of(0, ...distances.subarray(start, end)) }],
    ]),
    info,
  });
}

async function refuseMatrix({ path }: InputPath): Promise<void> {
  if (await isMatrixFile(path)) throw new UsageError(`${path} is a matrix, which knows no neighbours; name structures`);
}

function resultLines(
  { cutoff, expected, counted, suggested, seenWhole, environment }: NeighborsResult,
  { options }: Run,
): string[][] {
  const reach = `within ${formatReal(cutoff)} Å`;
  if (environment !== null) {
    return [
      ['environment', `atom ${environment.atom} and ${formatQuantity(environment.atoms - 1, 'neighbour')} ${reach}`],
      ['written', options.output as string],
    ];
  }
  const lines: string[][] = [];
  if (expected !== null) lines.push([`expected ${reach}`, formatReal(expected, 4)]);
  if (counted !== null) {
    lines.push([`counted ${reach}`, `${formatReal(counted.mean, 4)} (${counted.min} to ${counted.max})`]);
  }
  const whose = counted === null ? '' : `, all neighbours of ${SEEN_WHOLE * 100} % of the atoms`;
  lines.push(['k should see', `${suggested}${whose}`]);
  if (seenWhole !== null)
    lines.push([`k ${options.k} sees`, `all neighbours of ${formatShare(seenWhole)} of the atoms`]);
  return lines;
}
