export { tryGate } from "./gate-trial.ts";
export type { SyntheticSeries } from "./synthetic-series.ts";
export { counter, gauge, syntheticSource } from "./synthetic-series.ts";
