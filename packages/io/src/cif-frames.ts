import { ParseError, type Structure, SurprisalError } from '@surprisal/core';
import { CifBlock, placeOf } from './cif-block.ts';
import { structureOfBlock } from './cif-structure.ts';
import { decodeText } from './decode-text.ts';
import type { LineReader } from './line-reader.ts';
import { type CifData, CifSyntaxError, parseCifData } from './molstar-cif.ts';
import type { FrameReader } from './select-frames.ts';
import type { Warnings } from './warnings.ts';

/** Largest CIF file that is read: it is parsed as a whole. */
const LARGEST_CIF: number = 64 * 1024 * 1024;
const FIRST_BUFFER = 64 * 1024;
const LINE_FEED = 10;

/** The data blocks of a CIF file that hold atoms, one after the other. */
export class CifFrames implements FrameReader {
  readonly #lines: LineReader;
  readonly #warnings: Warnings;
  #blocks: Iterator<CifData> | undefined;
  #text = '';
  #met = 0;

  constructor(lines: LineReader, warnings: Warnings) {
    this.#lines = lines;
    this.#warnings = warnings;
  }

  async read(): Promise<Structure | undefined> {
    this.#blocks ??= (await this.#parse())[Symbol.iterator]();
    const { file } = this.#lines;
    for (;;) {
      const { done, value } = this.#blocks.next();
      if (done) break;
      const block = new CifBlock(value, { file, text: this.#text });
      const structure = structureOfBlock(block, file, this.#warnings);
      if (structure !== undefined) {
        this.#met++;
        if (this.#met === 2) {
          this.#warnings.warn('blocks', `data_${block.name} holds atoms too; each data block with atoms is a frame`);
        }
        return structure;
      }
      this.#warnings.warn(`block ${block.name}`, `data_${block.name} holds no atoms and is passed over`);
    }
    if (this.#met === 0) {
      throw new ParseError(
        { file, line: this.#lines.line },
        'no data block holds atoms; _atom_site_fract_x … or _atom_site_Cartn_x … were expected',
      );
    }
    return undefined;
  }

  async skip(): Promise<boolean> {
    return (await this.read()) !== undefined;
  }

  async #parse(): Promise<CifData[]> {
    const { file } = this.#lines;
    const text = await this.#readText();
    this.#text = text;
    const open = openTextField(text);
    if (open !== undefined) {
      throw new ParseError(
        { file, ...placeOf(text, open) },
        'the text field that begins here has no end, a line that begins with ;',
      );
    }
    let blocks: CifData[];
    try {
      blocks = await parseCifData(text);
    } catch (error) {
      if (error instanceof CifSyntaxError) {
        throw new ParseError({ file, line: error.line, text: error.text }, error.message, { cause: error });
      }
      // The parser stumbles over a loop without names.
      const loop = Math.max(0, text.search(/(?<!\S)loop_(?!\s+_)/i));
      throw new ParseError({ file, ...placeOf(text, loop) }, 'names (_…) were expected behind loop_', { cause: error });
    }
    if (!this.#lines.terminated) {
      const { line } = placeOf(text, text.trimEnd().length);
      this.#warnings.warn('unterminated', `line ${line}, the last, has no end; the file may be cut off there`);
    }
    return blocks;
  }

  /** The whole file, with its line ends as `\n`. */
  async #readText(): Promise<string> {
    const lines = this.#lines;
    let bytes = new Uint8Array(FIRST_BUFFER);
    let length = 0;
    while (lines.advance() || (await lines.more())) {
      const next = length + lines.end - lines.start + 1;
      if (next > LARGEST_CIF) {
        throw new SurprisalError(
          'UNSUPPORTED',
          `${lines.file}: the file is larger than ${LARGEST_CIF / 2 ** 20} MiB, the most that is read of a CIF file; split ` +
            'its data blocks into several files, or write extended XYZ',
          { details: { file: lines.file, limit: LARGEST_CIF } },
        );
      }
      if (next > bytes.length) {
        const larger = new Uint8Array(Math.min(LARGEST_CIF, Math.max(next, 2 * bytes.length)));
        larger.set(bytes.subarray(0, length));
        bytes = larger;
      }
      bytes.set(lines.bytes.subarray(lines.start, lines.end), length);
      bytes[next - 1] = LINE_FEED;
      length = next;
    }
    return decodeText(bytes, 0, length);
  }
}

/** Where a line that begins with a semicolon opens a text that no other one closes. */
function openTextField(text: string): number | undefined {
  let open: number | undefined;
  for (const { index } of text.matchAll(/(?<=^|[\r\n]);/g)) open = open === undefined ? index : undefined;
  return open;
}
