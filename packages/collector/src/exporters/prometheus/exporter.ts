import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { promisify } from "node:util";
import zlib from "node:zlib";
import type { Payload } from "@tracegate/otlp";
import type { Component, Consumer, Context, ExporterFactory } from "../../component.ts";
import type { Config } from "../../config/fields.ts";
import { bool, duration, mapOf, struct, text, unsupported } from "../../config/fields.ts";
import { closeServer, listen } from "../../network-address.ts";
import { Accumulator } from "./accumulator.ts";
import { CONTENT_TYPES, exposition, type Format } from "./exposition.ts";
import { families, type PrometheusNaming } from "./families.ts";

const prometheusConfig = struct({
  endpoint: text(""),
  namespace: text(""),
  const_labels: mapOf(text()),
  send_timestamps: bool(false),
  metric_expiration: duration(300_000),
  resource_to_telemetry_conversion: struct({ enabled: bool(false) }),
  enable_open_metrics: bool(false),
  add_metric_suffixes: bool(true),
  translation_strategy: text(""),
  without_scope_info: bool(false),
  tls: unsupported,
  auth: unsupported,
  cors: unsupported,
  response_headers: unsupported,
  compression_algorithms: unsupported,
  include_metadata: unsupported,
  max_request_body_size: unsupported,
  read_header_timeout: unsupported,
  read_timeout: unsupported,
  write_timeout: unsupported,
  idle_timeout: unsupported,
  keep_alives_enabled: unsupported,
});

type PrometheusConfig = Config<typeof prometheusConfig>;

const STRATEGIES = ["UnderscoreEscapingWithSuffixes", "UnderscoreEscapingWithoutSuffixes"];
const UTF8_STRATEGIES = ["NoUTF8EscapingWithSuffixes", "NoTranslation"];

/** Holds the last value of every series for a Prometheus to scrape. */
export const prometheusExporter: ExporterFactory<PrometheusConfig> = {
  type: "prometheus",
  config: prometheusConfig,
  signals: ["metrics"],
  validate(config) {
    const problems: string[] = [];
    const strategy = config.translation_strategy;
    if (UTF8_STRATEGIES.includes(strategy)) {
      problems.push(
        `translation_strategy ${strategy} is not supported by this collector (${STRATEGIES.join(", ")})`,
      );
    } else if (strategy !== "" && !STRATEGIES.includes(strategy))
      problems.push(`invalid translation_strategy: ${strategy}`);
    return problems;
  },
  create(config, context) {
    if (config.endpoint.trim() === "") {
      throw new Error("expecting a non-blank address to run the Prometheus metrics handler");
    }
    return new PrometheusExporter(config, context);
  },
};

const gzip = promisify<string, Buffer>(zlib.gzip);
const CALLER = "prometheusexporter@v0.142.0/prometheus.go";

class PrometheusExporter implements Component, Consumer {
  readonly #config: PrometheusConfig;
  readonly #context: Context;
  readonly #accumulator: Accumulator;
  readonly #naming: PrometheusNaming;
  readonly #server: Server;

  constructor(config: PrometheusConfig, context: Context) {
    this.#config = config;
    this.#context = context;
    this.#accumulator = new Accumulator(config.metric_expiration);
    const strategy = config.translation_strategy;
    this.#naming = {
      namespace: config.namespace,
      suffixes: strategy === "" ? config.add_metric_suffixes : strategy === STRATEGIES[0],
      constLabels: config.const_labels,
      resourceLabels: config.resource_to_telemetry_conversion.enabled,
      scopeLabels: !config.without_scope_info,
      timestamps: config.send_timestamps,
    };
    this.#server = createServer((request, response) => {
      void this.#serve(request, response).catch(() => response.destroy());
    });
  }

  async start(): Promise<void> {
    this.#context.listening(await listen(this.#server, this.#config.endpoint, this.#context.bindHost));
  }

  async shutdown(): Promise<void> {
    await closeServer(this.#server);
  }

  async consume(payload: Payload): Promise<void> {
    // The graph gives this exporter metrics only.
    const metrics = payload as Payload<"metrics">;
    this.#accumulator.add(metrics.model(), this.#context.clock.now());
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if ((request.url ?? "").split("?", 1)[0] !== "/metrics") {
      response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("404 page not found\n");
      return;
    }
    const collected = families(this.#accumulator.collect(this.#context.clock.now()), this.#naming);
    for (const problem of collected.problems) this.#context.log.log("error", CALLER, problem);
    const open = this.#config.enable_open_metrics && /openmetrics-text/.test(request.headers.accept ?? "");
    const format: Format = open ? "openmetrics" : "text";
    const body = exposition(collected.families, format);
    const headers = { "content-type": CONTENT_TYPES[format] };
    if (/\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""))) {
      response.writeHead(200, { ...headers, "content-encoding": "gzip" }).end(await gzip(body));
    } else response.writeHead(200, headers).end(body);
  }
}
