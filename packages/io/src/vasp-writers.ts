import { atomCount, type Structure, SurprisalError } from '@surprisal/core';
import { inverseCell, requireCell } from './cell-geometry.ts';
import { CHEMICAL_SYMBOLS } from './chemical-symbols.ts';
import type { FrameWriter } from './frame-writer.ts';
import { checkSymbols, columnOf, lineOfInfo, speciesBlocks, velocitiesOf, wholeOfInfo } from './structure-parts.ts';
import { realFields, textRows } from './text-rows.ts';
import { warnBoundaries, warnUnheld } from './warn-unheld.ts';
import type { Warnings } from './warnings.ts';

/** What a word must not hold to stand among the species of VASP: no mark of a comment or potential, no number. */
const SYMBOL = /^(?![+-]?[.\d])[^\s#!/]+$/;

/** POSCAR: one structure, Cartesian, so that coordinates are read to the last bit. */
export class PoscarWriter implements FrameWriter {
  readonly #warnings: Warnings;

  constructor(warnings: Warnings) {
    this.#warnings = warnings;
  }

  *write(structure: Structure): Generator<string, void> {
    const { positions } = structure;
    const atoms = atomCount(structure);
    const { text, comment } = header(structure, 'POSCAR', this.#warnings);
    const selective = columnOf(structure, 'selective', 'logical', 3);
    const velocities = velocitiesOf(structure);
    const held = {
      format: 'POSCAR',
      columns: new Set([...(selective === undefined ? [] : ['selective']), ...(velocities?.names ?? [])]),
      info: new Set(comment === undefined ? [] : ['comment']),
    };
    warnUnheld(structure, held, this.#warnings);
    const head = `${text}${selective === undefined ? '' : 'Selective dynamics\n'}Cartesian\n`;
    yield* textRows(head, atoms, [
      { values: positions, width: 3 },
      ...(selective === undefined
        ? []
        : [
            (atom: number) =>
              Array.from(selective.subarray(3 * atom, 3 * atom + 3), (free) => (free === 0 ? 'F' : 'T')).join(' '),
          ]),
    ]);
    if (velocities !== undefined) yield* textRows('\n', atoms, [{ values: velocities.values, width: 3 }]);
  }
}

/** XDATCAR: fractions of the cell vectors; the header is written again where it changes. */
export class XdatcarWriter implements FrameWriter {
  readonly #warnings: Warnings;
  #frames = 0;
  #header: string | undefined;

  constructor(warnings: Warnings) {
    this.#warnings = warnings;
  }

  write(structure: Structure): Iterable<string> {
    const { positions } = structure;
    const { text, comment } = header(structure, 'XDATCAR', this.#warnings);
    const number = wholeOfInfo(structure, 'configuration');
    const isCounted = number !== undefined && number >= 0;
    const held = {
      format: 'XDATCAR',
      columns: new Set<string>(),
      info: new Set([...(comment === undefined ? [] : ['comment']), ...(isCounted ? ['configuration'] : [])]),
    };
    warnUnheld(structure, held, this.#warnings);
    this.#frames++;
    const isRepeated = text === this.#header;
    this.#header = text;
    const head = `${isRepeated ? '' : text}Direct configuration= ${isCounted ? number : this.#frames}\n`;
    const [ax, ay, az, bx, by, bz, cx, cy, cz] = inverseCell(structure.cell as Float64Array) as unknown as number[];
    const inverse = [
      [ax, bx, cx],
      [ay, by, cy],
      [az, bz, cz],
    ] as [number, number, number][];
    const fractions = new Float64Array(positions.length);
    for (let at = 0; at < positions.length; at += 3) {
      const [x, y, z] = [positions[at] as number, positions[at + 1] as number, positions[at + 2] as number];
      for (const [axis, column] of inverse.entries())
        fractions[at + axis] = x * column[0] + y * column[1] + z * column[2];
    }
    return textRows(head, atomCount(structure), [{ values: fractions, width: 3 }]);
  }
}

/** The lines up to the counts of atoms, and the comment, if the structure has one that can stand there. */
function header(
  structure: Structure,
  format: string,
  warnings: Warnings,
): { text: string; comment: string | undefined } {
  const cell = requireCell(structure, format);
  if (atomCount(structure) === 0)
    throw new SurprisalError('INVALID_ARGUMENT', `${format} cannot hold a structure without atoms`);
  checkSymbols(structure, format, SYMBOL);
  const cut = structure.species.symbols.find((symbol) =>
    CHEMICAL_SYMBOLS.includes(/^[^_]+(?=_)/.exec(symbol)?.[0] ?? '-'),
  );
  if (cut !== undefined) {
    warnings.warn(`species ${cut}`, `the species "${cut}" will be read without what stands behind its underscore`);
  }
  warnBoundaries(structure, format, warnings);
  const blocks = speciesBlocks(structure);
  if (new Set(blocks.map(({ symbol }) => symbol)).size < blocks.length) {
    warnings.warn(
      'blocks',
      `atoms of one species do not stand together, so ${format} names some species more than once, and VASP wants a potential for each time`,
    );
  }
  const said = lineOfInfo(structure, 'comment');
  const comment = said !== undefined && said.trim() === said && said !== '' ? said : undefined;
  const vectors = [0, 3, 6].map((at) => realFields(cell, at, at + 3)).join('\n');
  const title = comment ?? [...new Set(blocks.map(({ symbol }) => symbol))].join(' ');
  const text = `${title}\n1.0\n${vectors}\n${blocks.map(({ symbol }) => symbol).join(' ')}\n${blocks.map(({ count }) => count).join(' ')}\n`;
  return { text, comment };
}
