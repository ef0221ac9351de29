import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Scheduler, wallScheduler } from "@tracegate/controller-runtime";
import { Rollout } from "@tracegate/rollouts";
import { type ApiContext, type Route, route } from "./api.ts";
import { refusal } from "./guard.ts";
import { pageFile } from "./page.ts";
import { stream } from "./streams.ts";
import { followWorld, type World } from "./world.ts";

/** The largest body taken; what is sent to us are a few words. */
const bodyLimit = 64 * 1024;
/** How much may wait for a reader that is slower than what it follows; then its stream ends, and it asks again. */
const backlogLimit = 8 * 1024 * 1024;
const connectionLimit = 200;

export interface DashboardOptions extends ApiContext {
  /** 0: a free one. */
  readonly port: number;
  /** Path of the page, without slashes around it; empty: at the top. */
  readonly rootPath: string;
  /** Drawn anew for each start; see guard.ts. */
  readonly token: string;
}

/** Serves page and API on 127.0.0.1. Rejects where the port is taken. */
export async function serveDashboard(
  options: DashboardOptions,
): Promise<{ readonly port: number; close(): void }> {
  const dashboard = new Dashboard(options);
  const server = createServer((request, response) => {
    // What goes wrong here ends one answer, not the dashboard.
    dashboard.handle(request, response).catch(() => response.destroy());
  });
  server.maxConnections = connectionLimit;
  await listen(server, options.port);
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    close() {
      dashboard.stop();
      server.close();
      server.closeAllConnections();
    },
  };
}

class Dashboard {
  readonly #options: DashboardOptions;
  readonly #root: string;
  readonly #scheduler: Scheduler;
  readonly #stopping = new AbortController();
  /** Followed from the first stream on: who only asks now and then costs the cluster no watches. */
  #world: World | undefined;

  constructor(options: DashboardOptions) {
    this.#options = options;
    this.#root = options.rootPath === "" ? "" : `/${options.rootPath}`;
    this.#scheduler = wallScheduler(options.clock);
  }

  stop(): void {
    this.#stopping.abort();
    this.#world?.stop();
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET" } = request;
    const refused = refusal(request, this.#options.token);
    if (refused !== undefined) return json(response, 403, problem(codes.permissionDenied, refused));
    const { pathname } = new URL(request.url ?? "/", "http://dashboard");
    if (this.#root !== "" && (pathname === "/" || pathname === this.#root)) {
      response.writeHead(302, { ...safety, location: `${this.#root}/` }).end();
      return;
    }
    const path = pathname.startsWith(`${this.#root}/`) ? pathname.slice(this.#root.length) : undefined;
    const found = path === undefined ? undefined : route(method, path, this.#options);
    if (found !== undefined) return this.#serve(found, request, response);
    const page = path === undefined || method !== "GET" ? undefined : pageFile(path, this.#options.token);
    if (page === undefined) return json(response, 501, problem(codes.unimplemented, "Not Implemented"));
    response.writeHead(200, { ...safety, "content-type": page.contentType }).end(page.body);
  }

  async #serve(found: Route, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (found.kind === "stream") return this.#stream(found, request, response);
    try {
      json(response, 200, await found.answer(await bodyOf(request)));
    } catch (error) {
      if (error instanceof BadBody) return json(response, 400, problem(codes.invalidArgument, error.message));
      // All that goes wrong on the way is one code to the original.
      json(response, 500, problem(codes.unknown, error instanceof Error ? error.message : String(error)));
    }
  }

  async #stream(
    { subject }: Extract<Route, { kind: "stream" }>,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const asEvents = (request.headers.accept ?? "").includes("text/event-stream");
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    const write = (event: unknown) => {
      const text = JSON.stringify(event);
      response.write(asEvents ? `data: ${text}\n\n` : `${text}\n`);
      if (response.writableLength > backlogLimit) response.destroy();
    };
    response.writeHead(200, {
      ...safety,
      "content-type": asEvents ? "text/event-stream" : "application/json",
    });
    response.flushHeaders();
    const { client } = this.#options;
    try {
      // An informer tries for ever, and who looks on should be told at once.
      await client.list(Rollout, { limit: 1 });
      this.#world ??= followWorld(client, this.#scheduler);
      const signal = AbortSignal.any([gone.signal, this.#stopping.signal]);
      const audience = {
        send: (result: unknown) => write({ result }),
        // For our page, which shows what it had until all is there; other readers of events pass it over.
        synced: () => void (asEvents && response.write("event: synced\ndata: {}\n\n")),
      };
      const end = await stream(subject, this.#world, this.#scheduler, audience, signal);
      if (end.kind === "gone")
        write({ error: streamError("notFound", `rollout.argoproj.io "${subject.name}" not found`) });
      if (end.kind === "failed") write({ error: streamError("unavailable", end.why) });
    } catch (error) {
      write({ error: streamError("unavailable", error instanceof Error ? error.message : String(error)) });
    }
    response.end();
  }
}

/** Those of gRPC, which the original's API is made of. */
const codes = {
  unknown: 2,
  invalidArgument: 3,
  notFound: 5,
  permissionDenied: 7,
  unimplemented: 12,
  unavailable: 14,
} as const;

/** As the original's gateway ends a stream. */
function streamError(kind: "notFound" | "unavailable", message: string) {
  const [http_code, http_status] = kind === "notFound" ? [404, "Not Found"] : [503, "Service Unavailable"];
  return { grpc_code: codes[kind], http_code, message, http_status };
}

const problem = (code: number, message: string) => ({ code, message });

/** No other page may show or read what is served, and ours runs its own script only. */
const safety = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { ...safety, "content-type": "application/json" }).end(JSON.stringify(body));
}

class BadBody extends Error {}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  request.setEncoding("utf8");
  for await (const piece of request) {
    text += piece;
    if (text.length > bodyLimit) throw new BadBody(`the body is longer than ${bodyLimit} bytes`);
  }
  try {
    return text.trim() === "" ? {} : JSON.parse(text);
  } catch (error) {
    throw new BadBody(error instanceof Error ? error.message : String(error));
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
