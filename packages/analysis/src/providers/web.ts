import { fromJson } from "@tracegate/judge";
import { goJson } from "@tracegate/kube";
import type { HttpClient } from "../http-client.ts";
import { jsonPathFirst } from "../json-path.ts";
import type { Answer, MeasurementContext, MetricProvider } from "../provider.ts";
import { immediateProvider } from "./immediate.ts";

/** Asks any HTTP endpoint that answers JSON. */
export function webProvider(options: { http: HttpClient; now: () => number }): MetricProvider {
  return immediateProvider((context) => ask(options.http, context), options.now);
}

async function ask(http: HttpClient, { metric, signal }: MeasurementContext): Promise<Answer> {
  const web = metric.provider.web ?? { url: "" };
  const method = web.method === undefined || web.method === "" ? "GET" : web.method;
  if (web.body !== undefined && web.body !== "" && web.jsonBody !== undefined)
    return { error: "use either Body or JSONBody; both cannot exists for WebMetric payload" };
  const body = web.jsonBody === undefined ? web.body : goJson(web.jsonBody);
  if (body !== undefined && body !== "" && method === "GET")
    return { error: "Body/JSONBody can only be used with POST or PUT WebMetric Method types" };
  if (Object.values(web.authentication?.oauth2 ?? {}).some((value) => value !== ""))
    return { error: "web authentication oauth2 is not supported" };
  if (!URL.canParse(web.url)) return { error: `parse ${JSON.stringify(web.url)}: invalid URI for request` };
  const headers = Object.fromEntries((web.headers ?? []).map(({ key, value }) => [key, value]));
  if (web.jsonBody !== undefined) headers["Content-Type"] = "application/json";
  try {
    const response = await http({
      method,
      url: web.url,
      headers,
      ...(body === undefined || body === "" ? {} : { body }),
      timeoutMs: (web.timeoutSeconds || 10) * 1000,
      signal,
      insecure: web.insecure === true,
    });
    if (response.status < 200 || response.status >= 300)
      return { error: `received non 2xx response code: ${response.status}` };
    return read(response.body, web.jsonPath);
  } catch (error) {
    signal.throwIfAborted();
    const verb = method.charAt(0) + method.slice(1).toLowerCase();
    return { error: `${verb} "${web.url}": ${error instanceof Error ? error.message : String(error)}` };
  }
}

function read(body: string, jsonPath: string | undefined): Answer {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { result: body, text: body }; // not JSON: the text itself, whatever jsonPath says
  }
  const found = jsonPathFirst(json, jsonPath === undefined || jsonPath === "" ? "{$}" : jsonPath);
  if ("error" in found) return { error: `Could not find JSONPath in body: ${found.error}` };
  return { result: fromJson(found.value), text: goJson(sorted(found.value)) };
}

/** Go writes maps with sorted keys. */
const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === "object" && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, item]) => [key, sorted(item)]),
        )
      : value;
