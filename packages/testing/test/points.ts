import { createStructure, ParseError, type Structure, throwIfAborted } from '@surprisal/core';
import type { TestedReadOptions, TestReaderOptions } from '@surprisal/testing';

/** Frames of a format for tests: the number of points, then a line `x y z` for each. */
export async function* readPoints(
  bytes: AsyncIterable<Uint8Array>,
  { file, frames, signal, onWarning }: TestedReadOptions,
): AsyncGenerator<Structure, void> {
  const decoder = new TextDecoder();
  let text = '';
  throwIfAborted(signal);
  for await (const chunk of bytes) {
    throwIfAborted(signal);
    text += decoder.decode(chunk, { stream: true });
  }
  const structures = [...parsePoints(text, file, onWarning)];
  const { start, stop, step } = frames ?? { start: undefined, stop: undefined, step: 1 };
  if (step < 0) yield* structures.toReversed();
  else yield* structures.slice(start, stop).filter((_, at) => at % step === 0);
}

function* parsePoints(text: string, file: string, onWarning: (message: string) => void): Generator<Structure, void> {
  const lines = text.split(/\r?\n/);
  if (text.trim() === '') throw new ParseError({ file }, 'the file is empty');
  for (let at = 0; at < lines.length; ) {
    const count = (lines[at++] as string).trim();
    if (count === '' && lines.slice(at).join('').trim() === '') return;
    if (!/^\d+$/.test(count)) throw new ParseError({ file, line: at }, 'a number of points was expected', {});
    const positions: number[] = [];
    for (let point = 0; point < Number(count); point++) {
      const fields = (lines[at++] ?? '').trim().split(/\s+/);
      if (
        fields.length !== 3 ||
        !fields.every((field) => /^-?\d+(\.\d*)?(e-?\d+)?$/.test(field) && Number.isFinite(Number(field)))
      ) {
        throw new ParseError({ file, line: Math.min(at, lines.length) }, 'three finite numbers were expected');
      }
      positions.push(...fields.map(Number));
    }
    if (at === lines.length) onWarning(`${file}: the last line has no end`);
    yield createStructure({ positions: Float64Array.from(positions) });
  }
}

const CONTENT = '2\n0 0 0\n0.5 0.25 1\n1\n-1 0 10\n';

/** All that the suite has to know of that format. */
export const points: TestReaderOptions = {
  name: 'points',
  read: readPoints,
  examples: [
    {
      name: 'two frames',
      content: CONTENT,
      structures: [
        createStructure({ positions: Float64Array.of(0, 0, 0, 0.5, 0.25, 1) }),
        createStructure({ positions: Float64Array.of(-1, 0, 10) }),
      ],
    },
  ],
  withAtoms: (count) => CONTENT.replace('\n1\n', `\n${count}\n`),
  withCoordinate: (coordinate) => CONTENT.replace('0.25', coordinate),
  write: (structures) =>
    structures.map(({ positions }) => {
      const rows = Array.from(
        { length: positions.length / 3 },
        (_, at) => `${positions.subarray(3 * at, 3 * at + 3).join(' ')}\n`,
      );
      return `${rows.length}\n${rows.join('')}`;
    }),
};
