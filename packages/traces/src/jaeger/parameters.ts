import type { TraceQuery } from "../trace.ts";

/** What a client asked wrongly; the text is Jaeger's. */
export class BadRequest extends Error {
  constructor(message: string) {
    super(message);
    this.name = "BadRequest";
  }
}

const DEFAULT_LOOKBACK_US = 48 * 3_600_000_000;
const DEFAULT_LIMIT = 100;

export interface SearchParameters {
  readonly query: TraceQuery;
  /** When given, everything else is ignored. */
  readonly traceIds: readonly string[];
}

/** The parameters of `/api/traces`. */
export function searchParameters(params: URLSearchParams, nowMs: number): SearchParameters {
  const nowUs = nowMs * 1000;
  const query: TraceQuery = {
    service: params.get("service") ?? "",
    operation: params.get("operation") ?? "",
    startUs: integerParameter(params, "start", nowUs - DEFAULT_LOOKBACK_US),
    endUs: integerParameter(params, "end", nowUs),
    tags: tagParameters(params),
    limit: integerParameter(params, "limit", DEFAULT_LIMIT),
    minDurationUs: durationParameter(params, "minDuration"),
    maxDurationUs: durationParameter(params, "maxDuration"),
  };
  const traceIds = params.getAll("traceID").map((id) => {
    try {
      return parseTraceId(id);
    } catch (error) {
      throw new BadRequest(
        `cannot parse traceID param: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  });
  if (traceIds.length === 0 && query.service === "") throw new BadRequest("parameter 'service' is required");
  const { minDurationUs: min, maxDurationUs: max } = query;
  if (min !== undefined && max !== undefined && max < min) {
    throw new BadRequest("'maxDuration' should be greater than 'minDuration'");
  }
  return { query, traceIds };
}

/** 1 to 32 hex digits, as 32. */
export function parseTraceId(text: string): string {
  if (text.length > 32) throw new BadRequest(`TraceID cannot be longer than 32 hex characters: ${text}`);
  const parts = text.length > 16 ? [text.slice(0, -16), text.slice(-16)] : [text];
  for (const part of parts) {
    if (!/^[0-9a-fA-F]+$/.test(part)) {
      throw new BadRequest(`strconv.ParseUint: parsing ${JSON.stringify(part)}: invalid syntax`);
    }
  }
  return text.toLowerCase().padStart(32, "0");
}

export function integerParameter(params: URLSearchParams, name: string, fallback: number): number {
  const text = params.get(name) ?? "";
  if (text === "") return fallback;
  if (!/^[+-]?\d+$/.test(text)) {
    throw new BadRequest(
      `unable to parse param '${name}': strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  }
  return Number(text);
}

function durationParameter(params: URLSearchParams, name: string): number | undefined {
  const text = params.get(name) ?? "";
  if (text === "") return undefined;
  const us = durationToMicros(text);
  if (us === undefined) {
    throw new BadRequest(`unable to parse param '${name}': time: invalid duration ${JSON.stringify(text)}`);
  }
  return us;
}

const UNITS_US: Readonly<Record<string, number>> = {
  ns: 1e-3,
  us: 1,
  µs: 1,
  μs: 1,
  ms: 1e3,
  s: 1e6,
  m: 6e7,
  h: 3.6e9,
};

/** A Go duration in microseconds. */
export function durationToMicros(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, number = "", unit = ""] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(number) * (UNITS_US[unit] ?? 0);
  }
  return total;
}

/** `tag=key:value`, repeatable, and `tags={"key":"value"}`. */
function tagParameters(params: URLSearchParams): Readonly<Record<string, string>> {
  const tags: Record<string, string> = {};
  for (const tag of params.getAll("tag")) {
    const colon = tag.indexOf(":");
    if (colon < 0) throw new BadRequest(`malformed 'tag' parameter, expecting key:value, received: ${tag}`);
    tags[tag.slice(0, colon)] = tag.slice(colon + 1);
  }
  for (const json of params.getAll("tags")) if (json !== "") Object.assign(tags, parseTags(json, "tags"));
  return tags;
}

export function parseTags(json: string, name: string): Readonly<Record<string, string>> {
  const fail = (why: string) =>
    new BadRequest(`malformed '${name}' parameter, cannot unmarshal JSON: ${why}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    throw fail(error instanceof Error ? error.message : String(error));
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw fail("expected an object");
  const tags: Record<string, string> = {};
  for (const [key, value] of Object.entries(parsed)) {
    if (typeof value !== "string") throw fail(`the value of ${JSON.stringify(key)} must be a string`);
    tags[key] = value;
  }
  return tags;
}
