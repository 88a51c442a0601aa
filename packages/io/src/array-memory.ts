import { SurprisalError } from '@surprisal/core';

/** Makes memory full of zeros for arrays; a RangeError where there is none. */
export type ArrayMemory = (bytes: number) => ArrayBuffer;

export const ordinaryMemory: ArrayMemory = (bytes) => new ArrayBuffer(bytes);

type Values = Float64Array | BigInt64Array | Uint8Array | Uint16Array | Uint32Array | Int32Array;

export interface ArrayKind<T extends Values> {
  new (buffer: ArrayBuffer): T;
  readonly BYTES_PER_ELEMENT: number;
}

/**
 * An array in such memory.
 *
 * @throws {SurprisalError} OUT_OF_MEMORY
 */
export function arrayIn<T extends Values>(memory: ArrayMemory, kind: ArrayKind<T>, length: number): T {
  try {
    return new kind(memory(length * kind.BYTES_PER_ELEMENT));
  } catch (cause) {
    throw new SurprisalError('OUT_OF_MEMORY', `no memory for ${length} values of a column`, { cause });
  }
}
