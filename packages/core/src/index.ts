export { BLOCK_ROWS, ownedRows, type RowRange, sumOverRows } from './blocks.ts';
export { checkDescriptor, checkDescriptorMatrix, checkDescriptorPart } from './check-descriptor.ts';
export { type Communicator, serialCommunicator } from './communicator.ts';
export {
  type BackendPreference,
  type Context,
  communicatorOf,
  cooperate,
  type Progress,
  throwIfAborted,
} from './context.ts';
export type { Descriptor, DescriptorContext, DescriptorPart, Precision } from './descriptor.ts';
export type {
  DescriptorFactory,
  DescriptorModule,
  OptionsSchema,
  SchemaIssue,
  SchemaResult,
} from './descriptor-module.ts';
export { createMatrix, type Matrix, matrixRows, selectRows, sharedBuffer, stackMatrices } from './matrix.ts';
export { type RandomSequence, randomSequence } from './random.ts';
export {
  atomCount,
  type Column,
  cellVolume,
  createStructure,
  type InfoValue,
  type Pbc,
  type Species,
  type Structure,
  type StructureInit,
} from './structure.ts';
export {
  type ErrorCode,
  fromNativeError,
  oneLine,
  ParseError,
  type ParseErrorPlace,
  SurprisalError,
  type SurprisalErrorOptions,
} from './surprisal-error.ts';
