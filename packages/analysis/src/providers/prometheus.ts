import { evaluateTime, floatText } from "@tracegate/judge";
import type { HttpClient, HttpResponse } from "../http-client.ts";
import { durationMs } from "../metric-limits.ts";
import type { Answer, MeasurementContext, MetricProvider } from "../provider.ts";
import type { PrometheusMetric } from "../types.ts";
import { immediateProvider } from "./immediate.ts";

/** Asks a Prometheus API. `address` is used for metrics that name none. */
export function prometheusProvider(options: {
  http: HttpClient;
  now: () => number;
  address?: string;
}): MetricProvider {
  return immediateProvider(
    (context) => ask(options.http, context, options.address),
    options.now,
    ({ provider }) => ({ ResolvedPrometheusQuery: provider.prometheus?.query ?? "" }),
  );
}

async function ask(
  http: HttpClient,
  { metric, now, signal }: MeasurementContext,
  fallback: string | undefined,
): Promise<Answer> {
  const config = metric.provider.prometheus ?? {};
  const refused = unsupported(config);
  if (refused !== undefined) return { error: refused };
  const address = config.address === undefined || config.address === "" ? fallback : config.address;
  if (address === undefined) return { error: "prometheus address is not configured" };
  if (!URL.canParse(address) || !/^https?:/.test(address))
    return { error: "prometheus address is not is url format" };
  if ((config.timeout ?? 0) < 0) return { error: "prometheus timeout should not be negative" };
  const headers = requestHeaders(config);
  if ("error" in headers) return headers;
  const question = form(config, now);
  if ("error" in question) return question;
  const url = `${address.replace(/\/+$/, "")}/api/v1/${question.path}`;
  try {
    const response = await exchange(http, url, question.body, {
      headers: headers.headers,
      timeoutMs: (config.timeout || 30) * 1000,
      signal,
      insecure: config.insecure === true,
    });
    return read(response);
  } catch (error) {
    signal.throwIfAborted();
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

function unsupported({ authentication = {} }: PrometheusMetric): string | undefined {
  const used = (["oauth2", "sigv4"] as const).find((kind) =>
    Object.values(authentication[kind] ?? {}).some((value) => value !== ""),
  );
  return used === undefined ? undefined : `prometheus authentication ${used} is not supported`;
}

function requestHeaders(config: PrometheusMetric): { headers: Record<string, string> } | { error: string } {
  const headers = Object.fromEntries((config.headers ?? []).map(({ key, value }) => [key, value]));
  const { username = "", password = "" } = config.authentication?.basicAuth ?? {};
  if (username === "" && password === "") return { headers };
  if (username === "" || password === "")
    return {
      error: `missing mandatory parameter in metric for basic auth setup: ${username === "" ? "username" : "password"}`,
    };
  return {
    headers: {
      ...headers,
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`,
    },
  };
}

function form(
  { query = "", rangeQuery }: PrometheusMetric,
  now: number,
): { path: string; body: string } | { error: string } {
  const seconds = (ms: number): string => String(ms / 1000);
  if (rangeQuery === undefined)
    return { path: "query", body: new URLSearchParams({ query, time: seconds(now) }).toString() };
  const times: Record<string, string> = {};
  for (const name of ["start", "end"] as const) {
    const at = evaluateTime(rangeQuery[name] ?? "", now);
    if ("error" in at) return { error: `failed to parse rangeQuery.${name} as time: ${at.error}` };
    times[name] = seconds(at.ms);
  }
  const step = durationMs(rangeQuery["step"]);
  if (step === undefined)
    return {
      error: `failed to parse rangeQuery.step as duration: time: invalid duration ${JSON.stringify(rangeQuery["step"] ?? "")}`,
    };
  return {
    path: "query_range",
    body: new URLSearchParams({ query, ...times, step: seconds(step) }).toString(),
  };
}

interface ExchangeOptions {
  readonly headers: Record<string, string>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly insecure: boolean;
}

/** POST, as the official client does, falling back to GET where POST is not allowed. */
async function exchange(
  http: HttpClient,
  url: string,
  body: string,
  options: ExchangeOptions,
): Promise<HttpResponse> {
  const send = async (method: "POST" | "GET"): Promise<HttpResponse> => {
    const target = method === "GET" ? `${url}?${body}` : url;
    try {
      return await http({
        ...options,
        method,
        url: target,
        headers: {
          ...options.headers,
          ...(method === "POST" ? { "content-type": "application/x-www-form-urlencoded" } : {}),
        },
        ...(method === "POST" ? { body } : {}),
      });
    } catch (error) {
      throw new Error(
        `${method === "POST" ? "Post" : "Get"} "${target}": ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  };
  const posted = await send("POST");
  return posted.status === 405 || posted.status === 501 || posted.status === 403 ? send("GET") : posted;
}

interface ApiAnswer {
  status?: string;
  data?: { resultType?: string; result?: unknown };
  errorType?: string;
  error?: string;
  warnings?: string[];
}

function read({ status, body }: HttpResponse): Answer {
  // The client library's own errors: only these codes are expected to carry the API's explanation.
  const explained = status === 400 || status === 422 || (status >= 200 && status < 300);
  if (!explained) {
    if (status >= 400 && status < 500) return { error: `client_error: client error: ${status}` };
    if (status >= 500 && status < 600) return { error: `server_error: server error: ${status}` };
    return { error: `bad_response: bad response code ${status}` };
  }
  let answer: ApiAnswer;
  try {
    answer = JSON.parse(body) as ApiAnswer; // fields are looked at one by one below
  } catch (error) {
    return { error: `bad_response: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (answer.status === "error" || status >= 400)
    return { error: `${answer.errorType ?? ""}: ${answer.error ?? ""}` };
  const values = sampleValues(answer.data?.resultType, answer.data?.result);
  if (values === undefined) return { error: "Prometheus metric type not supported" };
  const metadata = answer.warnings?.length
    ? { metadata: { warnings: answer.warnings.map((text) => JSON.stringify(text)).join(", ") } }
    : {};
  if (typeof values === "number") return { result: values, text: floatText(values), ...metadata };
  return { result: Float64Array.from(values), text: `[${values.map(floatText).join(",")}]`, ...metadata };
}

type Sample = readonly [number, string];

function sampleValues(type: string | undefined, result: unknown): number | number[] | undefined {
  if (type === "scalar") return parseSample(result as Sample); // the API's fixed shape
  if (!Array.isArray(result)) return undefined;
  if (type === "vector") return (result as { value: Sample }[]).map(({ value }) => parseSample(value));
  if (type === "matrix")
    return (result as { values: Sample[] }[]).flatMap(({ values }) => values.map(parseSample));
  return undefined;
}

const parseSample = ([, text]: Sample): number =>
  text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);
