import { createStructure, type Structure } from '@surprisal/core';
import type { RandomStream } from './random-stream.ts';

/**
 * A rotation matrix (3×3, row-major), uniform over all rotations: that of a unit quaternion from four normal numbers.
 */
export function randomRotation(random: RandomStream): Float64Array {
  const q = [random.gaussian(), random.gaussian(), random.gaussian(), random.gaussian()];
  const norm = Math.hypot(...q);
  const [w, x, y, z] = q.map((component) => component / norm) as [number, number, number, number];
  return Float64Array.of(
    1 - 2 * (y * y + z * z),
    2 * (x * y - w * z),
    2 * (x * z + w * y),
    2 * (x * y + w * z),
    1 - 2 * (x * x + z * z),
    2 * (y * z - w * x),
    2 * (x * z - w * y),
    2 * (y * z + w * x),
    1 - 2 * (x * x + y * y),
  );
}

/**
 * The structure turned in space, its cell with it: r' = R r for positions and cell vectors. Per-atom columns and values
 * of the frame are left out.
 *
 * @param rotation  (3×3) row-major
 */
export function rotate(structure: Structure, rotation: Float64Array): Structure {
  const { positions, species, cell, pbc } = structure;
  return createStructure({
    positions: rotateVectors(positions, rotation),
    species,
    cell: cell && rotateVectors(cell, rotation),
    pbc,
  });
}

/** The structure moved by a vector in Å; its cell stays. Per-atom columns and values of the frame are left out. */
export function translate(structure: Structure, vector: ArrayLike<number>): Structure {
  const { species, cell, pbc } = structure;
  const positions = structure.positions.map((coordinate, i) => coordinate + (vector[i % 3] as number));
  return createStructure({ positions, species, cell, pbc });
}

function rotateVectors(vectors: Float64Array, rotation: Float64Array): Float64Array {
  return vectors.map((_, i) => {
    const first = i - (i % 3);
    let sum = 0;
    for (let axis = 0; axis < 3; axis++) {
      sum += (rotation[3 * (i % 3) + axis] as number) * (vectors[first + axis] as number);
    }
    return sum;
  });
}
