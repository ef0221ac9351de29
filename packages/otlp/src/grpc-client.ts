import type * as Grpc from "@grpc/grpc-js";
import { GRPC_SERVICES } from "./grpc-listener.ts";
import type { Payload } from "./payload.ts";
import type { CodeName, PartialSuccess } from "./status.ts";
import { CODE_NAMES, decodePartialSuccess, StatusError } from "./status.ts";

/** Sends payloads to an OTLP server. Rejects with a `StatusError`, or a `PermanentError` where trying again is futile. */
export interface OtlpClient {
  send(payload: Payload): Promise<PartialSuccess | undefined>;
  close(): Promise<void>;
}

export interface GrpcClientOptions {
  /** `host:port`, `dns:///host:port` or `unix:///path`. */
  readonly target: string;
  readonly tls: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly gzip: boolean;
  readonly timeoutMs: number;
  readonly now: () => number;
}

/** An OTLP/gRPC client. The gRPC library is loaded only when this is called. */
export async function grpcClient(options: GrpcClientOptions): Promise<OtlpClient> {
  const grpc = await import("@grpc/grpc-js");
  const credentials = options.tls ? grpc.credentials.createSsl() : grpc.credentials.createInsecure();
  const client = new grpc.Client(options.target, credentials, {
    "grpc.service_config_disable_resolution": 1,
    // A name that does not resolve yet (its Service comes later) is asked for again soon, not after 30 s.
    "grpc.dns_min_time_between_resolutions_ms": 1000,
    // Connections come back at most this late after the other side does.
    "grpc.max_reconnect_backoff_ms": 10_000,
    ...(options.gzip ? { "grpc.default_compression_algorithm": grpc.compressionAlgorithms.gzip } : {}),
  });
  const metadata = new grpc.Metadata();
  for (const [key, value] of Object.entries(options.headers)) metadata.set(key, value);
  return {
    close: async () => client.close(),
    send: (payload) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          `/${GRPC_SERVICES[payload.signal]}/Export`,
          (bytes: Buffer) => bytes,
          (bytes: Buffer) => bytes,
          Buffer.from(payload.bytes()),
          metadata,
          { deadline: options.now() + options.timeoutMs },
          (error, response) => {
            if (error !== null) reject(statusError(error));
            else resolve(decodePartialSuccess(response ?? Buffer.alloc(0)));
          },
        );
      }),
  };
}

function statusError(error: Grpc.ServiceError): StatusError {
  const code: CodeName = CODE_NAMES[error.code] ?? "Unknown";
  return new StatusError(code, goWording(code, error.details), retryDelay(error));
}

/** Connection failures in the words of Go's gRPC, which people search for. */
function goWording(code: CodeName, details: string): string {
  if (code === "DeadlineExceeded") return "context deadline exceeded";
  if (code !== "Unavailable") return details;
  const refused = /connect (E[A-Z]+) (\S+:\d+)/.exec(details);
  if (refused !== null) {
    const why = refused[1] === "ECONNREFUSED" ? "connection refused" : (refused[1] ?? "");
    return dialing(`dial tcp ${refused[2]}: connect: ${why}`);
  }
  const unknown = /Name resolution failed for target (?:dns:)?([^\s:]+)/.exec(details);
  if (unknown !== null) return dialing(`dial tcp: lookup ${unknown[1]}: no such host`);
  return details;
}

function dialing(what: string): string {
  return `connection error: desc = "transport: Error while dialing: ${what}"`;
}

/** `google.rpc.RetryInfo`, which servers attach to say when to come back, is read from the plain header form only. */
function retryDelay(error: Grpc.ServiceError): number | undefined {
  const [pushback] = error.metadata?.get("grpc-retry-pushback-ms") ?? [];
  const ms = Number(pushback);
  return pushback !== undefined && Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}
