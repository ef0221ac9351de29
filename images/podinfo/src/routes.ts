import type { IncomingMessage } from "node:http";
import { type Answer, errorText, failure, json } from "./answer.ts";
import { configs } from "./configs.ts";
import type { Context } from "./context.ts";
import { echo } from "./echo.ts";
import { refuseHandshake } from "./echo-socket.ts";
import { chunked, delay, panic, status } from "./faults.ts";
import { healthy, ready, setReady } from "./health.ts";
import { openApiDocument, openApiPage } from "./openapi.ts";
import { environment, headers, index, info, version } from "./release.ts";
import { read, write } from "./store.ts";
import { generate, validate } from "./tokens.ts";

export interface Route {
  /** `/a/{name}`: one part of digits or of anything; `/a/*`: whatever begins so. */
  readonly path: string;
  /** The route's name in the metrics where that is not its path. */
  readonly name?: string;
  /** None: any method. */
  readonly methods?: readonly string[];
  readonly answer: (context: Context) => Answer | Promise<Answer>;
}

/** In the order in which they are tried; a `{number}` is of digits. */
export const routes: readonly Route[] = [
  { path: "/metrics", answer: ({ metrics }) => metrics() },
  { path: "/debug/pprof/*", answer: () => refusal("/debug/pprof") },
  { path: "/", methods: ["GET"], answer: index },
  { path: "/version", methods: ["GET"], answer: version },
  { path: "/echo", answer: echo },
  { path: "/echo/*", answer: echo },
  { path: "/env", methods: ["GET", "POST"], answer: environment },
  { path: "/headers", methods: ["GET", "POST"], answer: headers },
  { path: "/delay/{number}", name: "delay", methods: ["GET"], answer: delay },
  { path: "/healthz", methods: ["GET"], answer: healthy },
  { path: "/readyz", methods: ["GET"], answer: ready },
  { path: "/readyz/enable", methods: ["POST"], answer: setReady(true) },
  { path: "/readyz/disable", methods: ["POST"], answer: setReady(false) },
  { path: "/panic", methods: ["GET"], answer: panic },
  { path: "/status/{number}", name: "status", methods: ["GET", "POST", "PUT"], answer: status },
  { path: "/store", methods: ["POST", "PUT"], answer: write },
  { path: "/store/{hash}", name: "store", methods: ["GET"], answer: read },
  { path: "/cache/{key}", methods: ["POST", "PUT"], answer: withoutCache },
  { path: "/cache/{key}", methods: ["DELETE"], answer: withoutCache },
  { path: "/cache/{key}", name: "cache", methods: ["GET"], answer: withoutCache },
  { path: "/configs", methods: ["GET"], answer: configs },
  { path: "/token", methods: ["POST"], answer: generate },
  { path: "/token/validate", methods: ["GET"], answer: validate },
  { path: "/api/info", methods: ["GET"], answer: info },
  { path: "/api/echo", answer: echo },
  { path: "/api/echo/*", answer: echo },
  // A handshake that is right does not come here.
  { path: "/ws/echo", answer: ({ request }) => refuseHandshake(request) ?? "abort" },
  { path: "/chunked", answer: chunked },
  { path: "/chunked/{number}", name: "/chunked/{wait:[0-9]+}", answer: chunked },
  { path: "/swagger/*", answer: ({ request, version: release }) => swagger(request, release) },
  { path: "/swagger.json", answer: () => ({ status: 200, body: openApiDocument() }) },
];

/** The route of a path (decoded) and what the path holds, or 404, or 405 where the path is known but not with this method. */
export function findRoute(
  path: string,
  method: string,
): { readonly route: Route; readonly parameter: string } | 404 | 405 {
  let missing: 404 | 405 = 404;
  for (const { route, pattern } of patterns) {
    const match = pattern.exec(path);
    if (!match) continue;
    if (!route.methods || route.methods.includes(method)) return { route, parameter: match[1] ?? "" };
    missing = 405;
  }
  return missing;
}

const patterns = routes.map((route) => {
  const text = route.path
    .replaceAll(".", "\\.")
    .replace("{number}", "([0-9]+)")
    .replace(/\{\w+\}/, "([^/]+)");
  return { route, pattern: new RegExp(text.endsWith("*") ? `^${text.slice(0, -1)}` : `^${text}$`) };
});

function withoutCache(): Answer {
  return failure(400, "cache server is offline");
}

function swagger(request: IncomingMessage, release: string): Answer {
  if (request.method !== "GET") return errorText(405, "Method not allowed");
  const file = (request.url ?? "").replace(/[?#].*$/s, "").replace(/^.*\/swagger\//, "");
  const html = { "Content-Type": "text/html; charset=utf-8" };
  if (file === "") {
    const to = "/swagger/index.html";
    return {
      status: 301,
      headers: { ...html, Location: to },
      body: `<a href="${to}">Moved Permanently</a>.\n\n`,
    };
  }
  if (file === "index.html") return { status: 200, headers: html, body: openApiPage(release) };
  if (file === "doc.json") {
    const headers = { "Content-Type": "application/json; charset=utf-8" };
    return { status: 200, headers, body: openApiDocument() };
  }
  return { status: 404, body: "Not Found" };
}

/** A part of podinfo that is left out, so that a caller learns why. */
function refusal(path: string): Answer {
  return json({ code: 501, message: `${path} is not implemented by the bundled podinfo` }, 501);
}
