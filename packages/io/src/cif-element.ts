import { CHEMICAL_SYMBOLS } from './chemical-symbols.ts';

const ELEMENTS: ReadonlySet<string> = new Set(CHEMICAL_SYMBOLS.slice(1));
/** A symbol, and behind it a charge (`Fe3+`, `O2-`, `Na+1`), the valence state of a scattering factor (`Cval`, `Siva`) or a number. */
const TYPE_SYMBOL = /^([A-Za-z]{1,2}?)(?:val?|va)?(?:\d*\.?\d*[+-]?|[+-]\d+\.?\d*)$/;

/**
 * The element of a type symbol, whatever letters it is written in: `Fe3+`, `FE`, `Cval`. Deuterium and tritium are hydrogen.
 *
 * @returns undefined where it is none
 */
export function elementOfSymbol(symbol: string): string | undefined {
  return elementOf(TYPE_SYMBOL.exec(symbol)?.[1] ?? '');
}

/**
 * The element that the label of a site begins with: `Ca1`, `O1W`, `Hn2`. Two letters mean the element of two where the
 * second is small (`Ho1` is holmium) or no element has the first one alone; where a formula is known, of the two readings
 * the one that it holds.
 *
 * @returns undefined where it begins with none, and for two large letters that may be one element or another (`CA1`)
 */
export function elementOfLabel(label: string, formula: ReadonlySet<string>): string | undefined {
  const letters = /^[A-Za-z]+/.exec(label)?.[0] ?? '';
  const long = letters.length > 1 ? elementOf(letters.slice(0, 2)) : undefined;
  const short = elementOf(letters.slice(0, 1));
  if (long === undefined || short === undefined) return long ?? short;
  const [hasLong, hasShort] = [formula.has(long), formula.has(short)];
  if (hasLong !== hasShort) return hasLong ? long : short;
  return /^[A-Z][a-z]/.test(letters) ? long : undefined;
}

function elementOf(letters: string): string | undefined {
  const symbol = letters.slice(0, 1).toUpperCase() + letters.slice(1).toLowerCase();
  if (symbol === 'D' || symbol === 'T') return 'H';
  return ELEMENTS.has(symbol) ? symbol : undefined;
}
