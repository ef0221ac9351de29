import { createHash } from "node:crypto";
import type { Appender, Clock } from "@tracegate/contracts";
import type { OpenSource } from "./fetch-metrics.ts";
import { type Discovered, type ResolvedTargets, type ScrapeJob, type Target, targetResolver } from "./job.ts";
import { TargetScraper } from "./target-scraper.ts";

/** Scrape times may be moved this far onto the tick: even steps pack better. */
const ALIGN_MS = 2;

interface Running {
  readonly scraper: TargetScraper;
  readonly stop: AbortController;
  /** When the next scrape is due. */
  due: number;
}

/** The targets of one job and their scrape loops. */
export class ScrapePool {
  readonly job: ScrapeJob;
  readonly #store: Appender;
  readonly #resolve: (discovered: readonly Discovered[]) => ResolvedTargets;
  readonly #clock: Clock;
  readonly #open: OpenSource;
  readonly #running = new Map<string, Running>();
  readonly #closing = new AbortController();
  #dropped: readonly Discovered[] = [];

  constructor(job: ScrapeJob, store: Appender, clock: Clock, open: OpenSource) {
    this.job = job;
    this.#resolve = targetResolver(job);
    this.#store = store;
    this.#clock = clock;
    this.#open = open;
  }

  get scrapers(): TargetScraper[] {
    return [...this.#running.values()].map(({ scraper }) => scraper);
  }

  get dropped(): readonly Discovered[] {
    return this.#dropped;
  }

  /** Takes what discovery says now: starts loops of new targets, ends those of targets that are gone. */
  setDiscovered(discovered: readonly Discovered[]): void {
    const { active, dropped } = this.#resolve(discovered);
    this.#dropped = dropped;
    const wanted = new Set(active.map(({ key }) => key));
    for (const [key, running] of this.#running) {
      if (wanted.has(key)) continue;
      this.#running.delete(key);
      running.stop.abort();
      void this.#endAfterwards(running);
    }
    for (const target of active) if (!this.#running.has(target.key)) this.#start(target);
  }

  /** Stops all loops. Series are left without a marker, as after a crash: the next process goes on with them. */
  close(): void {
    this.#closing.abort();
    for (const { stop, scraper } of this.#running.values()) {
      stop.abort();
      scraper.close();
    }
    this.#running.clear();
  }

  #start(target: Target): void {
    const scraper = new TargetScraper(target, this.#store, this.#clock, this.#open);
    const due = this.#clock.now() + offsetOf(target.key, this.job.intervalMs, this.#clock.now());
    const running: Running = { scraper, stop: new AbortController(), due };
    this.#running.set(target.key, running);
    void this.#loop(running);
  }

  async #loop(running: Running): Promise<void> {
    const { signal } = running.stop;
    for (;;) {
      try {
        await this.#clock.after(Math.max(0, running.due - this.#clock.now()), signal);
      } catch {
        return;
      }
      const now = this.#clock.now();
      const time = Math.abs(now - running.due) <= ALIGN_MS ? running.due : now;
      await running.scraper.scrape(time);
      if (signal.aborted) return;
      // A scrape may outlast a short interval, and the process may have been held up: skip what was missed.
      const { intervalMs } = this.job;
      const missed = Math.max(0, Math.floor((this.#clock.now() - running.due) / intervalMs));
      running.due += (missed + 1) * intervalMs;
    }
  }

  /**
   * Marks the end of a removed target's series, at the time of the scrape it missed first, but only some time later: if
   * the target comes back meanwhile (a changed label that changes back), newer samples make the markers void.
   */
  async #endAfterwards({ scraper, due }: Running): Promise<void> {
    try {
      await this.#clock.after(2 * this.job.intervalMs, this.#closing.signal);
      scraper.end(due);
    } catch {
      // Closed: no markers.
    }
    scraper.close();
  }
}

/** When in the interval a target is scraped: by a hash, so that targets spread and keep their place. */
function offsetOf(key: string, intervalMs: number, now: number): number {
  const hash = createHash("md5").update(key).digest().readUInt32BE(0);
  const phase = hash % intervalMs;
  return (phase - (now % intervalMs) + intervalMs) % intervalMs;
}
