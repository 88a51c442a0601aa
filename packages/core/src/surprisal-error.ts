/** Every reason for which a public function of surprisal refuses. */
export type ErrorCode =
  | 'ABORTED'
  | 'BACKEND_UNAVAILABLE'
  | 'COINCIDENT_ATOMS'
  | 'DIMENSION_MISMATCH'
  | 'EMPTY_INPUT'
  | 'EMPTY_REFERENCE'
  | 'FILE_EXISTS'
  | 'FILE_NOT_FOUND'
  | 'FILE_UNREADABLE'
  | 'FILE_UNWRITABLE'
  | 'INVALID_ARGUMENT'
  | 'INVALID_BANDWIDTH'
  | 'INVALID_CELL'
  | 'INVALID_DESCRIPTOR'
  | 'INVALID_POSITIONS'
  | 'OUT_OF_MEMORY'
  | 'PARSE_ERROR'
  | 'UNKNOWN_FORMAT'
  | 'UNSUPPORTED';

/** What an error carries beside its sentence. */
export interface SurprisalErrorOptions {
  /** The values that led to the refusal, for programs. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * The one error class of surprisal. Its message is a sentence for a person, in one line: what is wrong, where, what to do.
 *
 * @example
 * try {
 *   throw new SurprisalError('INVALID_BANDWIDTH', 'bandwidth is -1; it must be above 0 (1/Å)');
 * } catch (error) {
 *   if (error instanceof SurprisalError) console.error(error.code); // INVALID_BANDWIDTH
 * }
 */
export class SurprisalError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: SurprisalErrorOptions = {}) {
    super(oneLine(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SurprisalError';
    this.code = code;
    this.details = options.details ?? {};
  }
}

const NATIVE_CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'ABORTED',
  'BACKEND_UNAVAILABLE',
  'COINCIDENT_ATOMS',
  'INVALID_ARGUMENT',
  'INVALID_CELL',
  'INVALID_POSITIONS',
  'OUT_OF_MEMORY',
]);

/**
 * The error of a native call as a SurprisalError: same code, same sentence, the native one as its cause. Anything else
 * comes back as it was.
 */
export function fromNativeError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof SurprisalError) return error;
  const { code, details } = error as Error & { code?: unknown; details?: Readonly<Record<string, unknown>> };
  if (typeof code !== 'string' || !NATIVE_CODES.has(code)) return error;
  return new SurprisalError(code as ErrorCode, error.message, { cause: error, ...(details && { details }) });
}

/** Where in a file a parser stopped, and over what. */
export interface ParseErrorPlace {
  readonly file: string;
  /** Counted from 1. */
  readonly line?: number | undefined;
  /** Counted from 1. */
  readonly column?: number | undefined;
  /** The offending text, cut to a readable length. */
  readonly text?: string | undefined;
}

/** A text of one line: characters that would break or garble it, as those of broken files, are written as JSON writes them. */
export function oneLine(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const LONGEST_QUOTE = 80;

/** A file whose content cannot be believed: `file:line:column: what was wrong, what was expected (near "text")`. */
export class ParseError extends SurprisalError {
  readonly place: ParseErrorPlace;

  constructor(place: ParseErrorPlace, problem: string, options: SurprisalErrorOptions = {}) {
    const where = [place.file, place.line, place.column].filter((part) => part !== undefined).join(':');
    const quote = place.text === undefined || place.text === '' ? '' : ` (near ${JSON.stringify(shorten(place.text))})`;
    super('PARSE_ERROR', `${where}: ${problem}${quote}`, {
      ...options,
      details: { ...place, ...options.details },
    });
    this.name = 'ParseError';
    this.place = place;
  }
}

function shorten(text: string): string {
  return text.length <= LONGEST_QUOTE ? text : `${text.slice(0, LONGEST_QUOTE)}…`;
}
