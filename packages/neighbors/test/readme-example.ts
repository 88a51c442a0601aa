import { createStructure } from '@surprisal/core';
import { nearestNeighbors, neighborList } from '@surprisal/neighbors';

const copper = createStructure({
  positions: Float64Array.of(0, 0, 0),
  species: 'Cu',
  cell: Float64Array.of(0, 1.8075, 1.8075, 1.8075, 0, 1.8075, 1.8075, 1.8075, 0),
});
const list = await neighborList(copper, { cutoff: 5 });
export const pairs = list.indices.length; // 42: images of the one atom, 12 + 6 + 24
const nearest = await nearestNeighbors([copper], { k: 32, cutoff: 5 });
export const farthest = nearest.distances[31] ?? Number.NaN; // 4.427 Å, where nearest.gaps[0] shows a tie
