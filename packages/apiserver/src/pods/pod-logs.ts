import { once } from "node:events";
import { invalid as invalidField, parseTime } from "@tracegate/kube";
import type { Api } from "../core/api.ts";
import { badRequest, invalid } from "../core/refusals.ts";
import type { Exchange } from "../http/exchange.ts";
import { wholeNumber } from "../http/query-options.ts";
import { isTrue, type ResourcePath } from "../http/request-info.ts";
import type { PodAccess, PodLogRequest } from "./pod-access.ts";

/** `GET …/pods/NAME/log`: the raw bytes, streamed at the pace of the reader. */
export async function streamLog(
  api: Api,
  pods: PodAccess,
  path: ResourcePath,
  { response, info }: Exchange,
): Promise<void> {
  const left = new AbortController();
  response.once("close", () => left.abort());
  const wish = logRequest(info.query, path, api.clock.now());
  const chunks = await pods.logs({ ...wish, signal: left.signal });
  response.statusCode = 200;
  response.setHeader("Content-Type", "text/plain");
  response.flushHeaders();
  try {
    for await (const chunk of chunks) {
      if (response.destroyed) return;
      if (!response.write(chunk)) await Promise.race([once(response, "drain"), once(response, "close")]);
    }
    response.end();
  } catch (error) {
    if (!left.signal.aborted) throw error;
  }
}

function logRequest(
  query: URLSearchParams,
  { namespace = "", name = "" }: ResourcePath,
  now: number,
): PodLogRequest {
  const container = query.get("container");
  const tailLines = count(query, "tailLines", 0, name);
  const limitBytes = count(query, "limitBytes", 1, name);
  const since = sinceTime(query, now, name);
  return {
    namespace,
    name,
    follow: isTrue(query.get("follow")),
    previous: isTrue(query.get("previous")),
    timestamps: isTrue(query.get("timestamps")),
    ...(container === null || container === "" ? {} : { container }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(since === undefined ? {} : { since }),
  };
}

const LOG_OPTIONS = { group: "", kind: "PodLogOptions" };

function count(query: URLSearchParams, option: string, least: number, name: string): number | undefined {
  const text = query.get(option);
  if (text === null || text === "") return undefined;
  const value = wholeNumber(text);
  if (value >= least) return value;
  throw invalid(LOG_OPTIONS, name, [
    invalidField(option, value, `must be greater than or equal to ${least}`),
  ]);
}

function sinceTime(query: URLSearchParams, now: number, name: string): number | undefined {
  const seconds = query.get("sinceSeconds");
  const time = query.get("sinceTime");
  if (seconds && time) {
    const detail = "at most one of `sinceTime` or `sinceSeconds` may be specified";
    throw invalid(LOG_OPTIONS, name, [{ reason: "FieldValueForbidden", field: "", detail }]);
  }
  if (seconds) return now - Math.max(1, wholeNumber(seconds)) * 1000;
  if (!time) return undefined;
  const at = parseTime(time);
  if (at === undefined) throw badRequest(`parsing time ${JSON.stringify(time)} as RFC 3339 failed`);
  return at;
}
