import { createServer, type Server } from "node:http";
import type { Accept, Consumers, OtlpGrpcListener, Signal } from "@tracegate/otlp";
import { listenGrpc, otlpHttpHandler } from "@tracegate/otlp";
import type { Component, Consumer, Context, ReceiverFactory } from "../component.ts";
import type { Config } from "../config/fields.ts";
import { bool, duration, int, optional, struct, text, unsupported } from "../config/fields.ts";
import { closeServer, listen, splitHostPort } from "../network-address.ts";

const grpcServer = struct({
  endpoint: text("localhost:4317"),
  transport: text("tcp"),
  max_recv_msg_size_mib: int(0),
  /** Buffer sizes are accepted and left to the runtime. */
  read_buffer_size: int(512 * 1024),
  write_buffer_size: int(0),
  max_concurrent_streams: unsupported,
  keepalive: unsupported,
  /** Nothing here reads request metadata: what would is refused where it is configured. */
  include_metadata: bool(false),
  tls: unsupported,
  auth: unsupported,
  middlewares: unsupported,
});

const httpServer = struct({
  endpoint: text("localhost:4318"),
  traces_url_path: text("/v1/traces"),
  metrics_url_path: text("/v1/metrics"),
  logs_url_path: text("/v1/logs"),
  max_request_body_size: int(20 * 1024 * 1024),
  include_metadata: bool(false),
  keep_alives_enabled: bool(true),
  read_timeout: duration(0),
  read_header_timeout: duration(0),
  write_timeout: unsupported,
  idle_timeout: duration(0),
  cors: unsupported,
  compression_algorithms: unsupported,
  response_headers: unsupported,
  tls: unsupported,
  auth: unsupported,
  middlewares: unsupported,
});

const otlpConfig = struct({
  protocols: struct({ grpc: optional(grpcServer), http: optional(httpServer) }),
});

/** What Go can express in bytes. */
const MAX_MIB = 8796093022207;

type OtlpConfig = Config<typeof otlpConfig>;

export const otlpReceiver: ReceiverFactory<OtlpConfig> = {
  type: "otlp",
  config: otlpConfig,
  signals: ["traces", "metrics", "logs"],
  validate({ protocols: { grpc, http } }) {
    if (grpc === undefined && http === undefined)
      return ["must specify at least one protocol when using the OTLP receiver"];
    const problems: string[] = [];
    if (grpc !== undefined) {
      if (grpc.transport !== "tcp" && grpc.transport !== "unix") {
        problems.push(
          `::protocols::grpc::transport: transport ${JSON.stringify(grpc.transport)} is not supported by this collector`,
        );
      }
      if (grpc.max_recv_msg_size_mib < 0) {
        problems.push(
          `::protocols::grpc: invalid max_recv_msg_size_mib value, must be between 1 and ${MAX_MIB}: ${grpc.max_recv_msg_size_mib}`,
        );
      }
      if (grpc.read_buffer_size < 0)
        problems.push(`::protocols::grpc: invalid read_buffer_size value: ${grpc.read_buffer_size}`);
      if (grpc.write_buffer_size < 0)
        problems.push(`::protocols::grpc: invalid write_buffer_size value: ${grpc.write_buffer_size}`);
    }
    return problems;
  },
  create: (config, context, next) => new OtlpReceiver(config, context, next),
};

const CALLER = "otlpreceiver@v0.142.0/otlp.go";

class OtlpReceiver implements Component {
  readonly #config: OtlpConfig;
  readonly #context: Context;
  readonly #consumers: Consumers;
  #http: Server | undefined;
  #grpc: OtlpGrpcListener | undefined;

  constructor(config: OtlpConfig, context: Context, next: Readonly<Partial<Record<Signal, Consumer>>>) {
    this.#config = config;
    this.#context = context;
    const { traces, metrics, logs } = next;
    this.#consumers = {
      ...(traces ? { traces: accept(traces, context, "spans") } : {}),
      ...(metrics ? { metrics: accept(metrics, context, "metric_points") } : {}),
      ...(logs ? { logs: accept(logs, context, "log_records") } : {}),
    };
  }

  async start(): Promise<void> {
    await this.#startGrpc();
    await this.#startHttp();
  }

  /** Requests that were accepted are answered before this resolves. */
  async shutdown(): Promise<void> {
    await Promise.all([this.#http && closeServer(this.#http), this.#grpc?.close()]);
  }

  async #startGrpc(): Promise<void> {
    const { grpc } = this.#config.protocols;
    if (grpc === undefined) return;
    this.#context.log.log("info", CALLER, "Starting GRPC server", { endpoint: grpc.endpoint });
    const size = grpc.max_recv_msg_size_mib;
    const options = {
      consumers: this.#consumers,
      ...(size > 0 ? { maxMessageBytes: size * 1024 * 1024 } : {}),
    };
    this.#grpc = await listenGrpc(this.#grpcAddress(grpc.transport, grpc.endpoint), options).catch(
      (error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        const said = /EADDRINUSE/.test(why) ? "bind: address already in use" : why;
        throw new Error(`listen ${grpc.transport} ${grpc.endpoint}: ${said}`, { cause: error });
      },
    );
    this.#context.listening(this.#grpc.port);
  }

  #grpcAddress(transport: string, endpoint: string): string {
    if (transport === "unix") return `unix:${endpoint}`;
    const address = splitHostPort(endpoint);
    if (address === undefined) throw new Error(`listen tcp: address ${endpoint}: missing port in address`);
    const host = this.#context.bindHost(address.host === "" ? "0.0.0.0" : address.host);
    return `${host.includes(":") ? `[${host}]` : host === "localhost" ? "127.0.0.1" : host}:${address.port}`;
  }

  async #startHttp(): Promise<void> {
    const { http } = this.#config.protocols;
    if (http === undefined) return;
    this.#context.log.log("info", CALLER, "Starting HTTP server", { endpoint: http.endpoint });
    const paths = {
      traces: rooted(http.traces_url_path),
      metrics: rooted(http.metrics_url_path),
      logs: rooted(http.logs_url_path),
    };
    const maxBodyBytes = http.max_request_body_size;
    const server = createServer(otlpHttpHandler({ consumers: this.#consumers, paths, maxBodyBytes }));
    // Without settings Node's own limits stand, so that a client cannot hold a connection open for nothing.
    if (http.read_timeout > 0) server.requestTimeout = http.read_timeout;
    if (http.read_header_timeout > 0) server.headersTimeout = http.read_header_timeout;
    if (!http.keep_alives_enabled) server.maxRequestsPerSocket = 1;
    if (http.idle_timeout > 0) server.keepAliveTimeout = http.idle_timeout;
    this.#http = server;
    this.#context.listening(await listen(server, http.endpoint, this.#context.bindHost));
  }
}

/** Counts what the pipelines took and what they refused. */
function accept<S extends Signal>(next: Consumer, { id, meter }: Context, items: string): Accept<S> {
  return async (payload) => {
    try {
      await next.consume(payload);
    } catch (error) {
      meter.add(`receiver_refused_${items}`, payload.items, { receiver: id });
      throw error;
    }
    meter.add(`receiver_accepted_${items}`, payload.items, { receiver: id });
  };
}

function rooted(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}
