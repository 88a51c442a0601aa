export type {
  FloatArray,
  NativeAddon,
  NativeJob,
  NativeKernelSumOptions,
  NativeNearest,
  NativeNeighborList,
  NativeRowWindows,
  StructureBatch,
} from './addon.ts';
export { availableThreads } from './available-threads.ts';
export { addonPath, type LoadedAddon, loadAddon } from './load-addon.ts';
export { type RunJobOptions, runJob } from './run-job.ts';
export { type Backend, onFallback, type SelectBackendOptions, selectBackend } from './select-backend.ts';
