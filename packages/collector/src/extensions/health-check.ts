import { createServer, type Server } from "node:http";
import type { Context, Extension, ExtensionFactory } from "../component.ts";
import { formatDuration } from "../config/duration.ts";
import type { Config } from "../config/fields.ts";
import { optional, struct, text, unsupported } from "../config/fields.ts";
import { closeServer, listen } from "../network-address.ts";

const healthCheckConfig = struct({
  endpoint: text("localhost:13133"),
  path: text("/"),
  response_body: optional(struct({ healthy: text(""), unhealthy: text("") })),
  check_collector_pipeline: unsupported,
  tls: unsupported,
  auth: unsupported,
});

type HealthCheckConfig = Config<typeof healthCheckConfig>;

/** Answers 200 once all pipelines run, 503 before and from the beginning of shutdown. */
export const healthCheckExtension: ExtensionFactory<HealthCheckConfig> = {
  type: "health_check",
  config: healthCheckConfig,
  validate({ endpoint, path }) {
    const problems: string[] = [];
    if (endpoint === "") problems.push("bad config: endpoint must be specified");
    if (!path.startsWith("/")) problems.push("bad config: path must start with /");
    return problems;
  },
  create: (config, context) => new HealthCheck(config, context),
};

const CALLER = "healthcheckextension@v0.142.0/healthcheckextension.go";

class HealthCheck implements Extension {
  readonly #config: HealthCheckConfig;
  readonly #context: Context;
  readonly #server: Server;
  #readySinceMs: number | undefined;

  constructor(config: HealthCheckConfig, context: Context) {
    this.#config = config;
    this.#context = context;
    this.#server = createServer((request, response) => {
      const path = (request.url ?? "").split("?", 1)[0];
      // Go's mux serves everything below "/" when that is the path.
      if (config.path !== "/" && path !== config.path) {
        response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("404 page not found\n");
        return;
      }
      const ready = this.#readySinceMs !== undefined;
      response.writeHead(ready ? 200 : 503, { "content-type": "application/json" }).end(this.#body());
    });
  }

  async start(): Promise<void> {
    this.#context.log.log("info", CALLER, "Starting health_check extension", {
      config: { Endpoint: this.#config.endpoint, Path: this.#config.path },
    });
    this.#context.listening(await listen(this.#server, this.#config.endpoint, this.#context.bindHost));
  }

  ready(): void {
    this.#readySinceMs = this.#context.clock.now();
    this.#context.log.log("info", CALLER, "Health Check state change", { status: "ready" });
  }

  notReady(): void {
    this.#readySinceMs = undefined;
    this.#context.log.log("info", CALLER, "Health Check state change", { status: "unavailable" });
  }

  async shutdown(): Promise<void> {
    await closeServer(this.#server);
  }

  #body(): string {
    const since = this.#readySinceMs;
    const custom = this.#config.response_body;
    if (custom !== undefined) return since === undefined ? custom.unhealthy : custom.healthy;
    if (since === undefined) {
      return JSON.stringify({ status: "Server not available", upSince: "0001-01-01T00:00:00Z", uptime: "" });
    }
    return JSON.stringify({
      status: "Server available",
      upSince: new Date(since).toISOString(),
      uptime: formatDuration(this.#context.clock.now() - since),
    });
  }
}
