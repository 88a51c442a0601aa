export { type ExpandInputsOptions, expandInputs, type InputPath } from './expand-inputs.ts';
export { isMatrixFile, type MatrixFileKind, matrixFileKind } from './matrix-file.ts';
export { type OpenOptions, openStructures } from './open-structures.ts';
export { type MatrixFile, matrixPrecision, openMatrix, readMatrix } from './read-matrix.ts';
export { removeUnfinishedFiles } from './unfinished-files.ts';
export { type FileSink, type WriteOptions, writeFileSafely } from './write-file-safely.ts';
export { type WriteMatrixOptions, writeArrayBlocks, writeArrays, writeMatrix } from './write-matrix.ts';
export { type WriteStructuresOptions, writeStructures } from './write-structures.ts';
