import { hallOperations } from './hall-symbol.ts';
import { tabulatedSpaceGroups } from './molstar-cif.ts';
import type { SymmetryOperation } from './symmetry-operation.ts';

/** What a file says of its space group beside the operations. */
export interface SpaceGroupNames {
  readonly hall?: string | undefined;
  readonly hermannMauguin?: string | undefined;
  readonly number?: string | undefined;
}

/** Operations, or why there are none. */
export type SpaceGroupAnswer =
  | { readonly operations: readonly SymmetryOperation[]; readonly name: string; readonly problem?: undefined }
  | { readonly problem: string; readonly text: string };

/** A cell has the symmetry of its group if lengths and products of its vectors agree within this share. */
const METRIC_TOLERANCE = 0.02;

/** Hall symbols of the groups with two origins in the International Tables, for the first and the second. */
const TWO_ORIGINS: ReadonlyMap<number, readonly [string, string]> = new Map([
  [48, ['P 2 2 -1n', '-P 2ab 2bc']],
  [50, ['P 2 2 -1ab', '-P 2ab 2b']],
  [59, ['P 2 2ab -1ab', '-P 2ab 2a']],
  [68, ['C 2 2 -1ac', '-C 2a 2ac']],
  [70, ['F 2 2 -1d', '-F 2uv 2vw']],
  [85, ['P 4ab -1ab', '-P 4a']],
  [86, ['P 4n -1n', '-P 4bc']],
  [88, ['I 4bw -1bw', '-I 4ad']],
  [125, ['P 4 2 -1ab', '-P 4a 2b']],
  [126, ['P 4 2 -1n', '-P 4a 2bc']],
  [129, ['P 4ab 2ab -1ab', '-P 4a 2a']],
  [130, ['P 4ab 2n -1ab', '-P 4a 2ac']],
  [133, ['P 4n 2c -1n', '-P 4ac 2b']],
  [134, ['P 4n 2 -1n', '-P 4ac 2bc']],
  [137, ['P 4n 2n -1n', '-P 4ac 2a']],
  [138, ['P 4n 2ab -1n', '-P 4ac 2ac']],
  [141, ['I 4bw 2bw -1bw', '-I 4bd 2']],
  [142, ['I 4bw 2aw -1bw', '-I 4bd 2c']],
  [201, ['P 2 2 3 -1n', '-P 2ab 2bc 3']],
  [203, ['F 2 2 3 -1d', '-F 2uv 2vw 3']],
  [222, ['P 4 2 3 -1n', '-P 4a 2bc 3']],
  [224, ['P 4n 2 3 -1n', '-P 4bc 2bc 3']],
  [227, ['F 4d 2 3 -1d', '-F 4vw 2vw 3']],
  [228, ['F 4d 2 3 -1ad', '-F 4ud 2vw 3']],
]);

interface Entry {
  readonly name: string;
  /** In the International Tables. */
  readonly number: number;
  readonly operations: readonly SymmetryOperation[];
}

/**
 * The operations of a space group that is only named: by its Hall symbol, else by its Hermann–Mauguin symbol, else by its
 * number in the International Tables, for which its standard setting is taken.
 *
 * Nothing is guessed: a symbol that is not known, one that does not say which of two origins is meant, and a group whose
 * symmetry the cell does not have are problems. Rhombohedral groups are taken with the axes that the cell has.
 *
 * @param metric  (3×3) dot products of the cell vectors; undefined without a cell
 * @returns undefined where no name is given
 */
export function spaceGroupOperations(
  names: SpaceGroupNames,
  metric: Float64Array | undefined,
): SpaceGroupAnswer | undefined {
  const { hall, hermannMauguin, number } = names;
  if (hall !== undefined) {
    const operations = hallOperations(hall);
    if (operations !== undefined) return fitting([{ name: hall, number: 0, operations }], metric, hall);
    if (hermannMauguin === undefined) return { problem: 'the Hall symbol is not understood', text: hall };
  }
  if (hermannMauguin !== undefined) return bySymbol(hermannMauguin, metric);
  return number === undefined ? undefined : byNumber(number, metric);
}

/** Whether a symbol is that of the group without symmetry. */
export function namesNoSymmetry({ hall, hermannMauguin, number }: SpaceGroupNames): boolean {
  if (hermannMauguin !== undefined) return ['p1', 'p111'].includes(keyOf(hermannMauguin));
  if (hall !== undefined) return keyOf(hall) === 'p1';
  return number === undefined || Number(number) === 1;
}

function bySymbol(symbol: string, metric: Float64Array | undefined): SpaceGroupAnswer {
  const suffix = /^(.*?)\s*(?::\s*([12hr])|\s([szhr])|,?\s*\(?origin (?:choice )?([12])\)?)$/i.exec(symbol);
  const base = suffix?.[1] ?? symbol;
  const choice = (suffix?.[2] ?? suffix?.[3] ?? suffix?.[4])?.toLowerCase();
  const key = keyOf(base);
  const entries = table().bySymbol.get(key) ?? table().bySymbol.get(key.replace(/^h/, 'r'));
  const [first] = entries ?? [];
  if (entries === undefined || first === undefined) {
    return { problem: 'the space group is not known, or not in this setting', text: symbol };
  }
  if (TWO_ORIGINS.has(first.number)) return ofOrigin(first, choice, metric, symbol);
  if (entries.length > 1) {
    const wanted = choice ?? (key.startsWith('h') ? 'h' : undefined);
    return fitting(wanted === undefined ? entries : [entries[wanted === 'h' ? 0 : 1] as Entry], metric, symbol);
  }
  if (choice !== undefined && choice !== '1') {
    return { problem: `the space group has no setting "${choice}"`, text: symbol };
  }
  return fitting(entries, metric, symbol);
}

