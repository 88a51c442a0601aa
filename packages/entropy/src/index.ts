export { type BandwidthRule, bandwidthFromVolume } from './bandwidth-from-volume.ts';
export { DEFAULT_BANDWIDTH, DEFAULT_EPSILON } from './defaults.ts';
export { differentialEntropy, differentialEntropyMany } from './differential-entropy.ts';
export {
  type EntropyManyOptions,
  type EntropyOptions,
  type EntropyResult,
  entropy,
  entropyMany,
} from './entropy.ts';
export { type FrameEntropies, frameEntropies } from './frame-entropies.ts';
export { novelty, overlap } from './overlap.ts';
export { type Summary, summarize } from './summarize.ts';
