import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, type Tracer } from "@opentelemetry/api";
import { inSpan, propagator } from "./telemetry.ts";

/** The scope under which Go's HTTP instrumentation reports; kept so that searches by scope find the same spans. */
export const httpScope = "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp";

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
}
export type Handler = (ctx: Context, url: URL) => Promise<Answer>;

export interface Route {
  /** Absent: served without a span, as `/metrics` and `/debug/vars` are. */
  readonly tracer?: Tracer;
  readonly handle: Handler;
}

/** An HTTP server whose traced routes make one SERVER span a request, with the attributes of HotROD's recorded ones. */
export function createTracedServer(routes: ReadonlyMap<string, Route>, port: number): Server {
  return createServer((req, res) => {
    const url = new URL(req.url ?? "/", "http://localhost");
    const route = routes.get(url.pathname);
    if (route === undefined) return send(res, { status: 404, body: "404 page not found\n" });
    if (route.tracer === undefined) {
      route.handle(ROOT_CONTEXT, url).then(
        (answer) => send(res, answer),
        (error) => send(res, failure(error)),
      );
      return;
    }
    void serveTraced(req, res, url, { tracer: route.tracer, handle: route.handle }, port);
  });
}

async function serveTraced(
  req: IncomingMessage,
  res: ServerResponse,
  url: URL,
  route: { tracer: Tracer; handle: Handler },
  port: number,
): Promise<void> {
  const parent = propagator.extract(ROOT_CONTEXT, req.headers, headerGetter);
  const peer = (req.socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  const span = route.tracer.startSpan(
    url.pathname,
    {
      kind: SpanKind.SERVER,
      attributes: {
        "server.address": hostOf(req.headers.host),
        "http.request.method": req.method ?? "GET",
        "url.scheme": "http",
        "server.port": port,
        "network.peer.address": peer,
        "network.peer.port": req.socket.remotePort ?? 0,
        "user_agent.original": req.headers["user-agent"] ?? "",
        "client.address": peer,
        "url.path": url.pathname,
        "network.protocol.version": req.httpVersion,
        "http.route": url.pathname,
      },
    },
    parent,
  );
  const { traceId, spanId } = span.spanContext();
  res.setHeader("traceresponse", `00-${traceId}-${spanId}-01`);
  await inSpan(span, parent, async (ctx) => {
    const answer = await route.handle(ctx, url).catch(failure);
    // The page comes from a file server, whose bytes Go's instrumentation does not count.
    if (url.pathname !== "/") span.setAttribute("http.response.body.size", Buffer.byteLength(answer.body));
    span.setAttribute("http.response.status_code", answer.status);
    if (answer.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    send(res, answer);
  });
}

const agent = new Agent({ keepAlive: true });

/** A GET in a CLIENT span `HTTP GET`; statuses from 400 on mark the span as failed. Rejects when there is no answer. */
export async function tracedGet(tracer: Tracer, ctx: Context, url: string): Promise<Answer> {
  const target = new URL(url);
  const span = tracer.startSpan(
    "HTTP GET",
    {
      kind: SpanKind.CLIENT,
      attributes: {
        "http.request.method": "GET",
        "url.full": url,
        "server.address": target.hostname,
        "server.port": Number(target.port),
        "network.protocol.version": "1.1",
      },
    },
    ctx,
  );
  return inSpan(span, ctx, async (spanCtx) => {
    const headers: Record<string, string> = { "user-agent": "Go-http-client/1.1" };
    propagator.inject(spanCtx, headers, headerSetter);
    try {
      const answer = await get(target, headers);
      span.setAttribute("http.response.status_code", answer.status);
      if (answer.status >= 400) {
        span.setAttribute("error.type", String(answer.status));
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      return answer;
    } catch (error) {
      span.recordException(error as Error); // node:http rejects with Error only
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    }
  });
}

function get(target: URL, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request(target, { agent, headers, timeout: 30_000 }, (res) => {
      const chunks: Buffer[] = [];
      res.on("data", (chunk: Buffer) => chunks.push(chunk));
      res.on("end", () => resolve({ status: res.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      res.on("error", reject);
    });
    req.on("timeout", () => req.destroy(new Error(`Get "${target.href}": context deadline exceeded`)));
    req.on("error", reject);
    req.end();
  });
}

function send(res: ServerResponse, answer: Answer): void {
  res.writeHead(answer.status, { "content-type": answer.contentType ?? "text/plain; charset=utf-8" });
  res.end(answer.body);
}

/** `http.Error` of Go adds a line end to the message. */
export const httpError = (status: number, message: string): Answer => ({ status, body: `${message}\n` });
const failure = (error: unknown): Answer =>
  httpError(500, error instanceof Error ? error.message : String(error));

const hostOf = (host: string | undefined): string => (host ?? "").replace(/:\d+$/, "");

const headerGetter = {
  get: (headers: IncomingMessage["headers"], name: string) => headers[name],
  keys: (headers: IncomingMessage["headers"]) => Object.keys(headers),
};
const headerSetter = {
  set: (headers: Record<string, string>, name: string, value: string) => {
    headers[name] = value;
  },
};
