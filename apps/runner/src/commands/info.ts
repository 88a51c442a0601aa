import { atomCount, type Structure } from '@surprisal/core';
import { type InputPath, isMatrixFile, readMatrix } from '@surprisal/io/node';
import { nearestNeighbors } from '@surprisal/neighbors';
import { alignColumns } from '../align-columns.ts';
import { precisionOf } from '../choose-precision.ts';
import { describeAnalysis } from '../describe-analysis.ts';
import { locateFrame } from '../describe-structures.ts';
import { formatCount, formatQuantity, formatReal, formatShare } from '../format-number.ts';
import { MATTER_RADIUS } from '../matter-survey.ts';
import { prepareCommand } from '../prepare-command.ts';
import { publish } from '../publish.ts';
import { BATCH_ATOMS } from '../read-environments.ts';
import type { FileSummary, InfoDocument, MatrixFileSummary, StructureFileSummary } from '../result-document.ts';
import type { Run } from '../run.ts';
import type { SpreadSummary } from '../spread.ts';
import { matrixOptions, structuresOf } from '../structure-files.ts';
import { NEAR_TIE, StructureSurvey } from '../structure-survey.ts';

/** `surprisal info FILE...`: what the files hold, and what is odd about it. */
export async function info(run: Run, files: readonly string[]): Promise<void> {
  const { options } = run;
  const prepared = await prepareCommand(run, 'info', [files], ['.json']);
  const results: FileSummary[] = [];
  for (const file of prepared.sets[0] ?? []) {
    results.push(
      (await isMatrixFile(file.path)) ? await surveyMatrix(file.path, run) : await surveyStructures(file, run),
    );
  }
  const inputs = results.map((file) =>
    file.kind === 'matrix'
      ? { path: file.path, frames: null, environments: file.rows }
      : { path: file.path, frames: file.frames, environments: file.atoms },
  );
  const document: InfoDocument = { ...describeAnalysis(run, prepared, inputs), results };
  await publish(run, document, {
    lines: () =>
      results.map((file) => alignColumns(file.kind === 'matrix' ? matrixLines(file) : structureLines(file, options))),
  });
}

async function surveyMatrix(path: string, run: Run): Promise<MatrixFileSummary> {
  const odd: string[] = [];
  const onWarning = (message: string) => {
    run.note(message);
    odd.push(message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message);
  };
  const matrix = await run.stopwatch.time('read', () => readMatrix(path, matrixOptions(run, onWarning)));
  const { rows, columns, data } = matrix;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let strange = 0;
  for (const value of data) {
    if (!Number.isFinite(value)) strange++;
    else if (value < min) min = value;
    if (Number.isFinite(value) && value > max) max = value;
  }
  if (strange > 0) odd.push(`${formatQuantity(strange, 'number')} not finite; no analysis will take this matrix`);
  return {
    path,
    kind: 'matrix',
    rows,
    columns,
    precision: precisionOf(matrix),
    min: min <= max ? min : null,
    max: min <= max ? max : null,
    odd,
  };
}

async function surveyStructures(file: InputPath, run: Run): Promise<StructureFileSummary> {
  const { options, context, report, stopwatch } = run;
  const { path } = file;
  const survey = new StructureSurvey(file, options);
  let waiting: Structure[] = [];
  let waitingAtoms = 0;
  let frames = 0;
  const lookAround = async () => {
    if (waiting.length === 0) return;
    const structures = waiting;
    const first = frames - structures.length + 1;
    waiting = [];
    waitingAtoms = 0;
    const within = (cutoff: number, k: number) =>
      stopwatch.time('descriptors', () =>
        nearestNeighbors(structures, { ...context, onProgress: undefined, k, cutoff }).catch((error) => {
          throw locateFrame(
            error,
            structures.map((_, i) => ({ path, number: first + i })),
          );
        }),
      );
    const found = await within(options.cutoff, options.k);
    const ofMatter = options.cutoff === MATTER_RADIUS ? found : await within(MATTER_RADIUS, 1);
    survey.addNeighbors(found, ofMatter.counts);
  };
  const onWarning = (message: string) => {
    run.note(message);
    survey.onWarning(message);
  };
  for await (const structure of structuresOf(file, run, { onWarning, onProgress: report })) {
    survey.addStructure(structure);
    waiting.push(structure);
    waitingAtoms += atomCount(structure);
    frames++;
    if (waitingAtoms >= BATCH_ATOMS) await lookAround();
  }
  await lookAround();
  return survey.summary();
}

