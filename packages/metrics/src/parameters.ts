import type { IncomingMessage } from "node:http";
import { parseDuration } from "@tracegate/promql";
import { ApiError, invalidParameter } from "./api-error.ts";

/** A form or query is a page of text; more is a mistake. */
const BODY_LIMIT = 4 << 20;

/** Bounds that some clients send for "all of time", beyond what dates can express. */
const EXTREMES: ReadonlyMap<string, number> = new Map([
  ["-292273086-05-16T16:47:06Z", -Number.MAX_SAFE_INTEGER],
  ["292277025-08-18T07:12:54.999999999Z", Number.MAX_SAFE_INTEGER],
  ["292277025-08-18T07:12:54.999Z", Number.MAX_SAFE_INTEGER],
]);

/** Parameters from the URL and, for a POST, its form; those of the form come first. */
export async function readParameters(request: IncomingMessage, url: URL): Promise<URLSearchParams> {
  if (request.method !== "POST") return url.searchParams;
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > BODY_LIMIT)
      throw new ApiError("bad_data", "error parsing form values: http: request body too large");
    parts.push(part);
  }
  const type = request.headers["content-type"]?.split(";")[0]?.trim();
  if (type !== "application/x-www-form-urlencoded") return url.searchParams;
  return new URLSearchParams([
    ...new URLSearchParams(Buffer.concat(parts).toString("utf8")),
    ...url.searchParams,
  ]);
}

/** Unix seconds or RFC 3339, in milliseconds. */
export function timeParameter(params: URLSearchParams, name: string): number | undefined {
  const text = params.get(name);
  if (text === null || text === "") return undefined;
  const ms = parseTime(text);
  if (ms === undefined) {
    const what = `cannot parse ${JSON.stringify(text)} to a valid timestamp`;
    throw invalidParameter(name, `invalid time value for '${name}': ${what}`);
  }
  return ms;
}

export function requiredTime(params: URLSearchParams, name: string): number {
  const ms = timeParameter(params, name);
  if (ms === undefined) throw invalidParameter(name, 'cannot parse "" to a valid timestamp');
  return ms;
}

function parseTime(text: string): number | undefined {
  const extreme = EXTREMES.get(text);
  if (extreme !== undefined) return extreme;
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  if (!/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** Seconds as a number, or a Prometheus duration; in milliseconds. */
export function durationParameter(params: URLSearchParams, name: string): number | undefined {
  const text = params.get(name);
  if (text === null || text === "") return undefined;
  const seconds = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined;
  const ms = seconds === undefined ? parseDuration(text) : Math.round(seconds * 1000);
  if (typeof ms === "number") return ms;
  throw invalidParameter(name, `cannot parse ${JSON.stringify(text)} to a valid duration`);
}

/** 0 is no limit. */
export function limitParameter(params: URLSearchParams, name = "limit"): number {
  const text = params.get(name) ?? "";
  if (text === "") return 0;
  if (!/^-?\d+$/.test(text))
    throw invalidParameter(name, `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  const limit = Number(text);
  if (limit < 0) throw invalidParameter(name, "limit must be non-negative");
  return limit;
}
