import { grpcClient } from "@tracegate/otlp";
import type { ExporterFactory } from "../component.ts";
import type { Config } from "../config/fields.ts";
import { bool, duration, int, mapOf, struct, text, unsupported } from "../config/fields.ts";
import { queueSettings, retrySettings, validateSending } from "./queue-settings.ts";
import { Sender } from "./sender.ts";

const otlpExporterConfig = struct({
  endpoint: text(""),
  timeout: duration(5000),
  compression: text("gzip"),
  headers: mapOf(text()),
  tls: struct({
    insecure: bool(false),
    insecure_skip_verify: unsupported,
    ca_file: unsupported,
    ca_pem: unsupported,
    cert_file: unsupported,
    key_file: unsupported,
    server_name_override: unsupported,
    min_version: unsupported,
    max_version: unsupported,
  }),
  retry_on_failure: retrySettings,
  sending_queue: queueSettings,
  /** Transport tuning is accepted and left to the gRPC library. */
  balancer_name: text(""),
  write_buffer_size: int(512 * 1024),
  read_buffer_size: int(0),
  wait_for_ready: bool(false),
  keepalive: unsupported,
  authority: unsupported,
  auth: unsupported,
  middlewares: unsupported,
});

type OtlpExporterConfig = Config<typeof otlpExporterConfig>;

/** OTLP over gRPC. */
export const otlpExporter: ExporterFactory<OtlpExporterConfig> = {
  type: "otlp",
  config: otlpExporterConfig,
  signals: ["traces", "metrics", "logs"],
  validate(config) {
    const problems = endpointProblems(config.endpoint);
    if (config.compression !== "gzip" && config.compression !== "none" && config.compression !== "") {
      problems.push(
        `compression ${JSON.stringify(config.compression)} is not supported by this collector (gzip, none)`,
      );
    }
    return [...problems, ...validateSending(config.retry_on_failure, config.sending_queue)];
  },
  create(config, context, signal) {
    const { endpoint } = config;
    return new Sender(context, signal, config.retry_on_failure, config.sending_queue, () =>
      grpcClient({
        target: endpoint.replace(/^https?:\/\//, ""),
        tls: endpoint.startsWith("https://") || !(endpoint.startsWith("http://") || config.tls.insecure),
        headers: config.headers,
        gzip: config.compression === "gzip",
        timeoutMs: config.timeout === 0 ? Number.POSITIVE_INFINITY : config.timeout,
        // gRPC deadlines are points in real time, whatever clock the pipelines run on.
        now: Date.now,
      }),
    );
  },
};

function endpointProblems(endpoint: string): string[] {
  if (endpoint.trim() === "") return ['requires a non-empty "endpoint"'];
  if (endpoint.startsWith("unix:")) return [];
  const bare = endpoint.replace(/^https?:\/\//, "").replace(/^dns:\/\/[^/]*\//, "");
  const port = /^(?:\[[^\]]*\]|[^:]*):(.*)$/.exec(bare)?.[1];
  if (port === undefined) return [`address ${bare}: missing port in address`];
  return /^\d+$/.test(port) && Number(port) <= 65535 ? [] : [`invalid port ${JSON.stringify(port)}`];
}