function matrixLines({ path, rows, columns, precision, min, max, odd }: MatrixFileSummary): string[][] {
  return [
    ['file', path],
    ['matrix', `${formatQuantity(rows, 'environment')} × ${formatCount(columns)} numbers, ${precision}`],
    ...(min === null || max === null ? [] : [['values', `${formatReal(min)} to ${formatReal(max)}`]]),
    ...oddLines(odd),
  ];
}

function structureLines(file: StructureFileSummary, { cutoff }: { readonly cutoff: number }): string[][] {
  const { cell, ties, bandwidth } = file;
  const lines: string[][] = [
    ['file', file.path],
    ['frames', formatCount(file.frames)],
    ['atoms', `${formatCount(file.atoms)}${perFrame(file)}`],
    ['species', list(file.species)],
    ['boundaries', boundaryText(file.boundaries)],
  ];
  if (cell !== null) {
    lines.push(['cell lengths', `${cell.lengths.map((spread) => range(spread)).join(', ')} Å`]);
    lines.push(['cell angles', `${cell.angles.map((spread) => range(spread)).join(', ')}°`]);
  } else {
    lines.push(['cell', 'none']);
  }
  if (file.volumePerAtom !== null) {
    const isMatter = Object.keys(file.boundaries).every((boundary) => boundary === 'TTT');
    const whose = isMatter ? '' : ', of the whole cell with what is empty of it';
    lines.push(['volume per atom', `${spreadText(file.volumePerAtom)} Å³${whose}`]);
  }
  if (file.neighbors !== null) {
    lines.push([`neighbours within ${formatReal(cutoff)} Å`, spreadText(file.neighbors)]);
    if (file.nearestDistance !== null) lines.push(['nearest distance', `${formatReal(file.nearestDistance)} Å`]);
    lines.push([
      'ties at the k-th neighbour',
      `${formatShare(ties.tied)}; nearly (up to ${formatReal(NEAR_TIE)} Å) ${formatShare(ties.nearlyTied)}`,
    ]);
  }
  const { suggested, reason } = bandwidth;
  lines.push([
    'suggested bandwidth',
    suggested === null ? `none: ${reason}` : `${formatReal(suggested, 3)} 1/Å, ${reason}`,
  ]);
  return [...lines, ...oddLines(file.odd)];
}

function oddLines(odd: readonly string[]): string[][] {
  return odd.length === 0 ? [['odd', 'nothing']] : odd.map((sentence, i) => [i === 0 ? 'odd' : '', sentence]);
}

function perFrame({ frames, atomsPerFrame: spread }: StructureFileSummary): string {
  if (spread === null || frames < 2) return '';
  return spread.min === spread.max
    ? `, ${formatCount(spread.min)} per frame`
    : `, ${spread.min} to ${spread.max} per frame`;
}

function list(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${formatCount(count)}`)
    .join(', ');
}

/** `TTF (periodic along a, b)`; with the number of frames where they differ. */
function boundaryText(boundaries: Readonly<Record<string, number>>): string {
  const kinds = Object.entries(boundaries);
  return kinds
    .map(([boundary, frames]) => {
      const axes = ['a', 'b', 'c'].filter((_, axis) => boundary[axis] === 'T');
      const meaning = axes.length === 0 ? 'not periodic' : `periodic along ${axes.join(', ')}`;
      return `${boundary} (${meaning})${kinds.length > 1 ? ` in ${formatQuantity(frames, 'frame')}` : ''}`;
    })
    .join('; ');
}

function range({ min, max }: SpreadSummary): string {
  const [low, high] = [formatReal(min), formatReal(max)];
  return low === high ? low : `${low}–${high}`;
}

function spreadText({ min, mean, max }: SpreadSummary): string {
  const [low, middle, high] = [min, mean, max].map((value) => formatReal(value, 4));
  return low === high ? `${low}` : `${middle} (${low} to ${high})`;
}
