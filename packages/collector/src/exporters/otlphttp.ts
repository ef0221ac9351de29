import type { Signal } from "@tracegate/otlp";
import { httpClient } from "@tracegate/otlp";
import type { ExporterFactory } from "../component.ts";
import type { Config } from "../config/fields.ts";
import { bool, duration, int, mapOf, struct, text, unsupported } from "../config/fields.ts";
import { queueSettings, retrySettings, validateSending } from "./queue-settings.ts";
import { Sender } from "./sender.ts";

const otlpHttpExporterConfig = struct({
  endpoint: text(""),
  traces_endpoint: text(""),
  metrics_endpoint: text(""),
  logs_endpoint: text(""),
  encoding: text("proto"),
  compression: text("gzip"),
  timeout: duration(30_000),
  headers: mapOf(text()),
  tls: struct({
    insecure: bool(false),
    insecure_skip_verify: unsupported,
    ca_file: unsupported,
    cert_file: unsupported,
    key_file: unsupported,
    server_name_override: unsupported,
  }),
  retry_on_failure: retrySettings,
  sending_queue: queueSettings,
  /** Transport tuning is accepted and left to the runtime. */
  read_buffer_size: int(0),
  write_buffer_size: int(512 * 1024),
  max_idle_conns: int(100),
  idle_conn_timeout: duration(90_000),
  force_attempt_http2: bool(true),
  proxy_url: unsupported,
  cookies: unsupported,
  auth: unsupported,
  middlewares: unsupported,
});

type OtlpHttpExporterConfig = Config<typeof otlpHttpExporterConfig>;

/** OTLP over HTTP. */
export const otlpHttpExporter: ExporterFactory<OtlpHttpExporterConfig> = {
  type: "otlphttp",
  config: otlpHttpExporterConfig,
  signals: ["traces", "metrics", "logs"],
  validate(config) {
    const problems: string[] = [];
    const given = [config.endpoint, config.traces_endpoint, config.metrics_endpoint, config.logs_endpoint];
    if (given.every((url) => url === "")) problems.push("at least one endpoint must be specified");
    for (const url of given) if (url !== "" && !isHttpUrl(url)) problems.push("endpoint must be a valid URL");
    if (config.encoding !== "proto" && config.encoding !== "json") {
      problems.push(`invalid encoding type: ${config.encoding}`);
    }
    if (config.compression !== "gzip" && config.compression !== "none" && config.compression !== "") {
      problems.push(
        `compression ${JSON.stringify(config.compression)} is not supported by this collector (gzip, none)`,
      );
    }
    return [...problems, ...validateSending(config.retry_on_failure, config.sending_queue)];
  },
  create(config, context, signal) {
    return new Sender(context, signal, config.retry_on_failure, config.sending_queue, async () =>
      httpClient({
        urls: urlsOf(config),
        headers: config.headers,
        encoding: config.encoding === "json" ? "json" : "proto",
        gzip: config.compression === "gzip",
        timeoutMs: config.timeout,
      }),
    );
  },
};

/** A signal's own address is taken as it is; the common one is a base. */
function urlsOf(config: OtlpHttpExporterConfig): Partial<Record<Signal, string>> {
  const base = config.endpoint.replace(/\/$/, "");
  const own = {
    traces: config.traces_endpoint,
    metrics: config.metrics_endpoint,
    logs: config.logs_endpoint,
  };
  const urls: Partial<Record<Signal, string>> = {};
  for (const signal of ["traces", "metrics", "logs"] as const) {
    if (own[signal] !== "") urls[signal] = own[signal];
    else if (base !== "") urls[signal] = `${base}/v1/${signal}`;
  }
  return urls;
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
