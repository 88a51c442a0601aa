import { setTimeout as sleep } from 'node:timers/promises';
import { SurprisalError, throwIfAborted } from '@surprisal/core';
import { describe, expect, it } from 'vitest';
import { Allowance } from '../src/allowance.ts';
import { runPipeline } from '../src/pipeline.ts';

const never = new AbortController().signal;

/** A source that says how far it is, and whether it was told to end. */
function source(count: number, signal?: AbortSignal) {
  const state = { made: 0, ended: false };
  async function* items(): AsyncGenerator<number, void> {
    try {
      for (let i = 0; i < count; i++) {
        await sleep(0, undefined, { signal });
        state.made++;
        yield i;
      }
    } finally {
      state.ended = true;
    }
  }
  return { state, items: items() };
}

async function* mapped<A, B>(items: AsyncIterable<A>, work: (item: A) => Promise<B>): AsyncGenerator<B, void> {
  for await (const item of items) yield await work(item);
}

describe('a pipeline', () => {
  it('hands every item on, in order, and lets stages work at the same time', async () => {
    const taken: number[] = [];
    let together = 0;
    const atWork = new Set<string>();
    const working = async <T>(stage: string, item: T): Promise<T> => {
      atWork.add(stage);
      together = Math.max(together, atWork.size);
      await sleep(2);
      atWork.delete(stage);
      return item;
    };
    await runPipeline(never, async ({ ahead }) => {
      const read = ahead(source(30).items, 1);
      const described = ahead(
        mapped(read, (item) => working('describe', item)),
        1,
      );
      const summed = ahead(
        mapped(described, (item) => working('sum', 2 * item)),
        1,
      );
      for await (const item of summed) taken.push(await working('write', item));
    });
    expect(taken).toEqual(Array.from({ length: 30 }, (_, i) => 2 * i));
    expect(together).toBe(3);
  });

  it('rests where the last stage is slower than everything', async () => {
    const { state, items } = source(1000);
    let most = 0;
    await runPipeline(never, async ({ ahead }) => {
      let taken = 0;
      for await (const _ of ahead(
        mapped(ahead(items, 1), async (item) => item),
        2,
      )) {
        await sleep(5);
        taken++;
        most = Math.max(most, state.made - taken);
        if (taken === 20) return;
      }
    });
    // One waits in the first queue, one is in the stage between, two wait in the second queue.
    expect(most).toBeLessThanOrEqual(4);
    expect(state.made).toBeLessThanOrEqual(24);
    expect(state.ended).toBe(true);
  });

  it.each([0, 1, 2])('stops every stage where stage %i fails, and reports that failure', async (failing) => {
    const ended = [false, false, false];
    const failure = new SurprisalError('PARSE_ERROR', `stage ${failing}`);
    const stage = async function* (number: number, items: AsyncIterable<number>, signal: AbortSignal) {
      try {
        for await (const item of items) {
          throwIfAborted(signal);
          if (number === failing && item === 5) throw failure;
          yield item;
        }
      } finally {
        ended[number] = true;
      }
    };
    const { state, items } = source(1000);
    const taken: number[] = [];
    const work = runPipeline(never, async ({ ahead, signal }) => {
      let chain: AsyncIterable<number> = ahead(items, 1);
      for (const number of [0, 1, 2]) chain = ahead(stage(number, chain, signal), 1);
      for await (const item of chain) taken.push(item);
    });
    await expect(work).rejects.toBe(failure);
    expect(ended).toEqual([true, true, true]);
    expect(state.ended).toBe(true);
    expect(taken.length).toBeLessThanOrEqual(5);
    expect(state.made).toBeLessThan(20);
  });

  it('reports what the taker throws, and not the interruptions that follow', async () => {
    const failure = new Error('the disk is full');
    const { state, items } = source(1000, undefined);
    const work = runPipeline(never, async ({ ahead, signal }) => {
      const busy = mapped(ahead(items, 1), async (item) => {
        await sleep(1, undefined, { signal });
        return item;
      });
      for await (const item of ahead(busy, 1)) if (item === 3) throw failure;
    });
    await expect(work).rejects.toBe(failure);
    expect(state.ended).toBe(true);
  });

  it('ends when it is interrupted, wherever it is', async () => {
    for (const waitingIn of ['source', 'stage', 'taker']) {
      const controller = new AbortController();
      const waits = (name: string, signal: AbortSignal) =>
        name === waitingIn ? sleep(60_000, undefined, { signal }).catch(() => throwIfAborted(signal)) : sleep(0);
      const work = runPipeline(controller.signal, async ({ ahead, signal }) => {
        async function* items() {
          for (let i = 0; i < 100; i++) {
            await waits('source', signal);
            yield i;
          }
        }
        const staged = mapped(ahead(items(), 1), async (item) => {
          await waits('stage', signal);
          return item;
        });
        for await (const _ of ahead(staged, 1)) await waits('taker', signal);
      });
      setTimeout(() => controller.abort(new Error('SIGINT')), 20);
      await expect(work).rejects.toMatchObject({ code: 'ABORTED' });
    }
    const aborted = AbortSignal.abort();
    await expect(runPipeline(aborted, async () => 1)).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('an allowance', () => {
  it('lets in what fits, and anything where nothing is held', async () => {
    const frames = new Allowance(10);
    expect(frames.fits(100)).toBe(true);
    frames.take(7);
    expect([frames.fits(3), frames.fits(4)]).toEqual([true, false]);
    let isIn = false;
    const waiting = frames.room(4, never).then(() => {
      isIn = true;
    });
    await sleep(5);
    expect(isIn).toBe(false);
    frames.free(7);
    await waiting;
    expect(isIn).toBe(true);
  });

  it('does not wait for ever', async () => {
    const frames = new Allowance(1);
    frames.take(1);
    const controller = new AbortController();
    const waiting = frames.room(1, controller.signal);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
