import { SPAN_KINDS } from "@tracegate/otlp";
import type { Trace } from "../trace.ts";
import type { TraceStore } from "../trace-store.ts";
import { parseFloat64 } from "./go-values.ts";
import {
  BadRequest,
  booleanParameter,
  integerParameter,
  parseTraceId,
  searchParameters,
  wrapped,
} from "./parameters.ts";
import { shortTraceId, traceJson } from "./trace-json.ts";

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

interface ApiError {
  readonly code?: number;
  readonly msg: string;
  readonly traceID?: string;
}

const DAY_MS = 24 * 3_600_000;

/** Jaeger's JSON API (`/api/…`, version 2), its path as it was written. Undefined for a path that is none of its. */
export function answerApi(
  path: readonly string[],
  params: URLSearchParams,
  store: TraceStore,
  nowMs: number,
): Answer | undefined {
  try {
    const answer = route(path, params, store, nowMs);
    const pretty = params.get("prettyPrint") ?? "";
    if (answer === undefined || answer.status !== 200 || pretty === "" || pretty === "false") return answer;
    return { ...answer, body: JSON.stringify(JSON.parse(answer.body), null, 4) };
  } catch (error) {
    if (error instanceof BadRequest) return failure(400, error.message);
    throw error;
  }
}

function route(
  [resource, id, sub, ...rest]: readonly string[],
  params: URLSearchParams,
  store: TraceStore,
  nowMs: number,
): Answer | undefined {
  if (rest.length > 0) return undefined;
  if (resource === "services" && id === undefined) return list(store.services());
  if (resource === "services" && sub === "operations" && id !== undefined) {
    const names = new Set(store.operations(serviceOf(id)).map((o) => o.name));
    return names.size === 0 ? envelope(null, 0, []) : list([...names]);
  }
  if (resource === "operations" && id === undefined) return operations(params, store);
  if (resource === "traces" && sub === undefined) {
    return id === undefined ? search(params, store, nowMs) : oneTrace(parseTraceId(id), store);
  }
  if (resource === "dependencies" && id === undefined) return dependencies(params, store, nowMs);
  if (resource === "metrics" && sub === undefined) return metrics(id, params);
  return undefined;
}

function serviceOf(part: string): string {
  try {
    return decodeURIComponent(part.replaceAll("+", " "));
  } catch {
    return "";
  }
}

const METRICS_KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"];

/** There are none, but a question must be a right one all the same. */
function metrics(what: string | undefined, params: URLSearchParams): Answer | undefined {
  if (what !== "latencies" && what !== "calls" && what !== "errors" && what !== "minstep") return undefined;
  if (what === "latencies") {
    wrapped("unable to parse param 'quantile'", () => parseFloat64(params.get("quantile") ?? ""));
  }
  if (what !== "minstep") {
    if (!params.has("service")) {
      throw new BadRequest("unable to parse param 'service': please provide at least one service name");
    }
    booleanParameter(params, "groupByOperation");
    const kind = params.getAll("spanKind").find((k) => !METRICS_KINDS.includes(k));
    if (kind !== undefined) {
      throw new BadRequest(`unable to parse param 'spanKind': unsupported span kind: '${kind}'`);
    }
    for (const name of ["endTs", "lookback", "step", "ratePer"]) integerParameter(params, name, 0);
  }
  return failure(501, "metrics querying is currently disabled");
}

function operations(params: URLSearchParams, store: TraceStore): Answer {
  const service = params.get("service") ?? "";
  if (service === "") throw new BadRequest("parameter 'service' is required");
  return list(operationsOf(store, service, params.get("spanKind") ?? ""));
}

export function operationsOf(
  store: TraceStore,
  service: string,
  spanKind: string,
): { readonly name: string; readonly spanKind: string }[] {
  return store
    .operations(service)
    .map(({ name, kind }) => ({ name, spanKind: kind === 0 ? "" : (SPAN_KINDS[kind] ?? "").toLowerCase() }))
    .filter((o) => spanKind === "" || o.spanKind === spanKind);
}

function search(params: URLSearchParams, store: TraceStore, nowMs: number): Answer {
  const { query, traceIds } = searchParameters(params, nowMs);
  if (traceIds.length === 0) return traces(store.find(query), []);
  const found: Trace[] = [];
  const errors: ApiError[] = [];
  for (const traceID of traceIds) {
    const trace = store.trace(traceID);
    if (trace === undefined) errors.push({ msg: "trace not found", traceID: shortTraceId(traceID) });
    else found.push(trace);
  }
  return traces(found, errors);
}

function oneTrace(id: string, store: TraceStore): Answer {
  const trace = store.trace(id);
  return trace === undefined ? failure(404, "trace not found") : traces([trace], []);
}

function dependencies(params: URLSearchParams, store: TraceStore, nowMs: number): Answer {
  const endMs = integerParameter(params, "endTs", nowMs);
  const lookbackMs = integerParameter(params, "lookback", DAY_MS);
  const service = params.get("service") ?? "";
  const all = store.dependencies((endMs - lookbackMs) * 1000, endMs * 1000);
  return envelope(
    service === "" ? all : all.filter((d) => d.parent === service || d.child === service),
    0,
    [],
  );
}

/** Lists say how long they are; traces and dependencies, as Jaeger has it, do not. */
function list(data: readonly unknown[]): Answer {
  return envelope(data, data.length, []);
}

function traces(found: readonly Trace[], errors: readonly ApiError[]): Answer {
  return envelope(found.map(traceJson), 0, errors);
}

function envelope(data: unknown, total: number, errors: readonly ApiError[]): Answer {
  const body = JSON.stringify({
    data,
    total,
    limit: 0,
    offset: 0,
    errors: errors.length === 0 ? null : errors,
  });
  return { status: 200, contentType: "application/json", body };
}

function failure(status: number, msg: string): Answer {
  const body = JSON.stringify({ data: null, total: 0, limit: 0, offset: 0, errors: [{ code: status, msg }] });
  return { status, contentType: "text/plain; charset=utf-8", body: `${body}\n` };
}
