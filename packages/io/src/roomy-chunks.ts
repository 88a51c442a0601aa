/** Buffers of which all of the room in front of a chunk may be written over. */
const roomy = new WeakSet<ArrayBufferLike>();

/**
 * Memory for chunks of bytes with room in front of them, so that the beginning of a line that the chunk before ends with can
 * be put there, and nothing else is copied. It is shared, so that native code reads it in place.
 */
export function roomyMemory(bytes: number): Uint8Array {
  const memory = new Uint8Array(new SharedArrayBuffer(bytes));
  roomy.add(memory.buffer);
  return memory;
}

/** Bytes in front of a chunk that may be written over; undefined where its memory is not {@link roomyMemory}, so that none of it may be. */
export function roomBefore(chunk: Uint8Array): number | undefined {
  return roomy.has(chunk.buffer) ? chunk.byteOffset : undefined;
}
