import type { Mirror } from "./mirror.ts";
import {
  type Change,
  DEFAULT_HISTORY_LIMIT,
  type Entry,
  type MakeValue,
  type StopWatch,
  type Store,
  type StoredValue,
  type StoreOptions,
  WriteConflict,
} from "./store.ts";

/** Where changes are made durable before they are seen. Each call either keeps the whole change or throws. */
export interface ChangeLog {
  append(revision: number, key: string, value: StoredValue, deleted: boolean): void;
  compact(revision: number): void;
  close(): void;
}

/** A store whose reads come from the mirror and whose writes go to a log first. */
export class LoggedStore implements Store {
  readonly #mirror: Mirror;
  readonly #log: ChangeLog;
  readonly #historyLimit: number;

  constructor(mirror: Mirror, log: ChangeLog, options: StoreOptions = {}) {
    this.#mirror = mirror;
    this.#log = log;
    this.#historyLimit = options.historyLimit ?? DEFAULT_HISTORY_LIMIT;
  }

  get revision(): number {
    return this.#mirror.revision;
  }

  get compactedRevision(): number {
    return this.#mirror.compactedRevision;
  }

  get(key: string): Entry | undefined {
    return this.#mirror.get(key);
  }

  list(prefix: string, revision?: number): readonly Entry[] {
    return this.#mirror.list(prefix, revision);
  }

  count(prefix: string): number {
    return this.#mirror.count(prefix);
  }

  create(key: string, make: MakeValue): Entry {
    if (this.#mirror.get(key) !== undefined) throw new WriteConflict(key, "exists");
    return this.#write(key, make, false);
  }

  update(key: string, expected: number, make: MakeValue): Entry {
    this.#expect(key, expected);
    return this.#write(key, make, false);
  }

  delete(key: string, expected: number, make: MakeValue): Entry {
    this.#expect(key, expected);
    return this.#write(key, make, true);
  }

  watch(prefix: string, after: number, listener: (change: Change) => void): StopWatch {
    return this.#mirror.watch(prefix, after, listener);
  }

  compact(revision: number): void {
    const target = Math.min(revision, this.#mirror.revision);
    if (target <= this.#mirror.compactedRevision) return;
    this.#log.compact(target);
    this.#mirror.compact(target);
  }

  close(): void {
    this.#mirror.close();
    this.#log.close();
  }

  #expect(key: string, revision: number): void {
    const entry = this.#mirror.get(key);
    if (entry === undefined) throw new WriteConflict(key, "missing");
    if (entry.revision !== revision) throw new WriteConflict(key, "changed");
  }

  #write(key: string, make: MakeValue, deleted: boolean): Entry {
    const revision = this.#mirror.revision + 1;
    const value = make(revision);
    this.#log.append(revision, key, value, deleted);
    const entry = this.#mirror.apply(key, revision, value, deleted);
    const due = this.#mirror.compactionDue(this.#historyLimit);
    if (due !== undefined) this.compact(due);
    return entry;
  }
}
