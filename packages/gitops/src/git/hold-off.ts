import type { Clock } from "@tracegate/contracts";

interface Failure {
  readonly error: unknown;
  readonly until: number;
}

/**
 * Questions that take long to fail are not asked again for three times as long: who keeps many waiting would otherwise
 * have all the time of those who ask.
 */
export class HoldOff {
  readonly #clock: Clock;
  readonly #failures = new Map<string, Failure>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Asks, or fails as it did the last time; `anew` asks in any case. */
  async ask<T>(key: string, question: () => Promise<T>, anew = false): Promise<T> {
    const before = this.#failures.get(key);
    const asked = this.#clock.now();
    if (before !== undefined && !anew && asked < before.until) throw before.error;
    try {
      const answer = await question();
      this.#failures.delete(key);
      return answer;
    } catch (error) {
      const now = this.#clock.now();
      this.#failures.delete(key); // the latest stands at the end
      this.#failures.set(key, { error, until: now + 3 * (now - asked) });
      for (const [oldest, { until }] of this.#failures) {
        if (until > now && this.#failures.size <= maxFailures) break;
        this.#failures.delete(oldest);
      }
      throw error;
    }
  }
}

const maxFailures = 1000;