function byNumber(text: string, metric: Float64Array | undefined): SpaceGroupAnswer {
  const entries = table().byNumber.get(Number(text));
  const [first] = entries ?? [];
  if (entries === undefined || first === undefined) {
    return { problem: 'a number of a space group, from 1 to 230, was expected', text };
  }
  return TWO_ORIGINS.has(first.number) ? ofOrigin(first, undefined, metric, text) : fitting(entries, metric, text);
}

function ofOrigin(
  entry: Entry,
  choice: string | undefined,
  metric: Float64Array | undefined,
  text: string,
): SpaceGroupAnswer {
  const origin = choice === '1' || choice === 's' ? 0 : choice === '2' || choice === 'z' ? 1 : undefined;
  if (origin === undefined) {
    return { problem: `${entry.name} has two origins, and the file does not say which one it uses`, text };
  }
  const operations = hallOperations((TWO_ORIGINS.get(entry.number) as readonly [string, string])[origin]);
  return fitting([{ ...entry, operations: operations as readonly SymmetryOperation[] }], metric, text);
}

/** The first group whose symmetry the cell has. */
function fitting(entries: readonly Entry[], metric: Float64Array | undefined, text: string): SpaceGroupAnswer {
  const entry = entries.find(({ operations }) => hasSymmetry(metric, operations));
  if (entry !== undefined) return { operations: entry.operations, name: entry.name };
  return { problem: 'the cell does not have the symmetry of the space group', text };
}

/** Whether the operations leave lengths and angles of a cell as they are: Rᵀ G R = G. */
export function hasSymmetry(metric: Float64Array | undefined, operations: readonly SymmetryOperation[]): boolean {
  if (metric === undefined) return operations.length === 1;
  const length = (axis: number) => Math.sqrt(metric[4 * axis] as number);
  return operations.every(({ rotation }) => {
    for (let i = 0; i < 3; i++) {
      for (let j = i; j < 3; j++) {
        let sum = 0;
        for (let k = 0; k < 3; k++) {
          for (let l = 0; l < 3; l++) {
            sum += (rotation[3 * k + i] as number) * (metric[3 * k + l] as number) * (rotation[3 * l + j] as number);
          }
        }
        const scale = length(i) * length(j);
        if (!(Math.abs(sum - (metric[3 * i + j] as number)) <= METRIC_TOLERANCE * scale)) return false;
      }
    }
    return true;
  });
}

/** `P 1 21/c 1`, `P2(1)/c`, `p_1_21/c_1` as one. */
function keyOf(symbol: string): string {
  return symbol.replaceAll(/[\s_()]+/g, '').toLowerCase();
}

interface Table {
  readonly bySymbol: ReadonlyMap<string, readonly Entry[]>;
  readonly byNumber: ReadonlyMap<number, readonly Entry[]>;
}

let made: Table | undefined;

/**
 * The table, with the short symbols of monoclinic groups (`P 21/c`; where two are alike, the axis is b) and the older ones of
 * cubic groups (`F m 3 m`). Rhombohedral groups stand with hexagonal axes, then with rhombohedral ones.
 */
function table(): Table {
  if (made !== undefined) return made;
  const entries = tabulatedSpaceGroups().map(({ name, number, operations }) => ({
    name,
    setting: number,
    number: number % 1000,
    operations: operations.map((rows) => ({
      rotation: rows.flatMap((row) => row.slice(0, 3)),
      translation: rows.map((row) => row[3] as number),
    })),
  }));
  const bySymbol = new Map<string, Entry[]>();
  const byNumber = new Map<number, (typeof entries)[number][]>();
  for (const entry of entries) {
    const { name, number, setting } = entry;
    // Hexagonal axes stand in the table as H, rhombohedral ones as R, right behind them.
    const key = keyOf(name.replace(/^H /, 'R '));
    const known = bySymbol.get(key);
    if (known === undefined) bySymbol.set(key, [entry]);
    else known.push(entry);
    if (setting >= 1000 && !name.startsWith('R ')) continue;
    const standard = byNumber.get(number) ?? [];
    const same = standard.findIndex((other) => other.setting === setting);
    if (same < 0) byNumber.set(number, [...standard, entry]);
    else if (name.length < (standard[same] as typeof entry).name.length) standard[same] = entry;
  }
  const addAlias = (alias: string, entry: Entry) => {
    if (!bySymbol.has(keyOf(alias))) bySymbol.set(keyOf(alias), [entry]);
  };
  for (const entry of entries) {
    const unique = /^(\S) 1 (\S+) 1$/.exec(entry.name);
    if (unique !== null) addAlias(`${unique[1]} ${unique[2]}`, entry);
    if (entry.number >= 200 && entry.name.includes(' -3')) addAlias(entry.name.replace(' -3', ' 3'), entry);
    if (entry.number === 1) addAlias('P 1 1 1', entry);
  }
  for (const entry of entries) {
    const unique = /^(\S) 1 1 (\S+)$/.exec(entry.name);
    if (unique !== null) addAlias(`${unique[1]} ${unique[2]}`, entry);
  }
  made = { bySymbol, byNumber };
  return made;
}
