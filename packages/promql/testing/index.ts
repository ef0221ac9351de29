export { MemorySource } from "./memory-source.ts";
export type { ScriptTarget } from "./run-script.ts";
export { almostEqual, engineTarget, runCommands, runScript } from "./run-script.ts";
export type { Command, Evaluation, ScriptSeries } from "./script.ts";
export { parseScript, parseSeriesLine, ScriptError, UnsupportedScript } from "./script.ts";
