export { DEFAULT_SKIP_BELOW, type KernelSumAccuracy } from './kernel-sum-task.ts';
export {
  type KernelSumManyOptions,
  type KernelSumOptions,
  logKernelSum,
  logKernelSumMany,
  logSelfKernelSumMany,
  type SelfKernelSumManyOptions,
} from './log-kernel-sum.ts';
export { leaveOneOut, type RowWindows } from './row-windows.ts';
