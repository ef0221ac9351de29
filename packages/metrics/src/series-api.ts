import { compareLabels, type Labels, type Matcher, METRIC_NAME, type TimeRange } from "@tracegate/contracts";
import { ParseError, parseSelector } from "@tracegate/promql";
import type { Tsdb } from "@tracegate/tsdb";
import { ApiError, invalidParameter } from "./api-error.ts";
import { limitParameter, timeParameter } from "./parameters.ts";
import type { Answer } from "./queries.ts";
import { labelsJson } from "./value-json.ts";

const TRUNCATED = ["results truncated due to limit"];

/** GET and POST /api/v1/series */
export function answerSeries(params: URLSearchParams, tsdb: Tsdb): Answer {
  const limit = limitParameter(params);
  const selectors = matchersOf(params);
  if (selectors.length === 0) throw new ApiError("bad_data", "no match[] parameter provided");
  const found = [...matching(tsdb, selectors, rangeOf(params))].sort(compareLabels);
  return list(found.map(labelsJson), limit);
}

/** GET and POST /api/v1/labels */
export function answerLabels(params: URLSearchParams, tsdb: Tsdb): Answer {
  const limit = limitParameter(params);
  const selectors = matchersOf(params);
  if (selectors.length === 0 && !hasRange(params)) return list(tsdb.labelNames().map(quote), limit);
  const names = new Set<string>();
  for (const labels of matching(tsdb, orAll(selectors), rangeOf(params))) {
    for (const [name] of labels.entries()) names.add(name);
  }
  return list([...names].sort().map(quote), limit);
}

/** GET /api/v1/label/NAME/values */
export function answerLabelValues(params: URLSearchParams, tsdb: Tsdb, escapedName: string): Answer {
  const name = unescapeName(escapedName);
  if (name === "") throw new ApiError("bad_data", `invalid label name: ${quote(escapedName)}`);
  const limit = limitParameter(params);
  const selectors = matchersOf(params);
  if (selectors.length === 0 && !hasRange(params)) return list(tsdb.labelValues(name).map(quote), limit);
  const values = new Set<string>();
  for (const labels of matching(tsdb, orAll(selectors), rangeOf(params))) {
    if (labels.has(name)) values.add(labels.get(name));
  }
  return list([...values].sort().map(quote), limit);
}

/** The selectors of `match[]`. */
export function matchersOf(params: URLSearchParams): (readonly Matcher[])[] {
  return params.getAll("match[]").map((text) => {
    try {
      return parseSelector(text);
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      if (error.message.endsWith("must contain at least one non-empty matcher")) {
        throw new ApiError("bad_data", "match[] must contain at least one non-empty matcher");
      }
      throw invalidParameter("match[]", error.message);
    }
  });
}

/** The series that any of the selectors takes, each once. */
function* matching(
  tsdb: Tsdb,
  selectors: readonly (readonly Matcher[])[],
  range: TimeRange,
): Generator<Labels> {
  const seen = new Set<string>();
  for (const matchers of selectors) {
    for (const labels of tsdb.seriesLabels(matchers, range)) {
      if (seen.has(labels.key)) continue;
      seen.add(labels.key);
      yield labels;
    }
  }
}

const EVERYTHING: readonly Matcher[] = [{ name: METRIC_NAME, op: "!=", value: "" }];
const orAll = (selectors: (readonly Matcher[])[]) => (selectors.length === 0 ? [EVERYTHING] : selectors);
const hasRange = (params: URLSearchParams) => params.has("start") || params.has("end");

function rangeOf(params: URLSearchParams): TimeRange {
  const from = timeParameter(params, "start") ?? Number.NEGATIVE_INFINITY;
  const to = timeParameter(params, "end") ?? Number.POSITIVE_INFINITY;
  if (to < from) throw invalidParameter("end", "end timestamp must not be before start time");
  return { from, to };
}

function list(items: readonly string[], limit: number): Answer {
  const cut = limit > 0 && items.length > limit;
  const data = `[${(cut ? items.slice(0, limit) : items).join(",")}]`;
  return cut ? { data, warnings: TRUNCATED } : { data };
}

const quote = (text: string) => JSON.stringify(text);

/** `U__` names spell characters outside the plain set as `_HEX_`, and an underscore as two. */
function unescapeName(name: string): string {
  if (!name.startsWith("U__")) return name;
  return name
    .slice(3)
    .replaceAll(/__|_([0-9a-fA-F]+)_/g, (_, hex?: string) =>
      hex === undefined ? "_" : String.fromCodePoint(Number.parseInt(hex, 16)),
    );
}
