export type {
  FloatArray,
  NativeAddon,
  NativeColumn,
  NativeJob,
  NativeKernelSumOptions,
  NativeNearest,
  NativeNearestReferences,
  NativeNeighborList,
  NativeQuestsFrame,
  NativeRowOrder,
  NativeRows,
  NativeRowWindows,
  NativeTextField,
  StructureBatch,
} from './addon.ts';
export { availableMemory, type MemoryLimit } from './available-memory.ts';
export { availableThreads, type ThreadLimit, threadLimit } from './available-threads.ts';
export { addonPath, type LoadedAddon, loadAddon } from './load-addon.ts';
export { type RunJobOptions, runJob } from './run-job.ts';
export { type Backend, onFallback, type SelectBackendOptions, selectBackend } from './select-backend.ts';
export type { Surroundings } from './surroundings.ts';
