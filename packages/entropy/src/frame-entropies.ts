import { communicatorOf, cooperate, type Matrix, matrixRows, SurprisalError } from '@surprisal/core';
import { checkOffsets } from './check-offsets.ts';
import { type EntropyManyOptions, entropyMany } from './entropy.ts';

/** What each frame holds by itself, at one bandwidth. */
export interface FrameEntropies {
  /** h, 1/Å */
  readonly bandwidth: number;
  /** H of each frame (frames), nats; NaN for a frame without environments. */
  readonly entropy: Float64Array;
  /** D of each frame (frames), nats; NaN for a frame without environments. */
  readonly diversity: Float64Array;
  /** ln n of each frame (frames), nats; NaN for a frame without environments. */
  readonly maxEntropy: Float64Array;
}

const STAGE = 'frame entropies';
const UNIT = 'environments';

/**
 * Information entropy and diversity of each frame by itself: {@link entropyMany} of its own environments.
 *
 *     H_f = −(1/n_f) Σ_{i∈f} ln[ (1/n_f) Σ_{j∈f} K_ij ]
 *
 * The cost is Σ_f n_f², not n². Frames are spread over ranks; each is computed whole by one of them.
 *
 * @param x        (n×d) row-major, 1/Å, the environments of all frames below one another
 * @param offsets  (frames+1): frame f holds the rows offsets[f] … offsets[f + 1] − 1
 * @returns for each bandwidth, in their order, one number per frame; the same bits for any number of threads and ranks
 * @throws {SurprisalError} EMPTY_INPUT, INVALID_BANDWIDTH, INVALID_ARGUMENT, BACKEND_UNAVAILABLE, OUT_OF_MEMORY,
 *   ABORTED
 *
 * @example
 * const [frames] = await frameEntropies(x, Uint32Array.of(0, 21, 42), { bandwidths: [0.015] });
 * frames.entropy.length; // 2
 */
export async function frameEntropies(
  x: Matrix,
  offsets: Uint32Array,
  options: EntropyManyOptions,
): Promise<FrameEntropies[]> {
  checkOffsets(offsets, x.rows);
  if (x.rows === 0) throw new SurprisalError('EMPTY_INPUT', 'there is no environment; an entropy needs at least one');
  const communicator = communicatorOf(options);
  const frames = offsets.length - 1;
  const first = Math.floor((frames * communicator.rank) / communicator.size);
  const last = Math.floor((frames * (communicator.rank + 1)) / communicator.size);
  const rows = offsets[last]! - offsets[first]!;
  const own = options.bandwidths.map(() => new Float64Array(3 * (last - first)).fill(Number.NaN));
  const breathe = cooperate(STAGE, rows, UNIT, options);
  for (let frame = first; frame < last; frame++) {
    const [start, end] = [offsets[frame]!, offsets[frame + 1]!];
    const done = start - offsets[first]!;
    await breathe(done);
    if (start === end) continue;
    const results = await entropyMany(matrixRows(x, start, end), {
      ...options,
      communicator: undefined,
      // A frame of a million atoms takes long by itself.
      onProgress:
        options.onProgress &&
        ((part) => options.onProgress?.({ stage: STAGE, done: done + part.done, total: rows, unit: UNIT })),
    });
    for (const [b, { entropy, diversity, maxEntropy }] of results.entries()) {
      own[b]!.set([entropy, diversity, maxEntropy], 3 * (frame - first));
    }
  }
  const gathered: FrameEntropies[] = [];
  for (const [b, bandwidth] of options.bandwidths.entries()) {
    const table = await communicator.allGather(own[b]!);
    const column = (c: number) => Float64Array.from({ length: frames }, (_, frame) => table[3 * frame + c]!);
    gathered.push({ bandwidth, entropy: column(0), diversity: column(1), maxEntropy: column(2) });
  }
  return gathered;
}
