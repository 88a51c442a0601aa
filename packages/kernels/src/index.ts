export { DEFAULT_SKIP_BELOW, type KernelSumAccuracy } from './kernel-sum-task.ts';
export {
  type KernelSumManyOptions,
  type KernelSumOptions,
  logKernelSum,
  logKernelSumMany,
  logSelfKernelSumMany,
  type SelfKernelSumManyOptions,
} from './log-kernel-sum.ts';
export { type NearestReferencesOptions, nearestReferences } from './nearest-references.ts';
export { type NearestReferences, NO_REFERENCE } from './nearest-task.ts';
export { leaveOneOut, type RowWindows } from './row-windows.ts';
