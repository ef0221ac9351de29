import type { Clock, Queryable } from "@tracegate/contracts";
import {
  type EngineOptions,
  EvaluationError,
  instantQuery,
  type QueryResult,
  rangeQuery,
} from "@tracegate/promql";
import { ApiError, invalidParameter } from "./api-error.ts";
import { durationParameter, limitParameter, requiredTime, timeParameter } from "./parameters.ts";
import { valueJson } from "./value-json.ts";

const MAX_POINTS = 11_000;
const MAX_ANNOTATIONS = 10;
const TRUNCATED = "results truncated due to limit";

export interface QuerySettings {
  readonly source: Queryable;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly maxSamples: number;
}

/** The `data` of an answer, as JSON text, and what is said beside it. */
export interface Answer {
  readonly data: string;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

/** GET and POST /api/v1/query */
export function answerQuery(params: URLSearchParams, settings: QuerySettings): Answer {
  const limit = limitParameter(params);
  const time = timeParameter(params, "time") ?? settings.clock.now();
  const options = engineOptions(params, settings);
  return answerOf(instantQuery(settings.source, params.get("query") ?? "", time, options), limit);
}

/** GET and POST /api/v1/query_range */
export function answerRangeQuery(params: URLSearchParams, settings: QuerySettings): Answer {
  const limit = limitParameter(params);
  const start = requiredTime(params, "start");
  const end = requiredTime(params, "end");
  if (end < start) throw invalidParameter("end", "end timestamp must not be before start time");
  const stepMs = durationParameter(params, "step");
  if (stepMs === undefined) throw invalidParameter("step", 'cannot parse "" to a valid duration');
  if (stepMs <= 0) {
    const what = "zero or negative query resolution step widths are not accepted. Try a positive integer";
    throw invalidParameter("step", what);
  }
  // Keeps answers to a size that a browser can draw.
  if ((end - start) / stepMs > MAX_POINTS) {
    const what = "exceeded maximum resolution of 11,000 points per timeseries.";
    throw new ApiError("bad_data", `${what} Try decreasing the query resolution (?step=XX)`);
  }
  const options = engineOptions(params, settings);
  return answerOf(
    rangeQuery(settings.source, params.get("query") ?? "", { start, end, stepMs }, options),
    limit,
  );
}

function engineOptions(
  params: URLSearchParams,
  { clock, timeoutMs, maxSamples }: QuerySettings,
): EngineOptions {
  const asked = durationParameter(params, "timeout");
  const lookbackMs = durationParameter(params, "lookback_delta");
  const deadline = clock.now() + Math.min(asked ?? timeoutMs, timeoutMs);
  return {
    maxSamples,
    ...(lookbackMs === undefined ? {} : { lookbackMs }),
    checkpoint() {
      if (clock.now() > deadline)
        throw new EvaluationError("query timed out in expression evaluation", "timeout");
    },
  };
}

function answerOf({ value, warnings, infos }: QueryResult, limit: number): Answer {
  const count =
    value.type === "vector" ? value.samples.length : value.type === "matrix" ? value.series.length : 0;
  const cut = limit > 0 && count > limit;
  const shown =
    cut && value.type === "vector"
      ? { ...value, samples: value.samples.slice(0, limit) }
      : cut && value.type === "matrix"
        ? { ...value, series: value.series.slice(0, limit) }
        : value;
  return {
    data: valueJson(shown),
    warnings: [...few(warnings, "warning"), ...(cut ? [TRUNCATED] : [])],
    infos: few(infos, "info"),
  };
}

function few(texts: readonly string[], kind: "warning" | "info"): readonly string[] {
  const rest = texts.length - MAX_ANNOTATIONS;
  if (rest <= 0) return texts;
  return [...texts.slice(0, MAX_ANNOTATIONS), `${rest} more ${kind} annotations omitted`];
}
