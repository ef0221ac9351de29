import type { Clock } from "@tracegate/contracts";
import type { ComponentKind, Components, Context, Extension } from "./component.ts";
import { errorText } from "./component.ts";
import type { CollectorConfig } from "./config/collector-config.ts";
import { unmarshal } from "./config/collector-config.ts";
import { quote } from "./config/go-values.ts";
import type { SourceAccess } from "./config/sources.ts";
import { resolveSources } from "./config/sources.ts";
import { validate } from "./config/validate.ts";
import type { MakeContext, Node } from "./graph.ts";
import { buildGraph } from "./graph.ts";
import type { Level, Logger } from "./log.ts";
import { createLogger } from "./log.ts";
import type { Meter } from "./self-metrics.ts";
import { SelfMetrics, SelfMetricsServer } from "./self-metrics.ts";

/** The Collector release whose behaviour this one follows. */
export const VERSION = "0.142.0";

/** All that a collector takes from its surroundings. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: () => number;
  readonly stderr: (text: string) => void;
  readonly stdout: (text: string) => void;
  readonly instanceId: string;
  readonly bindHost: (host: string) => string;
  /** Where the collector's own metrics are served when the configuration does not say; undefined: nowhere. */
  readonly metricsEndpoint: string | undefined;
  /** A component (`receiver/otlp`) listens on this port. */
  readonly listening: (component: string, port: number) => void;
  /** A component failed for good while running. */
  readonly fatal: (error: Error) => void;
}

/** Reads the sources into a configuration. Errors carry the Collector's prefix for the stage that failed. */
export function readConfig(
  uris: readonly string[],
  sets: readonly string[],
  access: SourceAccess,
  components: Components,
): CollectorConfig {
  const tree = staged("failed to get config: cannot resolve the configuration: ", () =>
    resolveSources(uris, sets, access),
  );
  return staged("failed to get config: cannot unmarshal the configuration: ", () =>
    unmarshal(tree, components),
  );
}

/** What is wrong with a configuration that could be read: the rules first, then the graph. Empty when it can run. */
export function checkConfig(
  config: CollectorConfig,
  components: Components,
  surroundings: Surroundings,
): string {
  const problems = validate(config);
  if (problems !== "") return problems;
  const silent = { ...surroundings, stderr: () => undefined, stdout: () => undefined };
  try {
    buildGraph(
      config,
      components,
      contextMaker(silent, loggerFor(config, silent), selfMetrics(config, silent)),
    );
    return "";
  } catch (error) {
    return `failed to build pipelines: ${errorText(error)}`;
  }
}

/** A running collector: its extensions and its pipelines. */
export class Collector {
  readonly #log: Logger;
  readonly #extensions: readonly { readonly id: string; readonly extension: Extension }[];
  readonly #nodes: readonly Node[];
  readonly #started: Node[] = [];
  readonly #surroundings: Surroundings;
  readonly #metricsEndpoint: string | undefined;
  readonly #metricsServer: SelfMetricsServer;

  /** Builds everything and starts nothing. Throws what the Collector would say. */
  constructor(config: CollectorConfig, components: Components, surroundings: Surroundings) {
    const problems = validate(config);
    if (problems !== "") throw new Error(`invalid configuration: ${problems}`);
    const log = loggerFor(config, surroundings);
    const metrics = selfMetrics(config, surroundings);
    const contextOf = contextMaker(surroundings, log, metrics);
    this.#log = log;
    this.#surroundings = surroundings;
    this.#metricsEndpoint = metricsEndpoint(config, surroundings);
    this.#metricsServer = new SelfMetricsServer(metrics);
    this.#extensions = config.service.extensions.map((id) => ({
      id,
      extension: makeExtension(config, components, id, contextOf),
    }));
    this.#nodes = staged("failed to build pipelines: ", () => buildGraph(config, components, contextOf));
  }

  /** Extensions, then whatever receives data before what sends it. What started is stopped again when one fails. */
  async start(cpus: number): Promise<void> {
    this.#info("Starting otelcol-contrib...", { Version: VERSION, NumCPU: cpus });
    await this.#serveMetrics();
    this.#info("Starting extensions...");
    try {
      for (const { id, extension } of this.#extensions) await this.#startExtension(id, extension);
      for (const node of this.#nodes) await this.#startNode(node);
    } catch (error) {
      await this.shutdown();
      throw error;
    }
    for (const { extension } of this.#extensions) extension.ready?.();
    this.#info("Everything is ready. Begin running and processing data.");
  }

  /** Receivers stop first; then everything downstream passes on what it holds, and stops. */
  async shutdown(): Promise<void> {
    this.#info("Starting shutdown...");
    for (const { extension } of this.#extensions) extension.notReady?.();
    for (const node of this.#started.splice(0).reverse()) await this.#stop(node);
    this.#info("Stopping extensions...");
    for (const { id, extension } of this.#extensions.toReversed()) {
      await this.#stop({ kind: "extension", id, component: extension });
    }
    await this.#metricsServer.close();
    this.#info("Shutdown complete.");
  }

  log(level: Level, message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#log.log(level, CALLER, message, fields);
  }

  /** A taken port costs these metrics, not the pipelines: several collectors may share one network. */
  async #serveMetrics(): Promise<void> {
    const endpoint = this.#metricsEndpoint;
    if (endpoint === undefined) return;
    const { bindHost, listening } = this.#surroundings;
    await this.#metricsServer.listen(endpoint, bindHost).then(
      (port) => listening("telemetry/metrics", port),
      (error: unknown) =>
        this.log("warn", "The collector's own metrics are not served", { error: errorText(error) }),
    );
  }

  async #startExtension(id: string, extension: Extension): Promise<void> {
    this.#info("Extension is starting...", componentFields("extension", id));
    await extension.start?.().catch((error: unknown) => {
      throw new Error(
        `failed to start extensions: failed to start extension ${quote(id)}: ${errorText(error)}`,
        { cause: error },
      );
    });
    this.#info("Extension started.", componentFields("extension", id));
  }

  async #startNode(node: Node): Promise<void> {
    // Noted first: a component that failed half-way has parts to stop too.
    this.#started.push(node);
    await node.component.start?.().catch((error: unknown) => {
      throw new Error(
        `cannot start pipelines: failed to start ${quote(node.id)} ${node.kind}: ${errorText(error)}`,
        { cause: error },
      );
    });
  }

  async #stop({ kind, id, component }: Node): Promise<void> {
    await component.shutdown?.().catch((error: unknown) => {
      this.log("error", `failed to shutdown ${quote(id)} ${kind}`, { error: errorText(error) });
    });
  }

  #info(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.log("info", message, fields);
  }
}

