import { AsyncLocalStorage } from "node:async_hooks";
import type { Cancel, Scheduler } from "./scheduler.ts";
import { TimerQueue } from "./timer-queue.ts";

/** A piece of work in flight. It is blocked, not busy, while it waits on the clock or on work that it started. */
interface Task {
  waits: number;
}

/**
 * Time that moves only when told to, and only while nothing is left to do. Timers fire one at a time, in the order of
 * their times and then of their making, and everything that follows from one is done before the next: runs with the
 * same input are the same runs. No real timers are used, so an hour takes as long as its work.
 */
export class VirtualScheduler implements Scheduler {
  #now: number;
  #advancing = false;
  #tracked = 0;
  #onChange: (() => void) | undefined;
  readonly #timers = new TimerQueue();
  readonly #tasks = new Set<Task>();
  /** Says which task a wait on the clock belongs to. */
  readonly #current = new AsyncLocalStorage<Task | undefined>();

  /** `start` in milliseconds since the Unix epoch. */
  constructor(start: number) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  /** When the next timer fires; undefined when none is set. */
  get nextTimerAt(): number | undefined {
    return this.#timers.nextAt;
  }

  /** Does all that can be done at the present moment. */
  runUntilIdle(): Promise<void> {
    return this.advanceTo(this.#now);
  }

  /** Moves to `time`, doing on the way all that falls due. */
  async advanceTo(time: number): Promise<void> {
    await this.#advance(time, () => false);
  }

  advanceBy(ms: number): Promise<void> {
    return this.advanceTo(this.#now + ms);
  }

  /**
   * Moves from timer to timer until `condition` holds, looked at whenever all is idle; at most to `deadline`. Says whether
   * it came to hold.
   */
  advanceUntil(condition: () => boolean | Promise<boolean>, deadline: number): Promise<boolean> {
    return this.#advance(deadline, condition);
  }

  after(ms: number, signal?: AbortSignal): Promise<void> {
    const task = this.#current.getStore();
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const settle = (how: () => void) => {
        signal?.removeEventListener("abort", onAbort);
        if (task !== undefined) task.waits--;
        how();
      };
      const cancel = this.schedule(ms, () => settle(resolve));
      const onAbort = () => {
        cancel();
        settle(() => reject(signal?.reason));
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#block(task);
    });
  }

  schedule(delayMs: number, action: () => void): Cancel {
    return this.#timers.add(this.#now + Math.max(delayMs, 0), action);
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    const parent = this.#current.getStore();
    const task: Task = { waits: 0 };
    this.#tasks.add(task);
    this.#block(parent);
    try {
      return await this.#current.run(task, work);
    } finally {
      this.#tasks.delete(task);
      if (parent !== undefined) parent.waits--;
      this.#changed();
    }
  }

  track<T>(promise: Promise<T>): Promise<T> {
    this.#tracked++;
    const done = () => {
      this.#tracked--;
      this.#changed();
    };
    promise.then(done, done);
    return promise;
  }

  async #advance(deadline: number, condition: () => boolean | Promise<boolean>): Promise<boolean> {
    if (this.#advancing) throw new Error("virtual time is already being advanced");
    this.#advancing = true;
    try {
      for (;;) {
        await this.#idle();
        if (await condition()) return true;
        const timer = this.#timers.takeDue(deadline);
        if (timer === undefined) break;
        // A timer can lie before now only when it was set for the past, which means: at once.
        this.#now = Math.max(this.#now, timer.at);
        timer.action();
      }
      this.#now = Math.max(this.#now, deadline);
      return false;
    } finally {
      this.#advancing = false;
    }
  }

  /**
   * Until nothing runs. Two empty turns of the event loop have passed then, so promises, watch events (which stores deliver
   * from microtasks) and `setImmediate` are done, too.
   */
  async #idle(): Promise<void> {
    for (let quietTurns = 0; quietTurns < 2; ) {
      await new Promise((resolve) => setImmediate(resolve));
      if (!this.#busy()) {
        quietTurns++;
        continue;
      }
      quietTurns = 0;
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
  }

  #busy(): boolean {
    if (this.#tracked > 0) return true;
    for (const task of this.#tasks) if (task.waits === 0) return true;
    return false;
  }

  #block(task: Task | undefined): void {
    if (task === undefined) return;
    task.waits++;
    this.#changed();
  }

  #changed(): void {
    this.#onChange?.();
    this.#onChange = undefined;
  }
}
