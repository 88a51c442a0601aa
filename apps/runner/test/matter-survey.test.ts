import { createStructure } from '@surprisal/core';
import { describe, expect, it } from 'vitest';
import { MatterSurvey } from '../src/matter-survey.ts';

/** Two atoms in a cube, periodic along all axes or along two. */
function cube(volume: number, isOpen = false) {
  const edge = Math.cbrt(volume);
  return createStructure({
    positions: Float64Array.of(0, 0, 0, edge / 2, edge / 2, edge / 2),
    species: ['Cu', 'Cu'],
    cell: Float64Array.of(edge, 0, 0, 0, edge, 0, 0, 0, edge),
    pbc: [true, true, !isOpen],
  });
}

/** Neighbours of the atoms of full matter of 10 Å³ per atom within 5 Å. */
const FULL = Math.round(((4 / 3) * Math.PI * 5 ** 3) / 10);

function surveyOf(...volumes: readonly number[]): MatterSurvey {
  const survey = new MatterSurvey();
  for (const volume of volumes) survey.addStructure(cube(volume));
  survey.addNeighbors(new Uint32Array(2 * volumes.length).fill(FULL));
  return survey;
}

describe('the volume of matter', () => {
  it('is that of cells which it fills', () => {
    expect(surveyOf(20, 22).volume()).toEqual({ volume: 10.5, source: 'from 10.5 Å³ per atom' });
  });

  it('does not count the vacuum of slabs among them', () => {
    const survey = surveyOf(20, 20, 40);
    expect(survey.volume()).toMatchObject({ source: expect.stringMatching(/without 1 frame whose cells are partly/) });
    expect(survey.volume()).toHaveProperty('volume', expect.closeTo(10, 12));
    expect(survey.volumes().summary()?.mean).toBeCloseTo(40 / 3, 12);
    expect(survey.ofFrames([0, 1]).volume()).toMatchObject({ source: 'from 10 Å³ per atom' });
    expect(survey.ofFrames([2]).volume()).toMatchObject({ unknown: expect.stringMatching(/a part of it is empty/) });
  });

  it('is not known of slabs alone, of open frames, and of nothing', () => {
    expect(surveyOf(20, 40, 40).volume()).toMatchObject({ unknown: expect.stringMatching(/a part of it is empty/) });
    const open = surveyOf(20);
    open.addStructure(cube(20, true));
    open.addNeighbors(Uint32Array.of(FULL, FULL));
    expect(open.volume()).toMatchObject({ unknown: expect.stringMatching(/not every frame is periodic/) });
    expect(new MatterSurvey().volume()).toMatchObject({ unknown: 'there are no atoms' });
  });
});
