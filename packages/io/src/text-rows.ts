import { formatReal } from './info-value.ts';

/** Characters of text that are handed out at a time. */
const CHUNK = 64 * 1024;

/** A head, and a line for each atom, in pieces of text. */
export function* textRows(head: string, atoms: number, row: (atom: number) => string): Generator<string, void> {
  let text = head;
  for (let atom = 0; atom < atoms; atom++) {
    text += `${row(atom)}\n`;
    if (text.length >= CHUNK) {
      yield text;
      text = '';
    }
  }
  if (text !== '') yield text;
}

/** Numbers from `from` up to `to`, with blanks between them, each the shortest that reads as the same double. */
export function realFields(values: ArrayLike<number>, from: number, to: number): string {
  let text = formatReal(values[from] as number);
  for (let at = from + 1; at < to; at++) text += ` ${formatReal(values[at] as number)}`;
  return text;
}
