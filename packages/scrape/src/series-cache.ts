import type { Appender, Labels, SeriesRef } from "@tracegate/contracts";

/** What is known of a series as one target exposes it. */
export interface CachedSeries {
  /** The bytes of the series in the body, as last seen. */
  readonly bytes: Buffer;
  readonly text: string;
  /** Labels after relabelling; `undefined`: dropped by a rule. */
  readonly labels: Labels | undefined;
  ref: SeriesRef;
  /** The scrape in which it was last seen. */
  seen: number;
  /** Whether its last sample brought its own time: such series are not marked when they vanish. */
  ownTime: boolean;
}

/**
 * The series of one target from scrape to scrape. Bodies hardly change their order, so the next series is guessed from
 * the last body, and bytes are compared in place; only when the guess fails is a string made and looked up.
 */
export class SeriesCache {
  readonly #byText = new Map<string, CachedSeries>();
  #order: CachedSeries[] = [];
  #nextOrder: CachedSeries[] = [];
  #guess = 0;
  #scrape = 0;

  get size(): number {
    return this.#byText.size;
  }

  begin(): void {
    this.#scrape++;
    this.#guess = 0;
    this.#nextOrder = [];
  }

  /** The series at `body[start, end)`, if it was seen before. */
  find(body: Buffer, start: number, end: number): CachedSeries | undefined {
    const guessed = this.#order[this.#guess];
    if (guessed !== undefined && sameBytes(guessed.bytes, body, start, end)) {
      this.#guess++;
      return guessed;
    }
    const found = this.#byText.get(body.toString("utf8", start, end));
    // The order has changed here; go on guessing from where the series was.
    if (found !== undefined) {
      const at = this.#order.indexOf(found, this.#guess);
      if (at >= 0) this.#guess = at + 1;
    }
    return found;
  }

  add(body: Buffer, start: number, end: number, labels: Labels | undefined): CachedSeries {
    const bytes = Buffer.from(body.subarray(start, end));
    const series = { bytes, text: bytes.toString("utf8"), labels, ref: 0, seen: 0, ownTime: false };
    this.#byText.set(series.text, series);
    return series;
  }

  /** Notes that a series is in this scrape. False when it was already: a body must not hold a series twice. */
  mark(series: CachedSeries): boolean {
    if (series.seen === this.#scrape) return false;
    series.seen = this.#scrape;
    this.#nextOrder.push(series);
    return true;
  }

  /** Ends the scrape; what was there before and is not now is forgotten, and returned. */
  finish(): CachedSeries[] {
    const vanished = this.#order.filter((series) => series.seen !== this.#scrape);
    for (const { text } of vanished) this.#byText.delete(text);
    this.#order = this.#nextOrder;
    return vanished;
  }

  /** Forgets everything, and returns what there was. */
  clear(): CachedSeries[] {
    const all = [...this.#byText.values()];
    this.#byText.clear();
    this.#order = [];
    this.#nextOrder = [];
    return all;
  }
}

function sameBytes(known: Buffer, body: Buffer, start: number, end: number): boolean {
  const { length } = known;
  if (length !== end - start) return false;
  // From the end: neighbours in a body differ in their last labels.
  for (let i = length - 1; i >= 0; i--) if (known[i] !== body[start + i]) return false;
  return true;
}

/** Marks series as ended at `time`. */
export function markStale(store: Appender, series: Iterable<CachedSeries>, time: number): void {
  for (const { ref, ownTime } of series) if (ref !== 0 && !ownTime) store.appendStale(ref, time);
}
