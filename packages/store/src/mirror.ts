import { type Change, CompactedError, type Entry, type StopWatch, type StoredValue } from "./store.ts";

/**
 * The state in memory, from which all reads are served: current entries, the newest changes, and those who watch.
 * Stores write durably first and call `apply` then.
 */
export class Mirror {
  revision = 0;
  compactedRevision = 0;
  readonly #collections = new Map<string, Collection>();
  /** Ascending by revision; all of them after `compactedRevision`. */
  #history: Change[] = [];
  readonly #watchers = new Set<Watcher>();

  get historyLength(): number {
    return this.#history.length;
  }

  get(key: string): Entry | undefined {
    return this.#collections.get(collectionOf(key))?.entries.get(key);
  }

  /** Takes over an entry without history, as a loading store does. */
  load(entry: Entry): void {
    this.#collection(entry.key).set(entry);
    this.revision = Math.max(this.revision, entry.revision);
  }

  apply(key: string, revision: number, value: StoredValue, deleted: boolean): Entry {
    const collection = this.#collection(key);
    const previous = collection.entries.get(key)?.value;
    const entry: Entry = { key, revision, value };
    if (deleted) collection.remove(key);
    else collection.set(entry);
    this.revision = revision;
    const change: Change = { ...entry, deleted, ...(previous === undefined ? {} : { previous }) };
    this.#history.push(change);
    for (const watcher of this.#watchers) watcher.offer(change);
    return entry;
  }

  list(prefix: string, revision?: number): readonly Entry[] {
    const current = this.#collections.get(collectionOf(prefix))?.withPrefix(prefix) ?? [];
    if (revision === undefined || revision >= this.revision) return current;
    return this.#rewind(current, prefix, revision);
  }

  count(prefix: string): number {
    return this.#collections.get(collectionOf(prefix))?.countPrefix(prefix) ?? 0;
  }

  /** The entries as they were at `revision`: the changes after it undone, newest first. */
  #rewind(current: readonly Entry[], prefix: string, revision: number): readonly Entry[] {
    if (revision < this.compactedRevision) throw new CompactedError(revision, this.compactedRevision);
    const entries = new Map(current.map((entry) => [entry.key, entry]));
    for (let i = this.#history.length - 1; i >= 0; i--) {
      const change = this.#history[i];
      if (change === undefined || change.revision <= revision) break;
      if (!change.key.startsWith(prefix)) continue;
      if (change.previous === undefined) entries.delete(change.key);
      else entries.set(change.key, { key: change.key, revision, value: change.previous });
    }
    return [...entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  watch(prefix: string, after: number, listener: (change: Change) => void): StopWatch {
    if (after < this.compactedRevision) throw new CompactedError(after, this.compactedRevision);
    const watcher = new Watcher(prefix, listener);
    this.#watchers.add(watcher);
    for (let i = firstAfter(this.#history, after); i < this.#history.length; i++) {
      const change = this.#history[i];
      if (change !== undefined) watcher.offer(change);
    }
    return () => {
      watcher.stop();
      this.#watchers.delete(watcher);
    };
  }

  compact(revision: number): void {
    this.compactedRevision = Math.max(this.compactedRevision, Math.min(revision, this.revision));
    this.#history = this.#history.slice(firstAfter(this.#history, this.compactedRevision));
  }

  /** The revision to compact to so that about `limit` changes stay; undefined while that would save little. */
  compactionDue(limit: number): number | undefined {
    if (this.#history.length <= limit + Math.max(16, limit / 4)) return undefined;
    return this.#history[this.#history.length - limit - 1]?.revision;
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.stop();
    this.#watchers.clear();
  }

  #collection(key: string): Collection {
    const name = collectionOf(key);
    let collection = this.#collections.get(name);
    if (collection === undefined) {
      collection = new Collection();
      this.#collections.set(name, collection);
    }
    return collection;
  }
}

/** Keys are `collection/…`: entries of one collection lie together, so that a list costs what it returns. */
function collectionOf(key: string): string {
  const slash = key.indexOf("/");
  return slash < 0 ? key : key.slice(0, slash);
}

class Collection {
  readonly entries = new Map<string, Entry>();
  /** The keys in order; sorted again only when one came or went. */
  #sorted: string[] = [];

  set(entry: Entry): void {
    if (!this.entries.has(entry.key)) this.#sorted.splice(lowerBound(this.#sorted, entry.key), 0, entry.key);
    this.entries.set(entry.key, entry);
  }

  remove(key: string): void {
    if (this.entries.delete(key)) this.#sorted.splice(lowerBound(this.#sorted, key), 1);
  }

  withPrefix(prefix: string): Entry[] {
    const found: Entry[] = [];
    for (let i = lowerBound(this.#sorted, prefix); i < this.#sorted.length; i++) {
      const key = this.#sorted[i] ?? "";
      if (!key.startsWith(prefix)) break;
      const entry = this.entries.get(key);
      if (entry !== undefined) found.push(entry);
    }
    return found;
  }

  countPrefix(prefix: string): number {
    return lowerBound(this.#sorted, `${prefix}\uffff`) - lowerBound(this.#sorted, prefix);
  }
}

/** Hands changes on in microtasks, so that a listener may write without getting ahead of the others. */
class Watcher {
  readonly #prefix: string;
  readonly #listener: (change: Change) => void;
  #pending: Change[] = [];
  #scheduled = false;
  #stopped = false;

  constructor(prefix: string, listener: (change: Change) => void) {
    this.#prefix = prefix;
    this.#listener = listener;
  }

  offer(change: Change): void {
    if (this.#stopped || !change.key.startsWith(this.#prefix)) return;
    this.#pending.push(change);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#drain());
  }

  stop(): void {
    this.#stopped = true;
    this.#pending = [];
  }

  #drain(): void {
    this.#scheduled = false;
    const changes = this.#pending;
    this.#pending = [];
    for (const change of changes) {
      if (this.#stopped) return;
      this.#listener(change);
    }
  }
}

function firstAfter(history: readonly Change[], revision: number): number {
  let low = 0;
  let high = history.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((history[middle]?.revision ?? 0) <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}

function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
