import type * as Grpc from "@grpc/grpc-js";
import type { Accept, Consumers } from "./http-listener.ts";
import type { Signal } from "./model.ts";
import { Payload } from "./payload.ts";
import { codeNumber, StatusError, statusOf } from "./status.ts";

export interface OtlpGrpcOptions {
  readonly consumers: Consumers;
  /** gRPC's own default is 4 MiB. */
  readonly maxMessageBytes?: number;
}

export interface OtlpGrpcListener {
  /** The port that was bound; 0 for a Unix socket. */
  readonly port: number;
  /** Takes no more calls, lets running ones end, and closes. */
  close(): Promise<void>;
}

/** The full name of each signal's service; its one method is `Export`. */
export const GRPC_SERVICES: Readonly<Record<Signal, string>> = {
  traces: "opentelemetry.proto.collector.trace.v1.TraceService",
  metrics: "opentelemetry.proto.collector.metrics.v1.MetricsService",
  logs: "opentelemetry.proto.collector.logs.v1.LogsService",
};

/** OTLP/gRPC on `host:port` or `unix:/path`. The gRPC library is loaded only when this is called. */
export async function listenGrpc(address: string, options: OtlpGrpcOptions): Promise<OtlpGrpcListener> {
  const grpc = await import("@grpc/grpc-js");
  const server = new grpc.Server({
    "grpc.max_receive_message_length": options.maxMessageBytes ?? 4 * 1024 * 1024,
  });
  const { traces, metrics, logs } = options.consumers;
  if (traces) addService(server, "traces", traces);
  if (metrics) addService(server, "metrics", metrics);
  if (logs) addService(server, "logs", logs);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return { port, close: () => closeServer(server) };
}

function addService<S extends Signal>(server: Grpc.Server, signal: S, accept: Accept<S>): void {
  const same = (bytes: Buffer) => bytes;
  const Export: Grpc.MethodDefinition<Buffer, Buffer> = {
    path: `/${GRPC_SERVICES[signal]}/Export`,
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  const handle: Grpc.handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    take(signal, call.request, accept).then(
      () => callback(null, EMPTY),
      (error: unknown) => {
        const { code, description } = statusOf(error);
        callback({ code: codeNumber(code), details: description, name: "StatusError", message: description });
      },
    );
  };
  server.addService({ Export }, { Export: handle });
}

async function take<S extends Signal>(signal: S, bytes: Buffer, accept: Accept<S>): Promise<void> {
  let payload: Payload<S>;
  try {
    payload = Payload.fromProto(signal, bytes);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StatusError("Internal", `grpc: error unmarshalling request: ${why}`);
  }
  if (payload.items > 0) await accept(payload);
}

const EMPTY = Buffer.alloc(0);

function closeServer(server: Grpc.Server): Promise<void> {
  return new Promise((resolve) => {
    server.tryShutdown(() => resolve());
    // Clients keep idle connections open; a drained server need not wait for them.
    setTimeout(() => server.forceShutdown(), 1000).unref();
  });
}
