import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type Answer, BodyTooLarge, errorText, tooLarge } from "./answer.ts";
import type { Context, Health } from "./context.ts";
import { refuseHandshake, serveEchoSocket } from "./echo-socket.ts";
import { exposition, type Family } from "./exposition.ts";
import { randomError } from "./faults.ts";
import type { Log } from "./log.ts";
import { RequestMetrics, routeLabel } from "./request-metrics.ts";
import { readTarget } from "./request-path.ts";
import { findRoute, type Route } from "./routes.ts";
import { send } from "./send.ts";
import type { Settings } from "./settings.ts";

export interface PodinfoOptions {
  readonly settings: Settings;
  readonly version: string;
  readonly hostname: string;
  readonly env: NodeJS.ProcessEnv;
  /** In [0, 1). */
  readonly chance: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Calls again and again until the function that it returns is called. */
  readonly every: (ms: number, call: () => void) => () => void;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly now: () => Date;
  readonly log: Log;
  readonly exit: (code: number) => void;
  /** What is to be told of the process beside the requests. */
  readonly processMetrics: () => Promise<readonly Family[]>;
}

export interface Podinfo {
  /** Serves everything; not yet listening. */
  readonly server: Server;
  /** Serves `/metrics` and `/healthz` alone; not yet listening. */
  readonly metricsServer: Server;
  readonly health: Health;
}

export function createPodinfo(options: PodinfoOptions): Podinfo {
  const { settings, log } = options;
  const health: Health = { healthy: !settings.unhealthy, ready: !settings.unready };
  const counted = new RequestMetrics();

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const startedMs = options.nowMs();
    const lateMs =
      settings.serverTimeoutMs > 0 ? startedMs + settings.serverTimeoutMs : Number.POSITIVE_INFINITY;
    const isLate = () => options.nowMs() > lateMs;
    const found = locate(request);
    // Requests without a route are not counted: podinfo's middleware does not see them.
    if ("answer" in found) return send(request, response, found.answer, isLate);
    logRequest(request);
    const answer = await routeAnswer(found.route, found.parameter, request);
    if (answer === "abort") return send(request, response, answer, isLate);
    const streamed = typeof answer.body === "object" && !Buffer.isBuffer(answer.body);
    // What a stream says comes after its head: it counts when it ends.
    if (streamed) await send(request, response, answer, isLate);
    observe(request, found.route, answer.status, startedMs);
    if (!streamed) await send(request, response, answer, isLate);
  };

  /** A WebSocket where one may begin; any other request is answered as if it had not asked for more. */
  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const found = locate(request);
    if ("answer" in found || found.route.path !== "/ws/echo" || refuseHandshake(request)) {
      return serveWithoutUpgrade(request, socket);
    }
    const startedMs = options.nowMs();
    logRequest(request);
    const fault = await chaos();
    if (fault) return serveWithoutUpgrade(request, socket, fault);
    const { hostname, now, every } = options;
    await serveEchoSocket({ request, socket, head, hostname, now, every });
    observe(request, found.route, 200, startedMs);
  };

  const serveWithoutUpgrade = async (request: IncomingMessage, socket: Duplex, fault?: Answer) => {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    // The server's sockets are of node:net.
    response.assignSocket(socket as import("node:net").Socket);
    response.once("finish", () => socket.end());
    return fault ? send(request, response, fault, () => false) : serve(request, response);
  };

  const routeAnswer = async (route: Route, parameter: string, request: IncomingMessage): Promise<Answer> => {
    const fault = await chaos();
    if (fault) return fault;
    const nowSeconds = () => Math.floor(options.now().getTime() / 1000);
    const context: Context = {
      ...options,
      health,
      request,
      parameter,
      nowSeconds,
      metrics: () => metrics(request),
    };
    try {
      return await route.answer(context);
    } catch (error) {
      if (error instanceof BodyTooLarge) return tooLarge;
      log("error", "http/server", "serving failed", { path: route.path, error: String(error) });
      return "abort";
    }
  };

  /** The delay and the failure that the flags ask for, before a route's own answer. */
  const chaos = async (): Promise<Answer | undefined> => {
    const delay = settings.randomDelay;
    if (delay) {
      // podinfo's draw from an empty range breaks the connection.
      if (delay.min === delay.max) return "abort";
      await options.sleep(
        (delay.min + Math.floor(options.chance() * (delay.max - delay.min))) * delay.unitMs,
      );
    }
    return settings.randomError && options.chance() < 1 / 3 ? randomError(options.chance()) : undefined;
  };

  const observe = (request: IncomingMessage, route: Route, status: number, startedMs: number) => {
    const labels = { method: request.method ?? "GET", path: routeLabel(route.name ?? route.path), status };
    counted.observe(labels, (options.nowMs() - startedMs) / 1000);
  };

  const logRequest = ({ httpVersion, url, method, socket, headers }: IncomingMessage) =>
    log("debug", "http/logging", "request started", {
      proto: `HTTP/${httpVersion}`,
      uri: url,
      method,
      remote: hostAndPort(socket.remoteAddress ?? "", socket.remotePort),
      "user-agent": headers["user-agent"] ?? "",
    });

  const metrics = async (request: IncomingMessage): Promise<Answer> => {
    const body = exposition([...counted.families(), ...(await options.processMetrics())]);
    counted.observeScrape();
    const headers = { "Content-Type": "text/plain; version=0.0.4; charset=utf-8; escaping=underscores" };
    if (!/\bgzip\b/.test(String(request.headers["accept-encoding"] ?? "")))
      return { status: 200, headers, body };
    const { gzipSync } = await import("node:zlib");
    return { status: 200, headers: { ...headers, "Content-Encoding": "gzip" }, body: gzipSync(body) };
  };

  const server = createServer((request, response) => void serve(request, response));
  server.on("upgrade", (request, socket, head) => void upgrade(request, socket, head));
  server.headersTimeout = settings.serverTimeoutMs;
  server.requestTimeout = settings.serverTimeoutMs;
  server.keepAliveTimeout = 2 * settings.serverTimeoutMs;

  const metricsServer = createServer(async (request, response) => {
    const target = readTarget(request.url ?? "/");
    const path = typeof target === "object" && "path" in target ? target.path : "";
    const answer: Answer =
      path === "/metrics"
        ? await metrics(request)
        : path === "/healthz"
          ? { status: 200, body: "OK" }
          : notFound;
    await send(request, response, answer, () => false);
  });
  return { server, metricsServer, health };
}

/** As Go writes an address: IPv4 as such though it came to an IPv6 socket, IPv6 in brackets. */
function hostAndPort(address: string, port: number | undefined): string {
  const host = address.replace(/^::ffff:/, "");
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

const notFound = errorText(404, "404 page not found");

/** The route of a request, or the answer to one that has none. */
function locate(
  request: IncomingMessage,
): Exclude<ReturnType<typeof findRoute>, number> | { readonly answer: Answer } {
  const target = readTarget(request.url ?? "/");
  if (target === "malformed") {
    const headers = { "Content-Type": "text/plain; charset=utf-8", Connection: "close" };
    return { answer: { status: 400, headers, body: "400 Bad Request" } };
  }
  if ("redirect" in target) return { answer: { status: 301, headers: { Location: target.redirect } } };
  const found = findRoute(target.path, request.method ?? "GET");
  if (typeof found === "object") return found;
  return { answer: found === 405 ? { status: 405 } : notFound };
}