const CALLER = `service@v${VERSION}/service.go`;

function makeExtension(
  config: CollectorConfig,
  components: Components,
  id: string,
  contextOf: MakeContext,
): Extension {
  const configured = config.extensions.get(id);
  const factory = components.extensions.find((f) => f.type === configured?.type);
  if (configured === undefined || factory === undefined) {
    throw new Error(`failed to build extensions: extension ${quote(id)} is not configured`);
  }
  return factory.create(configured.config, contextOf("extension", id, {}));
}

function loggerFor(config: CollectorConfig, surroundings: Surroundings): Logger {
  const { logs, resource } = config.service.telemetry;
  const described = {
    "service.instance.id": surroundings.instanceId,
    "service.name": "otelcol-contrib",
    "service.version": VERSION,
    ...resource,
  };
  return createLogger({
    clock: surroundings.clock,
    write: surroundings.stderr,
    // Validation admits these four levels and two encodings only.
    level: logs.level.toLowerCase() as Level,
    encoding: logs.encoding === "json" ? "json" : "console",
    withCaller: !logs.disable_caller,
    fields: { ...(logs.disable_zap_resource ? {} : { resource: described }), ...logs.initial_fields },
  });
}

/** `readers` if there are any, else what the surroundings say; nothing when the level is none. */
function metricsEndpoint(config: CollectorConfig, surroundings: Surroundings): string | undefined {
  const { level, readers } = config.service.telemetry.metrics;
  if (level.toLowerCase() === "none") return undefined;
  const [reader] = readers;
  if (reader === undefined) return surroundings.metricsEndpoint;
  const { host, port } = reader.pull.exporter.prometheus;
  return `${host}:${port}`;
}

function selfMetrics(config: CollectorConfig, surroundings: Surroundings): SelfMetrics {
  const [reader] = config.service.telemetry.metrics.readers;
  const suffix = reader !== undefined && !reader.pull.exporter.prometheus.without_type_suffix;
  const common = {
    service_name: "otelcol-contrib",
    service_instance_id: surroundings.instanceId,
    service_version: VERSION,
  };
  return new SelfMetrics(surroundings.clock, common, suffix);
}

function contextMaker(surroundings: Surroundings, log: Logger, meter: Meter): MakeContext {
  return (kind, id, { signal, pipeline }): Context => ({
    id,
    log: log.with({
      ...componentFields(kind, id),
      ...(pipeline === undefined ? {} : { "otelcol.pipeline.id": pipeline }),
      ...(signal === undefined ? {} : { "otelcol.signal": signal }),
    }),
    clock: surroundings.clock,
    meter,
    random: surroundings.random,
    bindHost: surroundings.bindHost,
    stdout: surroundings.stdout,
    listening: (port) => surroundings.listening(`${kind}/${id}`, port),
    fatal: surroundings.fatal,
  });
}

function componentFields(kind: ComponentKind, id: string): Readonly<Record<string, string>> {
  return { "otelcol.component.id": id, "otelcol.component.kind": kind };
}

function staged<T>(prefix: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw new Error(`${prefix}${errorText(error)}`, { cause: error });
  }
}
