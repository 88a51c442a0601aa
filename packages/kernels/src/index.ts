export { type KernelSumManyOptions, type KernelSumOptions, logKernelSum, logKernelSumMany } from './log-kernel-sum.ts';
export { leaveOneOut, type RowWindows } from './row-windows.ts';
