export { checkCutoff, checkNeighborCount } from './check-arguments.ts';
export { nearestNeighbors } from './nearest-neighbors.ts';
export { neighborList } from './neighbor-list.ts';
export { coincidentAtoms, type Neighborhood, type NeighborSearch, neighborSearch } from './neighbor-search.ts';
export type {
  NearestNeighbors,
  NearestNeighborsOptions,
  NeighborList,
  NeighborListOptions,
} from './neighbors-backend.ts';
export { type RunBatchesOptions, type RunPartsOptions, runBatches, runParts } from './run-batches.ts';
export type { PackedStructures } from './structure-batches.ts';
