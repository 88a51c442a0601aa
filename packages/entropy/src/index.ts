export { DEFAULT_SKIP_BELOW, type KernelSumAccuracy } from '@surprisal/kernels';
export {
  type BandwidthFromNeighborsOptions,
  bandwidthFromNeighbors,
  type NeighborBandwidth,
} from './bandwidth-from-neighbors.ts';
export { type BandwidthRule, bandwidthFromVolume } from './bandwidth-from-volume.ts';
export { type BandwidthScanOptions, type BandwidthScanRow, bandwidthScan } from './bandwidth-scan.ts';
export { compareSamples } from './compare-samples.ts';
export { type CompareSetsOptions, compareSets, type SetComparison, type SetMaps } from './compare-sets.ts';
export {
  DEFAULT_BANDWIDTH,
  DEFAULT_EPSILON,
  DEFAULT_FRACTIONS,
  DEFAULT_PROJECTIONS,
  DEFAULT_REPEATS,
  DEFAULT_SEED,
  DEFAULT_UNDERSAMPLED,
} from './defaults.ts';
export { differentialEntropy, differentialEntropyMany } from './differential-entropy.ts';
export { type DivergenceResult, divergence, divergenceMany, ISOLATION_BANDWIDTHS } from './divergence.ts';
export {
  type EntropyManyOptions,
  type EntropyOptions,
  type EntropyResult,
  entropy,
  entropyMany,
  type MetricsResult,
  metrics,
} from './entropy.ts';
export {
  type EntropyEstimate,
  type EstimateEntropyManyOptions,
  type EstimateEntropyOptions,
  estimateEntropy,
  estimateEntropyMany,
  type SamplingError,
} from './estimate-entropy.ts';
export {
  type ExpectedNeighborsOptions,
  expectedNeighbors,
  type NeighborRadiusOptions,
  neighborRadius,
  suggestedNeighbors,
} from './expected-neighbors.ts';
export {
  type Asymptote,
  type CurvePoint,
  type FitAsymptoteOptions,
  fitAsymptote,
  type UndeterminedAsymptote,
} from './fit-asymptote.ts';
export { type FrameEntropies, frameEntropies } from './frame-entropies.ts';
export { type InformationGap, informationGap } from './information-gap.ts';
export { joinSurprisals } from './join-surprisals.ts';
export {
  type Duplicates,
  type EnvironmentPair,
  type FramePair,
  type LeakageOptions,
  type LeakageResult,
  leakage,
  type Repetitions,
} from './leakage.ts';
export {
  type LearningCurve,
  type LearningCurveOptions,
  type LearningCurvePoint,
  learningCurve,
  type Spread,
  type SubsetUnit,
} from './learning-curve.ts';
export { novelty, overlap } from './overlap.ts';
export {
  type NeighborhoodParameters,
  type SensitivityOptions,
  type SensitivityParameter,
  type SensitivityResult,
  type SensitivityRow,
  sensitivity,
} from './sensitivity.ts';
export { type SlicedWassersteinOptions, slicedWasserstein } from './sliced-wasserstein.ts';
export { type Summary, summarize } from './summarize.ts';
export { type SamplingJudgement, undersampled } from './undersampled.ts';
