/** Whether a path names a file of a matrix: `.npy` or `.npz`, in any case of letters. */
export function isMatrixFile(path: string): boolean {
  return matrixFileKind(path) !== undefined;
}

/** The kind of matrix file that a path names. */
export function matrixFileKind(path: string): 'npy' | 'npz' | undefined {
  const extension = /\.(npy|npz)$/i.exec(path)?.[1]?.toLowerCase();
  return extension === 'npy' || extension === 'npz' ? extension : undefined;
}
