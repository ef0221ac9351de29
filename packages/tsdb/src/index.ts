export type { CompiledMatcher } from "./matching.ts";
export { compileMatcher } from "./matching.ts";
export type { TsdbOptions, TsdbStats } from "./tsdb.ts";
export { Tsdb } from "./tsdb.ts";
