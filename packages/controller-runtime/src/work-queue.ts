import type { Cancel, Scheduler } from "./scheduler.ts";

export interface WorkQueueOptions {
  readonly scheduler: Scheduler;
  /** How many keys are worked on at once. */
  readonly concurrency: number;
  readonly backoff: Backoff;
  /** Works on one key. Must not reject. */
  readonly work: (key: string) => Promise<void>;
}

/** `baseMs`, doubled with every failure in a row, at most `maxMs`. */
export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

export function backoffMs({ baseMs, maxMs }: Backoff, failures: number): number {
  // 2**1023 is the largest finite power; the cap makes more failures than that look the same.
  return Math.min(baseMs * 2 ** Math.min(failures, 1000), maxMs);
}

/**
 * Keys that wait to be worked on, first in first out, each at most once. A key that is added while it is worked on is
 * worked on again afterwards, never at the same time (client-go's work queue).
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #waiting = new Set<string>();
  readonly #working = new Set<string>();
  /** Keys that came in again while they were worked on. */
  readonly #again = new Set<string>();
  readonly #timers = new Map<string, { at: number; cancel: Cancel }>();
  readonly #failures = new Map<string, number>();
  #stopped = false;
  #startQueued = false;
  #onDrained: (() => void) | undefined;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that wait for a worker. */
  get depth(): number {
    return this.#waiting.size + this.#again.size;
  }

  get working(): number {
    return this.#working.size;
  }

  add(key: string): void {
    if (this.#stopped) return;
    if (this.#working.has(key)) this.#again.add(key);
    else {
      this.#waiting.add(key);
      this.#startSoon();
    }
  }

  /** Adds the key later; of several times asked for, the earliest counts. */
  addAfter(key: string, ms: number): void {
    if (this.#stopped) return;
    const at = this.#options.scheduler.now() + ms;
    const timer = this.#timers.get(key);
    if (timer !== undefined && timer.at <= at) return;
    timer?.cancel();
    const cancel = this.#options.scheduler.schedule(ms, () => {
      this.#timers.delete(key);
      this.add(key);
    });
    this.#timers.set(key, { at, cancel });
  }

  /** Adds the key after its back-off, which doubles until `forget`. */
  addAfterFailure(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.addAfter(key, backoffMs(this.#options.backoff, failures));
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Takes no more keys; resolves when the work in flight has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    this.#again.clear();
    for (const { cancel } of this.#timers.values()) cancel();
    this.#timers.clear();
    if (this.#working.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
    });
  }

  /** From a microtask, so that a burst of events for one key is one piece of work. */
  #startSoon(): void {
    if (this.#startQueued) return;
    this.#startQueued = true;
    queueMicrotask(() => {
      this.#startQueued = false;
      for (const key of this.#waiting) {
        if (this.#working.size >= this.#options.concurrency) return;
        this.#waiting.delete(key);
        this.#working.add(key);
        void this.#work(key);
      }
    });
  }

  async #work(key: string): Promise<void> {
    try {
      await this.#options.work(key);
    } finally {
      this.#working.delete(key);
      if (this.#again.delete(key)) this.#waiting.add(key);
      if (this.#waiting.size > 0) this.#startSoon();
      if (this.#stopped && this.#working.size === 0) this.#onDrained?.();
    }
  }
}
