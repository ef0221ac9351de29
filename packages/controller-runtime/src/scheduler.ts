import { type Clock, wallClock } from "@tracegate/contracts";

/**
 * A clock that also knows of the work that runs on it. Controllers see it as a plain `Clock`; what starts work (the
 * manager, the event recorder, simulated parties) says so here, so that virtual time stands still while anything runs.
 */
export interface Scheduler extends Clock {
  /** Calls `action` once after `delayMs`, unless cancelled before. */
  schedule(delayMs: number, action: () => void): Cancel;
  /** Runs a piece of work. It may wait on this clock (`after`); what else it waits for holds virtual time still. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Holds virtual time still until `promise` settles: for outside work raced against a timeout of this clock, and for work that
   * nobody `run`s. The promise must not itself wait on this clock.
   */
  track<T>(promise: Promise<T>): Promise<T>;
}

export type Cancel = () => void;

/** The longest delay that a Node timer takes; longer ones are slept in parts. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The machine's own time. Work starts on a turn of its own, so that a storm of reconciles leaves room for I/O. */
export function wallScheduler(clock: Clock = wallClock): Scheduler {
  const after = async (ms: number, signal?: AbortSignal) => {
    let rest = ms;
    for (; rest > MAX_TIMER_MS; rest -= MAX_TIMER_MS) await clock.after(MAX_TIMER_MS, signal);
    await clock.after(Math.max(rest, 0), signal);
  };
  return {
    now: () => clock.now(),
    after,
    schedule(delayMs, action) {
      const stop = new AbortController();
      // Only cancellation rejects; an error of `action` is its own and must surface.
      after(delayMs, stop.signal).then(
        () => {
          if (!stop.signal.aborted) action();
        },
        () => undefined,
      );
      return () => stop.abort();
    },
    async run(work) {
      await new Promise((resolve) => setImmediate(resolve));
      return work();
    },
    track: (promise) => promise,
  };
}
