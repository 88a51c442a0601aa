import { atomCount, type Column, type InfoValue, type Structure } from '@surprisal/core';
import { formatQuantity } from './format-number.ts';
import { UsageError } from './usage-error.ts';

/** Environments told apart by a label. */
export interface Groups {
  /** The label. */
  readonly by: string;
  /** In natural order. */
  readonly names: readonly string[];
  /** For each group its rows, ascending. */
  readonly rows: readonly Uint32Array[];
}

/** The group of what lacks the label. */
const NONE = '(none)';

/** How environments are told apart. */
export interface GroupLabelsOptions {
  /** Whether what has no label at all can be one group, as a reference set can. Default false. */
  readonly optional?: boolean | undefined;
}

/** More groups than this are values, not labels. */
const MOST_GROUPS = 1000;

/** Collects the label of every environment while structures are read. */
export class GroupLabels {
  readonly #by: string;
  readonly #optional: boolean;
  readonly #files = new Set<string>();
  /** The number of each group, in the order in which they came. */
  readonly #numbers = new Map<string, number>();
  /** That of the group of each row, with room for more. */
  #groupOf = new Uint16Array(0);
  readonly #known = new Set<string>();
  #next = 0;
  #lacking = 0;

  constructor(by: string, { optional = false }: GroupLabelsOptions = {}) {
    this.#by = by;
    this.#optional = optional;
  }

  /** @throws {UsageError} a matrix holds no labels, though it has the name of a file, unless they are optional */
  addMatrix(rows: number, path: string): void {
    if (this.#by !== 'file' && !this.#optional) {
      throw new UsageError(`${path} is a matrix and holds no labels; --group-by ${this.#by} needs structures`);
    }
    this.#add(this.#by === 'file' ? path : NONE, rows);
  }

  /** @throws {UsageError} if there are more groups than a person could look at */
  addStructure(structure: Structure, path: string): void {
    const { info, columns, species } = structure;
    const atoms = atomCount(structure);
    this.#files.add(path);
    for (const name of [...info.keys(), ...columns.keys()]) this.#known.add(name);
    const value = info.get(this.#by);
    const column = columns.get(this.#by);
    if (value !== undefined) {
      this.#add(textOf(value, 0, value.values.length), atoms);
    } else if (column !== undefined) {
      for (let atom = 0; atom < atoms; atom++) this.#add(textOf(column, atom * column.width, column.width), 1);
    } else if (this.#by === 'species') {
      for (let atom = 0; atom < atoms; atom++) this.#add(species.symbols[species.index[atom] as number] as string, 1);
    } else if (this.#by === 'file') {
      this.#add(path, atoms);
    } else {
      this.#lacking++;
      this.#add(NONE, atoms);
    }
  }

  /**
   * @param warn  told of frames without the label
   * @throws {UsageError} if no frame has it, unless labels are optional
   */
  groups(warn: (message: string) => void): Groups {
    const isBare = this.#numbers.size === 1 && this.#numbers.has(NONE);
    if (isBare && this.#lacking > 0 && !this.#optional) {
      const known = [...this.#known, 'species', 'file'].map((name) => `"${name}"`).join(', ');
      const [first, ...others] = this.#files;
      const whose = others.length === 0 ? first : `${first} and ${formatQuantity(others.length, 'other file')}`;
      throw new UsageError(`${whose}: no frame has the label "${this.#by}" of --group-by; there are ${known}`);
    }
    if (this.#lacking > 0 && !isBare) {
      warn(`${formatQuantity(this.#lacking, 'frame')} without "${this.#by}" make the group ${NONE}`);
    }
    const sizes = new Uint32Array(this.#numbers.size);
    for (let row = 0; row < this.#next; row++) sizes[this.#groupOf[row] as number]!++;
    const rows = Array.from(sizes, (size) => new Uint32Array(size));
    const filled = new Uint32Array(sizes.length);
    for (let row = 0; row < this.#next; row++) {
      const group = this.#groupOf[row] as number;
      (rows[group] as Uint32Array)[filled[group]!++] = row;
    }
    const names = [...this.#numbers.keys()].sort(new Intl.Collator('en', { numeric: true }).compare);
    return { by: this.#by, names, rows: names.map((name) => rows[this.#numbers.get(name) as number] as Uint32Array) };
  }

  /** The groups so far, in the order in which they came. */
  namesSoFar(): readonly string[] {
    return [...this.#numbers.keys()];
  }

  /** The place in {@link namesSoFar} of the group of a row. */
  groupOf(row: number): number {
    return this.#groupOf[row] as number;
  }

  #add(name: string, count: number): void {
    if (count === 0) return;
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#numbers.size;
      if (number === MOST_GROUPS) {
        throw new UsageError(
          `"${this.#by}" has more than ${MOST_GROUPS} values; --group-by takes a label that has few, such as config_type`,
        );
      }
      this.#numbers.set(name, number);
    }
    const end = this.#next + count;
    if (end > this.#groupOf.length) {
      const larger = new Uint16Array(Math.max(end, 2 * this.#groupOf.length));
      larger.set(this.#groupOf.subarray(0, this.#next));
      this.#groupOf = larger;
    }
    this.#groupOf.fill(number, this.#next, end);
    this.#next = end;
  }
}

function textOf({ kind, values }: InfoValue | Column, from: number, count: number): string {
  const words: string[] = [];
  for (let at = from; at < from + count; at++) {
    words.push(kind === 'logical' ? (values[at] === 0 ? 'F' : 'T') : String(values[at]));
  }
  return words.join(' ');
}
