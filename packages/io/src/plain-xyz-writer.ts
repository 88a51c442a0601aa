import { atomCount, type Structure } from '@surprisal/core';
import { parseExtxyzComment } from './extxyz-comment.ts';
import type { FrameWriter } from './frame-writer.ts';
import { checkSymbols, lineOfInfo } from './structure-parts.ts';
import { textRows } from './text-rows.ts';
import { warnUnheld } from './warn-unheld.ts';
import type { Warnings } from './warnings.ts';

const FORMAT = 'plain XYZ';

/** Plain XYZ: symbols, coordinates, a comment, and the column `extra` of numbers behind the coordinates. */
export class PlainXyzWriter implements FrameWriter {
  readonly #warnings: Warnings;

  constructor(warnings: Warnings) {
    this.#warnings = warnings;
  }

  write(structure: Structure): Iterable<string> {
    const { species, positions, cell, columns } = structure;
    checkSymbols(structure, FORMAT);
    const comment = plainComment(lineOfInfo(structure, 'comment'));
    const extra = columns.get('extra');
    const numbers = extra?.kind === 'real' && extra.width > 0 ? extra : undefined;
    const held = {
      format: FORMAT,
      columns: new Set(numbers === undefined ? [] : ['extra']),
      info: new Set(comment === undefined ? [] : ['comment']),
    };
    warnUnheld(structure, held, this.#warnings);
    if (cell !== null) this.#warnings.warn('cell', `${FORMAT} has no place for the cell; it is left out`);
    return textRows(`${atomCount(structure)}\n${comment ?? ''}\n`, atomCount(structure), [
      { words: species.symbols, index: species.index },
      { values: positions, width: 3 },
      ...(numbers === undefined ? [] : [numbers]),
    ]);
  }
}

/** A comment that is read as one again, and not as values of extended XYZ. */
function plainComment(text: string | undefined): string | undefined {
  if (text === undefined || text.includes('=')) return undefined;
  const { info, columns } = parseExtxyzComment(text);
  const value = info.get('comment');
  return columns === undefined && value?.kind === 'string' && value.values[0] === text ? text : undefined;
}
