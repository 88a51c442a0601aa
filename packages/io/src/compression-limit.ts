import { SurprisalError } from '@surprisal/core';

/** How much compressed data may expand. */
export interface CompressionLimit {
  /**
   * Most bytes that may come out of a compressed one, once 64 MiB have come out; `Infinity` for any. Default 500: positions
   * of real files give 3 to 20, frames that are all the same a few hundred; a file that was made to fill memory or time
   * comes close to 1032, the most that the method can.
   */
  readonly maxCompressionRatio?: number | undefined;
}

const DEFAULT_RATIO = 500;
/** As much may come out of whatever. */
const HARMLESS = 64 * 1024 * 1024;

/**
 * Refuses data of which much more comes out than went in.
 *
 * @throws {SurprisalError} UNSUPPORTED
 */
export function checkCompressionRatio(
  file: string,
  compressed: number,
  expanded: number,
  { maxCompressionRatio = DEFAULT_RATIO }: CompressionLimit,
): void {
  if (expanded <= HARMLESS || expanded <= maxCompressionRatio * compressed) return;
  throw new SurprisalError(
    'UNSUPPORTED',
    `${file}: ${compressed} compressed bytes make ${expanded} and perhaps more, more than ${maxCompressionRatio} each; this is ` +
      'how files look that are made to do harm. If it is yours, decompress it and read that, or allow more (maxCompressionRatio, --max-compression-ratio)',
    { details: { file, compressed, expanded, maxCompressionRatio } },
  );
}
