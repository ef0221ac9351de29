export type { Expr } from "./ast.ts";
export type { EngineOptions } from "./engine.ts";
export { InvalidTypeError, instantQuery, rangeQuery } from "./engine.ts";
export { EvaluationError } from "./evaluation-error.ts";
export { formatFloat } from "./format-float.ts";
export { formatDuration, parseDuration } from "./literals.ts";
export { parse, parseSelector } from "./parser.ts";
export { ParseError } from "./position.ts";
export type { InstantSample, MatrixSeries, QueryResult, Value } from "./value.ts";
