import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { RequestMetrics, routeLabel } from "./request-metrics.ts";
import { type Answer, type Context, type Health, type Route, routes } from "./routes.ts";
import type { Settings } from "./settings.ts";

export interface PodinfoOptions {
  readonly settings: Settings;
  readonly version: string;
  readonly hostname: string;
  readonly env: NodeJS.ProcessEnv;
  /** In [0, 1). */
  readonly chance: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly exit: (code: number) => void;
}

export interface Podinfo {
  /** Serves everything; not yet listening. */
  readonly server: Server;
  /** Serves `/metrics` and `/healthz` alone; not yet listening. */
  readonly metricsServer: Server;
  readonly health: Health;
}

export function createPodinfo(options: PodinfoOptions): Podinfo {
  const { settings } = options;
  const health: Health = { healthy: !settings.unhealthy, ready: !settings.unready };
  const metrics = new RequestMetrics();

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const found = findRoute(path, request.method ?? "GET");
    // Requests without a route are not counted: podinfo's middleware does not see them.
    if (typeof found === "number") return send(response, withoutRoute(found));
    const startedMs = options.nowMs();
    const answer = await answerRoute(found.route, found.number, request);
    const labels = {
      method: request.method ?? "GET",
      path: routeLabel(found.route.name),
      status: answer.status,
    };
    metrics.observe(labels, (options.nowMs() - startedMs) / 1000);
    send(response, answer);
  };

  const answerRoute = async (route: Route, number: number, request: IncomingMessage): Promise<Answer> => {
    const delay = settings.randomDelay;
    if (delay) await options.sleep(delay.minMs + options.chance() * (delay.maxMs - delay.minMs));
    if (settings.randomError && options.chance() < 1 / 3) return randomError(options.chance());
    const context: Context = { ...options, health, request, number, metrics: () => metrics.render() };
    return route.answer(context);
  };

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  server.setTimeout(settings.serverTimeoutMs);

  const metricsServer = createServer((request, response) => {
    if (request.url === "/healthz") return send(response, { status: 200, body: "OK" });
    if (request.url !== "/metrics") return send(response, withoutRoute(404));
    const headers = { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" };
    send(response, { status: 200, headers, body: metrics.render() });
  });
  return { server, metricsServer, health };
}

/** The route of a request, or 404, or 405 where the path is known but not with this method. */
function findRoute(
  path: string,
  method: string,
): { readonly route: Route; readonly number: number } | 404 | 405 {
  let status: 404 | 405 = 404;
  for (const route of routes) {
    const match = route.path.exec(path);
    if (!match) continue;
    if (!route.methods || route.methods.includes(method)) return { route, number: Number(match[1] ?? 0) };
    status = 405;
  }
  return status;
}

function withoutRoute(status: 404 | 405): Answer {
  if (status === 405) return { status };
  const headers = { "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff" };
  return { status, headers, body: "404 page not found\n" };
}

function randomError(chance: number): Answer {
  return { status: [500, 400, 409][Math.floor(chance * 3)] ?? 500 };
}

/** A status that HTTP cannot end an answer with (`/status/42`) breaks the connection, as a panic in Go's server does. */
function send(response: ServerResponse, { status, headers = {}, body }: Answer): void {
  if (status < 200 || status > 999) {
    response.destroy();
    return;
  }
  const length = status === 204 || status === 304 ? {} : { "Content-Length": Buffer.byteLength(body ?? "") };
  response.writeHead(status, { ...headers, ...length });
  response.end(body);
}
