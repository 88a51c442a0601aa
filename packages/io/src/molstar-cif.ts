/**
 * What is taken from molstar (Mol* contributors, MIT licence): its CIF parser and its table of space groups.
 *
 * molstar is a viewer of 80 MB, of which this needs 100 kB. So it is no dependency of the published package: this file, and
 * no other, imports it, and the build bundles the two into one. Its types are not in those of this file either.
 */
import { type CifCategory, CifField } from 'molstar/lib/mol-io/reader/cif/data-model.js';
import { parseCifText } from 'molstar/lib/mol-io/reader/cif/text/parser.js';
import { TokenBuilder, Tokenizer } from 'molstar/lib/mol-io/reader/common/text/tokenizer.js';
import {
  GroupData,
  getSpacegroupNumberFromIndex,
  OperatorData,
  SpacegroupNameToIndexMap,
  TransformData,
} from 'molstar/lib/mol-math/geometry/spacegroup/tables.js';

/** The values of one name of a CIF file: of a single item one, of a loop one for each of its rows. */
export interface CifValues {
  /** As it stands in the file, such as `_cell_length_a`. */
  readonly name: string;
  readonly count: number;
  /** Where a value begins in the text, without its quotes. */
  start(row: number): number;
  /** Where it ends. */
  end(row: number): number;
}

/** A data block. */
export interface CifData {
  /** What follows `data_`. */
  readonly header: string;
  /** In the order of the file. */
  readonly values: readonly CifValues[];
}

/** A place that breaks the rules of CIF. */
export class CifSyntaxError extends Error {
  /** From 1. */
  readonly line: number;
  /** What stands there, where that is known. */
  readonly text: string | undefined;

  constructor(message: string, line: number, text?: string) {
    super(message);
    this.line = line;
    this.text = text;
  }
}

/** A space group in one setting. */
export interface TabulatedSpaceGroup {
  /** Hermann–Mauguin. */
  readonly name: string;
  /** In the International Tables; thousands count the settings. */
  readonly number: number;
  /** Three rows of four numbers each, a rotation and a translation. */
  readonly operations: readonly (readonly (readonly number[])[])[];
}

/** Values for which the parser makes room before it has seen them. */
const ROOM = 64;

/**
 * The data blocks of a text; blocks without any value are left out.
 *
 * @throws {CifSyntaxError}
 */
export async function parseCifData(text: string): Promise<CifData[]> {
  adapt();
  const parsed = await parseCifText(text).run();
  if (parsed.isError) throw new CifSyntaxError(parsed.message, Math.max(1, parsed.line));
  return parsed.result.blocks.map(({ header, categoryNames, categories }) => ({
    header,
    values: categoryNames.flatMap((categoryName) => {
      const { fieldNames, getField } = categories[categoryName] as CifCategory;
      return fieldNames.map((fieldName) => {
        const { indices, count } = (getField(fieldName) as PlacedField).placed;
        return {
          name: fieldName === '' ? `_${categoryName}` : `_${categoryName}.${fieldName}`,
          count,
          start: (row: number) => indices[2 * row] as number,
          end: (row: number) => indices[2 * row + 1] as number,
        };
      });
    }),
  }));
}

/** The space groups of the table; groups with two origins stand there with the first, those with two kinds of axes as `H …` and `R …`. */
export function tabulatedSpaceGroups(): TabulatedSpaceGroup[] {
  return Object.entries(SpacegroupNameToIndexMap).map(([name, index]) => ({
    name,
    number: getSpacegroupNumberFromIndex(index),
    operations: (GroupData[index] as number[]).map((operation) =>
      (OperatorData[operation] as number[]).map((row) => TransformData[row] as number[]),
    ),
  }));
}

type Tokens = Parameters<typeof CifField.ofTokens>[0];
type PlacedField = ReturnType<typeof CifField.ofTokens> & { readonly placed: Tokens };

let adapted = false;

/**
 * Changes three things about the parser, all of them within this copy: its values say where they stand, so that an error
 * can; a token that has no business where it is becomes an error instead of a line on stdout; and of a loop of atoms no
 * more than {@link ROOM} values are expected for each of its names before they are there (else a file of a megabyte could
 * ask for gigabytes).
 */
function adapt(): void {
  if (adapted) return;
  adapted = true;
  const { ofTokens } = CifField;
  const { create } = TokenBuilder;
  Object.assign(CifField, { ofTokens: (tokens: Tokens) => ({ ...ofTokens(tokens), placed: tokens }) });
  Object.assign(TokenBuilder, { create: (data: string, size: number) => create(data, Math.min(size, ROOM)) });
  Object.assign(Tokenizer, {
    // Called by the parser for nothing but the line on stdout.
    getTokenString: ({ data, tokenStart, tokenEnd, lineNumber }: Tokenizer) => {
      throw new CifSyntaxError(
        'a name (_…), loop_ or data_… was expected',
        lineNumber,
        data.substring(tokenStart, tokenEnd),
      );
    },
  });
}
