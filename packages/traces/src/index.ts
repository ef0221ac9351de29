export type { Listen, Listening, Traces } from "./create-traces.ts";
export { createTraces } from "./create-traces.ts";
export type { Dependency, Operation, StoredSpan, Trace, TraceQuery } from "./trace.ts";
export type { TraceStore, TraceStoreOptions } from "./trace-store.ts";
