import { expect, it } from 'vitest';
import { makeCases } from '../src/cases.ts';
import { measure } from '../src/measure.ts';

it('every benchmark runs', async () => {
  const { cases, dispose } = await makeCases('smoke', 2);
  try {
    for (const { name, median } of await measure(cases, 1)) expect(median, name).toBeGreaterThan(0);
  } finally {
    await dispose();
  }
});
