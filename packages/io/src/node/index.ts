export { isMatrixFile } from './matrix-file.ts';
export { type OpenOptions, openStructures } from './open-structures.ts';
export { readMatrix } from './read-matrix.ts';
export { type FileSink, type WriteOptions, writeFileSafely } from './write-file-safely.ts';
export { type WriteMatrixOptions, writeMatrix } from './write-matrix.ts';
export { writeStructures } from './write-structures.ts';
