import type { Attributes, Resource } from "@tracegate/otlp";
import { valueText } from "@tracegate/otlp";
import type { HistogramSeries, SumSeries } from "./series.ts";
import { newSum, SeriesSet } from "./series.ts";

/** Series are kept per resource, which is emitted with them. */
export interface ResourceGroup {
  readonly key: string;
  /** The complete attributes of the first resource seen with this key. */
  readonly resource: Resource;
  readonly calls: SeriesSet<SumSeries>;
  readonly duration: SeriesSet<HistogramSeries>;
  readonly events: SeriesSet<SumSeries>;
  /** Milliseconds; what `metrics_expiration` looks at. */
  lastSeenMs: number;
  /** False once dropped: lookups that remember this group must look again. */
  live: boolean;
}

/**
 * The groups, least recently used first. A group pushed out by a newer one is still emitted once; if it is seen again
 * before that, it comes back with its counts.
 */
export class ResourceGroups {
  readonly #capacity: number;
  readonly #keyAttributes: readonly string[];
  readonly #seriesLimit: number;
  readonly #newHistogram: (attributes: Attributes, startMs: number) => HistogramSeries;
  readonly #live = new Map<string, ResourceGroup>();
  readonly #evicted = new Map<string, ResourceGroup>();
  /** The time that new series start at; set by whoever is about to add spans. */
  nowMs = 0;

  constructor(
    capacity: number,
    keyAttributes: readonly string[],
    seriesLimit: number,
    newHistogramSeries: (attributes: Attributes, startMs: number) => HistogramSeries,
  ) {
    this.#capacity = Math.max(1, capacity);
    this.#keyAttributes = keyAttributes;
    this.#seriesLimit = seriesLimit;
    this.#newHistogram = newHistogramSeries;
  }

  /** The group of a resource, made if it is new. */
  of(resource: Resource): ResourceGroup {
    const key = groupKey(resource.attributes, this.#keyAttributes);
    const known = this.#live.get(key);
    if (known !== undefined) return known;
    const group = this.#evicted.get(key) ?? this.#create(key, resource);
    this.#evicted.delete(key);
    group.live = true;
    this.#live.set(key, group);
    if (this.#live.size > this.#capacity) this.#evictOldest();
    return group;
  }

  touch(group: ResourceGroup): void {
    group.lastSeenMs = this.nowMs;
    this.#live.delete(group.key);
    this.#live.set(group.key, group);
  }

  *all(): Iterable<ResourceGroup> {
    yield* this.#evicted.values();
    yield* this.#live.values();
  }

  /** After a flush: evicted groups are gone for good, and so are those idle for `expirationMs` (0: never). */
  settle(expirationMs: number): void {
    this.#evicted.clear();
    if (expirationMs <= 0) return;
    for (const [key, group] of this.#live) {
      if (this.nowMs - group.lastSeenMs < expirationMs) continue;
      this.#live.delete(key);
      group.live = false;
    }
  }

  /** Delta: everything starts anew. */
  clear(): void {
    for (const group of this.#live.values()) group.live = false;
    this.#live.clear();
    this.#evicted.clear();
  }

  #create(key: string, resource: Resource): ResourceGroup {
    const sum = (attributes: Attributes) => newSum(attributes, this.nowMs);
    const histogram = (attributes: Attributes) => this.#newHistogram(attributes, this.nowMs);
    return {
      key,
      resource,
      calls: new SeriesSet(this.#seriesLimit, sum),
      duration: new SeriesSet(this.#seriesLimit, histogram),
      events: new SeriesSet(this.#seriesLimit, sum),
      lastSeenMs: this.nowMs,
      live: true,
    };
  }

  #evictOldest(): void {
    for (const [key, group] of this.#live) {
      this.#live.delete(key);
      group.live = false;
      this.#evicted.set(key, group);
      return;
    }
  }
}

/** Independent of the attributes' order. */
function groupKey(attributes: Attributes, only: readonly string[]): string {
  const counted = only.length === 0 ? attributes : attributes.filter((a) => only.includes(a.key));
  return JSON.stringify(
    counted
      .map(({ key, value }) => [key, valueText(value)])
      .sort((a, b) => ((a[0] ?? "") < (b[0] ?? "") ? -1 : 1)),
  );
}
