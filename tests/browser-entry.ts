/** Everything that a page may import. */
export * as core from '@surprisal/core';
export * as descriptors from '@surprisal/descriptors';
export * as entropy from '@surprisal/entropy';
export * as io from '@surprisal/io';
/** A descriptor from outside of the packages. */
export { radialDensity } from '../examples/custom-descriptor/radial-density.mjs';
