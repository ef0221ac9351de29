import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { OtlpGrpcListener, Payload } from "@tracegate/otlp";
import { listenGrpc, otlpHttpHandler } from "@tracegate/otlp";
import { type Answer, answerApi } from "./jaeger/api.ts";
import { answerApiV3 } from "./jaeger/api-v3.ts";
import { pageFile } from "./page/page.ts";
import type { TraceStoreOptions } from "./trace-store.ts";
import { TraceStore } from "./trace-store.ts";

/** A Unix socket's path, or a port on loopback (0: any free one). */
export type Listen = { readonly path: string } | { readonly port: number };

/** A listener that is up. `port` is 0 for a Unix socket. */
export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

export interface Traces {
  readonly store: TraceStore;
  /** Jaeger's query API and a page to read traces on. */
  readonly handler: RequestListener;
  /** Resolves once the spans are durable. */
  ingest(payload: Payload<"traces">): Promise<void>;
  /** OTLP/gRPC in; what jaeger-collector:4317 forwards to. */
  listenGrpc(at: Listen): Promise<Listening>;
  /** OTLP/HTTP in; what jaeger-collector:4318 forwards to. */
  listenHttp(at: Listen): Promise<Listening>;
  /** Stops the listeners, commits what waits, closes the file. */
  close(): Promise<void>;
}

/** The trace store and all that speaks to it. */
export function createTraces(options: TraceStoreOptions): Traces {
  const store = new TraceStore(options);
  const consumers = { traces: (payload: Payload<"traces">) => store.ingest(payload) };
  const open: Listening[] = [];
  const kept = (listening: Listening) => {
    open.push(listening);
    return listening;
  };
  return {
    store,
    handler: queryHandler(store, options),
    ingest: consumers.traces,
    async listenGrpc(at) {
      const address = "path" in at ? `unix:${at.path}` : `127.0.0.1:${at.port}`;
      const listener: OtlpGrpcListener = await listenGrpc(address, {
        consumers,
        maxMessageBytes: 64 * 1024 * 1024,
      });
      return kept({ port: "path" in at ? 0 : listener.port, close: () => listener.close() });
    },
    listenHttp: async (at) => kept(await listenServer(createServer(otlpHttpHandler({ consumers })), at)),
    async close() {
      await Promise.all(open.map((listening) => listening.close()));
      store.close();
    },
  };
}

function queryHandler(store: TraceStore, { clock }: TraceStoreOptions): RequestListener {
  return (request, response) => {
    const url = URL.parse(request.url ?? "/", "http://traces");
    if (url === null) return send(response, { status: 400, contentType: TEXT, body: "400 bad request\n" });
    if (request.method !== "GET" && request.method !== "HEAD") {
      return send(response, { status: 405, contentType: TEXT, body: "405 method not allowed\n" });
    }
    try {
      send(response, answer(url, store, clock.now()) ?? NOT_FOUND);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      send(response, { status: 500, contentType: TEXT, body: `${message}\n` });
    }
  };
}

const TEXT = "text/plain; charset=utf-8";
const NOT_FOUND: Answer = { status: 404, contentType: TEXT, body: "404 page not found\n" };

function answer(url: URL, store: TraceStore, nowMs: number): Answer | undefined {
  const [first, ...rest] = url.pathname.split("/").slice(1);
  if (first === "healthz") return { status: 200, contentType: TEXT, body: "ok\n" };
  if (first !== "api") return pageFile(url.pathname);
  if (rest[0] === "v3") return answerApiV3(rest.slice(1), url.searchParams, store);
  return answerApi(rest, url.searchParams, store, nowMs);
}

function send(response: ServerResponse, { status, contentType, body }: Answer): void {
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    "x-content-type-options": "nosniff",
    ...(contentType.startsWith("text/html") ? { "content-security-policy": "default-src 'self'" } : {}),
  });
  response.end(body);
}

function listenServer(server: Server, at: Listen): Promise<Listening> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen("path" in at ? { path: at.path } : { port: at.port, host: "127.0.0.1" }, () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      resolve({ port, close: () => closeServer(server) });
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    // A client that trickles its request must not hold up the shutdown.
    setTimeout(() => server.closeAllConnections(), 1000).unref();
  });
}
