import type { TraceQuery } from "../trace.ts";
import {
  GoError,
  numberError,
  parseBoolean,
  parseDuration,
  parseInteger,
  parseStringMap,
} from "./go-values.ts";

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

/** The parameters of `/api/traces`, read in Jaeger's order: the first wrong one is reported. */
export function searchParameters(params: URLSearchParams, nowMs: number): SearchParameters {
  const nowUs = nowMs * 1000;
  const query: TraceQuery = {
    service: params.get("service") ?? "",
    operation: params.get("operation") ?? "",
    startUs: integerParameter(params, "start", nowUs - DEFAULT_LOOKBACK_US),
    endUs: integerParameter(params, "end", nowUs),
    tags: tagParameters(params),
    limit: limitParameter(params),
    minDurationUs: durationParameter(params, "minDuration"),
    maxDurationUs: durationParameter(params, "maxDuration"),
  };
  const traceIds = params
    .getAll("traceID")
    .map((id) => wrapped("cannot parse traceID param", () => parseTraceId(id)));
  if (traceIds.length === 0 && query.service === "") throw new BadRequest("parameter 'service' is required");
  const { minDurationUs: min, maxDurationUs: max } = query;
  if (min !== undefined && max !== undefined && max < min) {
    throw new BadRequest("'maxDuration' should be greater than 'minDuration'");
  }
  return { query, traceIds };
}

/** Does it, and says what it was about when it is wrong. */
export function wrapped<T>(about: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof GoError || error instanceof BadRequest)
      throw new BadRequest(`${about}: ${error.message}`);
    throw error;
  }
}

/** 1 to 32 hex digits, as 32. */
export function parseTraceId(text: string): string {
  if (text.length > 32) throw new BadRequest(`TraceID cannot be longer than 32 hex characters: ${text}`);
  const parts = text.length > 16 ? [text.slice(0, -16), text.slice(-16)] : [text];
  for (const part of parts) {
    if (!/^[0-9a-fA-F]+$/.test(part)) {
      throw new BadRequest(numberError("ParseUint", part, "invalid syntax").message);
    }
  }
  return text.toLowerCase().padStart(32, "0");
}

/** A parameter that was given and is not empty, read; else the fallback. */
export function parameter<T>(
  params: URLSearchParams,
  name: string,
  fallback: T,
  read: (text: string) => T,
): T {
  const text = params.get(name) ?? "";
  return text === "" ? fallback : wrapped(`unable to parse param '${name}'`, () => read(text));
}

export function integerParameter(params: URLSearchParams, name: string, fallback: number): number {
  return parameter(params, name, fallback, (text) => parseInteger(text, 64));
}

export function booleanParameter(params: URLSearchParams, name: string): boolean {
  return parameter(params, name, false, parseBoolean);
}

/** The only one that Jaeger does not name when it is wrong. */
function limitParameter(params: URLSearchParams): number {
  const text = params.get("limit") ?? "";
  if (text === "") return DEFAULT_LIMIT;
  try {
    return parseInteger(text, 32);
  } catch (error) {
    if (error instanceof GoError) throw new BadRequest(error.message);
    throw error;
  }
}

/** 0 is as good as none. */
function durationParameter(params: URLSearchParams, name: string): number | undefined {
  return parameter(params, name, 0, parseDuration) || undefined;
}

/** `tag=key:value`, repeatable, and `tags={"key":"value"}`. */
function tagParameters(params: URLSearchParams): Readonly<Record<string, string>> {
  const tags: Record<string, string> = {};
  for (const tag of params.getAll("tag")) {
    const colon = tag.indexOf(":");
    if (colon < 0) throw new BadRequest(`malformed 'tag' parameter, expecting key:value, received: ${tag}`);
    tags[tag.slice(0, colon)] = tag.slice(colon + 1);
  }
  for (const json of params.getAll("tags")) Object.assign(tags, parseTags(json, "tags"));
  return tags;
}

export function parseTags(json: string, name: string): Readonly<Record<string, string>> {
  return wrapped(`malformed '${name}' parameter, cannot unmarshal JSON`, () => parseStringMap(json));
}
