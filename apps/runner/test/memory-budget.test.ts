import { describe, expect, it } from 'vitest';
import { MemoryBudget } from '../src/memory-budget.ts';

const MIB = 2 ** 20;

/** MiB that a refusal asks for. */
function asked(work: () => void): number | undefined {
  try {
    work();
  } catch (error) {
    return Number(/give --memory (\d+)M/.exec((error as Error).message)?.[1]);
  }
  return undefined;
}

describe('MemoryBudget', () => {
  it('asks for what is enough where claims are shares of the memory, and for no more', () => {
    const work = (mebibytes: number) => () => {
      const budget = new MemoryBudget(mebibytes * MIB, '--memory');
      const shareOfAll = ({ all }: { all: number }) => Math.max(3 * MIB, Math.min(200 * MIB, all / 8));
      const shareOfRest = ({ left }: { left: number }) => left / 8;
      budget.claim('chunks', shareOfAll({ all: budget.left }), 'chunks', { grows: shareOfAll });
      budget.claim('test frames', shareOfRest(budget), 'frames', { grows: shareOfRest });
      budget.claim('queries', budget.left / 2, 'queries', { grows: ({ left }) => left / 2 });
      const frames = Math.max(155 * MIB, shareOfRest({ left: budget.left }));
      budget.claim('test frames', frames, 'a frame', { grows: ({ before }) => before });
      budget.claim('results', 40 * MIB, 'results');
    };
    for (const little of [160, 164, 200, 330, 400]) {
      let needed = asked(work(little)) as number;
      // Of the three kinds, those that come later are known only once the earlier ones have room.
      for (let more = asked(work(needed)), turn = 0; more !== undefined; more = asked(work(needed)), turn++) {
        expect(turn).toBeLessThan(3);
        needed = more;
      }
      expect(asked(work(needed - 3))).toBeDefined();
    }
  });

  it('tells frames of both sides apart, and gives back what was released', () => {
    const budget = new MemoryBudget(500 * MIB, '--memory');
    budget.claim('reference frames', 155 * MIB, 'a frame');
    expect(asked(() => budget.claim('test frames', 200 * MIB, 'a frame'))).toBe(515);
    budget.release('reference frames');
    expect(budget.left).toBe(140 * MIB);
  });
});
