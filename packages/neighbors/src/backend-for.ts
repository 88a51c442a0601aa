import { type Context, fromNativeError } from '@surprisal/core';
import { type Backend, selectBackend } from '@surprisal/native';
import { nativeNeighbors } from './native.ts';
import type { NeighborsBackend } from './neighbors-backend.ts';
import { referenceNeighbors } from './reference.ts';

/**
 * @throws {SurprisalError} BACKEND_UNAVAILABLE, INVALID_ARGUMENT
 */
export function backendFor(context: Context): NeighborsBackend {
  const backend = selected(context);
  return backend.name === 'native' ? nativeNeighbors(backend) : referenceNeighbors;
}

function selected(context: Context): Backend {
  try {
    return selectBackend(context);
  } catch (error) {
    throw fromNativeError(error);
  }
}
