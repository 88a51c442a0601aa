export { type KernelSumManyOptions, type KernelSumOptions, logKernelSum, logKernelSumMany } from './log-kernel-sum.ts';
