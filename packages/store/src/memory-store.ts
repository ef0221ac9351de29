import { LoggedStore } from "./logged-store.ts";
import { Mirror } from "./mirror.ts";
import type { Store, StoreOptions } from "./store.ts";

/** A store that forgets everything with the process: for tests and rehearsals. */
export function memoryStore(options: StoreOptions = {}): Store {
  return new LoggedStore(new Mirror(), { append() {}, compact() {}, close() {} }, options);
}
