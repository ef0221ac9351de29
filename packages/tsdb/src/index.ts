export type { CompiledMatcher } from "./matching.ts";
export { compileMatcher } from "./matching.ts";
export type { AppendResult } from "./series.ts";
export { APPENDED, DUPLICATE, OUT_OF_ORDER, REPEATED, TOO_OLD, UNKNOWN_SERIES } from "./series.ts";
export type { SeriesRef, TsdbOptions, TsdbStats } from "./tsdb.ts";
export { Tsdb } from "./tsdb.ts";
