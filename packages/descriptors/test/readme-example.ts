import { createStructure } from '@surprisal/core';
import { multicomponent, quests, speciesOf } from '@surprisal/descriptors';

const water = createStructure({
  positions: Float64Array.of(0, 0, 0.1173, 0, 0.7572, -0.4692, 0, -0.7572, -0.4692),
  species: ['O', 'H', 'H'],
});
const descriptor = quests({ k: 32, cutoff: 5 });
const x = await descriptor.compute([water]);
export const shape = `${x.rows}×${x.columns}`; // 3×63
export const nearest = x.data[0]; // X1 of oxygen: w(r)/r of its nearest hydrogen, 0.969 1/Å
export const species = speciesOf([water]); // H, O
export const { columns } = multicomponent({ species }); // 189: all atoms, H among H, O among O
