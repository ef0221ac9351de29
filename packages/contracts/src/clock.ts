/**
 * Time as an argument. Decisions get `now`, controllers get a `Clock`; nobody reads the system's time on their own,
 * which is what lets rehearsals and simulations run the same code on virtual time.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Resolves once `ms` milliseconds of this clock have passed; rejects with the signal's reason when aborted. */
  after(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's own time. The only place, beside process edges, that reads it. */
export const wallClock: Clock = {
  now: () => Date.now(),
  after(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  },
};
