/**
 * A revisioned object log: keys to JSON values, every change numbered from one counter, the newest changes kept so that
 * a reader can go on from where it was. It knows nothing of kinds.
 *
 * All calls are synchronous: what returned is stored, and a read sees every write before it. Values are shared with the
 * store: treat them as frozen.
 */
export interface Store {
  /** The revision of the newest change; 0 when there was none. */
  readonly revision: number;
  /** History up to and including this revision is gone. */
  readonly compactedRevision: number;
  get(key: string): Entry | undefined;
  /** Entries whose key starts with `prefix`, in the order of keys; as of `revision` where given. */
  list(prefix: string, revision?: number): readonly Entry[];
  /** How many entries have the prefix. */
  count(prefix: string): number;
  /** Stores `make(revision)` under a new key. Throws `WriteConflict` ("exists"). */
  create(key: string, make: MakeValue): Entry;
  /** Replaces the value if the key is still at `expected`. Throws `WriteConflict` ("missing", "changed"). */
  update(key: string, expected: number, make: MakeValue): Entry;
  /** Removes the key if it is still at `expected`. `make` gives the last state, which watchers see. */
  delete(key: string, expected: number, make: MakeValue): Entry;
  /**
   * Calls `listener` for every change after revision `after` whose key starts with `prefix`: in order, each once, from
   * microtasks (never inside the call that wrote). Throws `CompactedError` when history does not reach back that far.
   */
  watch(prefix: string, after: number, listener: (change: Change) => void): StopWatch;
  /** Forgets history up to `revision`; current values stay. */
  compact(revision: number): void;
  close(): void;
}

export type StoredValue = { readonly [key: string]: unknown };

/** Makes the value for the revision that the write is going to have. */
export type MakeValue = (revision: number) => StoredValue;

export interface Entry {
  readonly key: string;
  /** Of the change that wrote this value. */
  readonly revision: number;
  readonly value: StoredValue;
}

/** One change of the log. `previous` is absent when the key was created. */
export interface Change extends Entry {
  readonly deleted: boolean;
  readonly previous?: StoredValue;
}

export type StopWatch = () => void;

/** Why a conditional write was not made. */
export class WriteConflict extends Error {
  readonly why: "exists" | "missing" | "changed";
  constructor(key: string, why: "exists" | "missing" | "changed") {
    super(`${key}: ${why}`);
    this.name = "WriteConflict";
    this.why = why;
  }
}

/** The wanted revision is older than the history kept. */
export class CompactedError extends Error {
  readonly wanted: number;
  readonly compacted: number;
  constructor(wanted: number, compacted: number) {
    super(`revision ${wanted} has been compacted; history starts after ${compacted}`);
    this.name = "CompactedError";
    this.wanted = wanted;
    this.compacted = compacted;
  }
}

export interface StoreOptions {
  /** How many changes are kept for readers that go on from an older revision. Default 10 000. */
  readonly historyLimit?: number;
}

export const DEFAULT_HISTORY_LIMIT = 10_000;
