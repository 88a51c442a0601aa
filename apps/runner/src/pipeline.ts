import { throwIfAborted } from '@surprisal/core';

/** Stages of work that run at the same time and end together. */
export interface Pipeline {
  /** For all that stages call: fires where one of them failed, all is done, or the work was interrupted. */
  readonly signal: AbortSignal;
  /**
   * Lets a stage work ahead of whoever takes what it gives. It rests while `capacity` items wait to be taken, so a slow
   * taker holds up all that stands before it, and memory stays bounded.
   *
   * @param capacity  items, 1 or more; the one that the taker works on is not among them
   */
  ahead<Item>(stage: AsyncIterable<Item>, capacity: number): AsyncGenerator<Item, void>;
}

/**
 * Runs work that is made of stages. Where one of them fails, all are stopped, and what is thrown is that first failure,
 * not the interruptions that it caused. Nothing goes on behind the back of the caller: every stage has ended before.
 *
 * @param outer  interrupts the work with an ABORTED error
 * @param work   chains stages with `ahead` and takes what the last of them gives
 *
 * @example
 * await runPipeline(signal, async ({ ahead, signal: inner }) => {
 *   for await (const chunk of ahead(described(ahead(frames(inner), 2), inner), 1)) await write(chunk);
 * });
 */
export async function runPipeline<Result>(
  outer: AbortSignal,
  work: (pipeline: Pipeline) => Promise<Result>,
): Promise<Result> {
  throwIfAborted(outer);
  const controller = new AbortController();
  const { signal } = controller;
  const stages: Promise<void>[] = [];
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown) => {
    failure ??= { error };
    controller.abort(error);
  };
  const interrupt = () => controller.abort(outer.reason);
  outer.addEventListener('abort', interrupt, { once: true });
  try {
    return await work({
      signal,
      ahead: (stage, capacity) => {
        const queue = new Queue<typeof stage extends AsyncIterable<infer Item> ? Item : never>(capacity, signal);
        stages.push(queue.fill(stage, fail));
        return queue.items();
      },
    });
  } catch (error) {
    fail(error);
    throw (failure as unknown as { readonly error: unknown }).error;
  } finally {
    outer.removeEventListener('abort', interrupt);
    controller.abort();
    await Promise.all(stages);
  }
}

/** Items on the way from one stage to the next. */
class Queue<Item> {
  readonly #capacity: number;
  readonly #signal: AbortSignal;
  readonly #waiting: Item[] = [];
  /** Those who wait for the queue to change. */
  #sleepers: (() => void)[] = [];
  #isFull = false;
  /** Whether nobody takes items any more. */
  #isLeft = false;
  readonly #wake = (): void => {
    for (const wake of this.#sleepers.splice(0)) wake();
  };

  constructor(capacity: number, signal: AbortSignal) {
    this.#capacity = capacity;
    this.#signal = signal;
    signal.addEventListener('abort', this.#wake);
  }

  /** @param fail  told what the stage throws, before anyone could take the end of its items for the end of its work */
  async fill(stage: AsyncIterable<Item>, fail: (error: unknown) => void): Promise<void> {
    const items = stage[Symbol.asyncIterator]();
    try {
      for (;;) {
        while (this.#waiting.length >= this.#capacity && !this.#isLeft && !this.#signal.aborted) await this.#change();
        throwIfAborted(this.#signal);
        if (this.#isLeft) return;
        const next = await items.next();
        if (next.done) return;
        this.#waiting.push(next.value);
        this.#wake();
      }
    } catch (error) {
      fail(error);
    } finally {
      // An error of a stage that is told to end says no more than the one for which it ends.
      await items.return?.().catch(() => undefined);
      this.#isFull = true;
      this.#wake();
    }
  }

  async *items(): AsyncGenerator<Item, void> {
    try {
      for (;;) {
        while (this.#waiting.length === 0 && !this.#isFull && !this.#signal.aborted) await this.#change();
        throwIfAborted(this.#signal);
        if (this.#waiting.length === 0) return;
        const item = this.#waiting.shift() as Item;
        this.#wake();
        yield item;
      }
    } finally {
      this.#isLeft = true;
      this.#signal.removeEventListener('abort', this.#wake);
      this.#wake();
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#sleepers.push(resolve));
  }
}
