import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import type { Clock } from "@tracegate/contracts";
import { parse, print } from "@tracegate/promql";
import type { ScrapePool } from "@tracegate/scrape";
import type { Tsdb } from "@tracegate/tsdb";
import { type ApiError, asApiError } from "./api-error.ts";
import { answerBody, errorBody } from "./envelope.ts";
import { federate } from "./federation.ts";
import { readParameters } from "./parameters.ts";
import { type Answer, answerQuery, answerRangeQuery } from "./queries.ts";
import { answerLabels, answerLabelValues, answerSeries } from "./series-api.ts";
import {
  answerMetadata,
  answerScrapePools,
  answerTargets,
  answerTsdbStatus,
  BUILD_INFO,
  ownMetrics,
} from "./status-api.ts";

export interface HandlerParts {
  readonly clock: Clock;
  readonly tsdb: Tsdb;
  readonly pools: () => readonly ScrapePool[];
  readonly timeoutMs: number;
  readonly maxSamples: number;
}

interface Route {
  readonly post: boolean;
  readonly answer: (params: URLSearchParams) => Answer;
}

const json = (value: unknown): Answer => ({ data: JSON.stringify(value) });
const EXPLORER = readFileSync(new URL("./explorer.html", import.meta.url), "utf8");
/** The page is one file: its own script and style, requests to its own origin, nothing else. */
const EXPLORER_POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'";
const GZIP_FROM = 1024;

/** Prometheus' HTTP face: /api/v1, health, federation, our own metrics, and a page for people at `/`. */
export function prometheusHandler(
  parts: HandlerParts,
): (request: IncomingMessage, response: ServerResponse) => void {
  const routes = routesOf(parts);
  const started = parts.clock.now();
  routes.set("/status/runtimeinfo", { post: false, answer: () => json(runtimeInfo(parts, started)) });

  return (request, response) => {
    const url = URL.parse(request.url ?? "/", "http://localhost");
    if (url === null) return sendText(response, 400, "400 Bad Request\n");
    respond(request, response, url, parts, routes).catch((error: unknown) => {
      sendError(request, response, asApiError(error));
    });
  };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  parts: HandlerParts,
  routes: ReadonlyMap<string, Route>,
): Promise<void> {
  const { pathname } = url;
  if (pathname.startsWith("/api/v1/")) {
    const path = pathname.slice("/api/v1".length);
    if (request.method === "OPTIONS") return sendText(response, 204, "");
    const route = routes.get(path) ?? labelRoute(path, parts);
    if (route === undefined) return sendText(response, 404, "404 page not found\n");
    const allowed =
      request.method === "GET" || request.method === "HEAD" || (request.method === "POST" && route.post);
    if (!allowed) return sendText(response, 405, "Method Not Allowed\n");
    const params = await readParameters(request, url);
    return sendJson(request, response, 200, answerBody(route.answer(params)));
  }
  if (request.method !== "GET" && request.method !== "HEAD")
    return sendText(response, 405, "Method Not Allowed\n");
  switch (pathname) {
    case "/-/healthy":
      return sendText(response, 200, "Prometheus Server is Healthy.\n");
    case "/-/ready":
      return sendText(response, 200, "Prometheus Server is Ready.\n");
    case "/metrics":
      return sendText(response, 200, ownMetrics(parts.tsdb, parts.pools()), EXPOSITION);
    case "/federate":
      return sendText(response, 200, federate(url.searchParams, parts.tsdb, parts.clock.now()), EXPOSITION);
    case "/version":
      return sendText(response, 200, JSON.stringify(BUILD_INFO), "application/json");
    case "/query":
    case "/graph":
      response.writeHead(302, { Location: `/${url.search}` }).end();
      return;
    case "/":
      response.setHeader("Content-Security-Policy", EXPLORER_POLICY);
      return sendText(response, 200, EXPLORER, "text/html; charset=utf-8");
    default:
      return sendText(response, 404, "404 page not found\n");
  }
}

function routesOf({ clock, tsdb, pools, timeoutMs, maxSamples }: HandlerParts): Map<string, Route> {
  const settings = { source: tsdb, clock, timeoutMs, maxSamples };
  const get = (answer: Route["answer"]): Route => ({ post: false, answer });
  const both = (answer: Route["answer"]): Route => ({ post: true, answer });
  return new Map<string, Route>([
    ["/query", both((params) => answerQuery(params, settings))],
    ["/query_range", both((params) => answerRangeQuery(params, settings))],
    ["/format_query", both((params) => json(print(parse(params.get("query") ?? ""))))],
    ["/query_exemplars", both(() => json([]))],
    ["/series", both((params) => answerSeries(params, tsdb))],
    ["/labels", both((params) => answerLabels(params, tsdb))],
    ["/metadata", get((params) => answerMetadata(params, pools()))],
    ["/targets", get((params) => answerTargets(params, pools()))],
    ["/scrape_pools", get(() => answerScrapePools(pools()))],
    ["/status/buildinfo", get(() => json(BUILD_INFO))],
    ["/status/tsdb", get((params) => answerTsdbStatus(params, tsdb))],
    // There are no rules and no alerts here, so these are true, and dashboards that ask are content.
    ["/rules", get(() => json({ groups: [] }))],
    ["/alerts", get(() => json({ alerts: [] }))],
    ["/alertmanagers", get(() => json({ activeAlertmanagers: [], droppedAlertmanagers: [] }))],
  ]);
}

function labelRoute(path: string, { tsdb }: HandlerParts): Route | undefined {
  const name = /^\/label\/([^/]+)\/values$/.exec(path)?.[1];
  if (name === undefined) return undefined;
  return { post: false, answer: (params) => answerLabelValues(params, tsdb, decodeURIComponent(name)) };
}

function runtimeInfo({ clock, tsdb }: HandlerParts, started: number) {
  return {
    startTime: new Date(started).toISOString(),
    serverTime: new Date(clock.now()).toISOString(),
    reloadConfigSuccess: true,
    corruptionCount: tsdb.stats().walDamaged,
  };
}

const EXPOSITION = "text/plain; version=0.0.4; charset=utf-8";

function sendError(request: IncomingMessage, response: ServerResponse, error: ApiError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  sendJson(request, response, error.status, errorBody(error));
}

function sendJson(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
  response.setHeader("Content-Type", "application/json");
  const packs = text.length >= GZIP_FROM && /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
  const body = packs ? gzipSync(text) : Buffer.from(text);
  if (packs) response.setHeader("Content-Encoding", "gzip");
  response.writeHead(status, { "Content-Length": body.length });
  response.end(body);
}

function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  type = "text/plain; charset=utf-8",
): void {
  response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}
