export { memoryStore } from "./memory-store.ts";
export { sqliteStore } from "./sqlite-store.ts";
export type { Change, Entry, MakeValue, StopWatch, Store, StoredValue, StoreOptions } from "./store.ts";
export { CompactedError, WriteConflict } from "./store.ts";
