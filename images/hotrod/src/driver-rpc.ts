import {
  Client,
  credentials,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  status,
} from "@grpc/grpc-js";
import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import type { DriverLocation, DriverService } from "./driver.ts";
import { inSpan, propagator, type Telemetry } from "./telemetry.ts";

// `driver.DriverService/FindNearest` over gRPC: {1: location} → {1: repeated {1: driverID, 2: location}}, all strings.

const grpcScope = "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc";
const spanName = "driver.DriverService/FindNearest";
const rpc = { "rpc.service": "driver.DriverService", "rpc.method": "FindNearest", "rpc.system": "grpc" };
const deadlineMs = 1000;

const findNearest: MethodDefinition<string, DriverLocation[]> = {
  path: `/${spanName}`,
  requestStream: false,
  responseStream: false,
  requestSerialize: (location) => stringField(1, location),
  requestDeserialize: (bytes) => fieldsOf(bytes).get(1)?.[0]?.toString() ?? "",
  responseSerialize: (locations) =>
    Buffer.concat(
      locations.map(({ driverID, location }) =>
        bytesField(1, Buffer.concat([stringField(1, driverID), stringField(2, location)])),
      ),
    ),
  responseDeserialize: (bytes) =>
    (fieldsOf(bytes).get(1) ?? []).map((message) => {
      const fields = fieldsOf(message);
      return {
        driverID: fields.get(1)?.[0]?.toString() ?? "",
        location: fields.get(2)?.[0]?.toString() ?? "",
      };
    }),
};

/** Serves the driver service; resolves once it listens. */
export async function serveDriver(options: {
  service: DriverService;
  telemetry: Telemetry;
  host: string;
  port: number;
}): Promise<{ close(): void }> {
  const { service, telemetry, host, port } = options;
  const tracer = telemetry.tracer("driver", grpcScope);
  const handle: handleUnaryCall<string, DriverLocation[]> = (call, answer) => {
    const parent = propagator.extract(ROOT_CONTEXT, call.metadata, metadataGetter);
    const [, address = "", peerPort = "0"] = /^(.*):(\d+)$/.exec(call.getPeer()) ?? [];
    const attributes = { ...rpc, "server.address": address, "server.port": Number(peerPort) };
    const span = tracer.startSpan(spanName, { kind: SpanKind.SERVER, attributes }, parent);
    inSpan(span, parent, async (ctx) => {
      try {
        const found = await service.findNearest(ctx, call.request);
        span.setAttribute("rpc.grpc.status_code", status.OK);
        return found;
      } catch (error) {
        span.setAttribute("rpc.grpc.status_code", status.UNKNOWN);
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      }
    }).then(
      (found) => answer(null, found),
      (error: Error) => answer({ code: status.UNKNOWN, details: error.message }),
    );
  };
  const server = new Server();
  server.addService({ findNearest }, { findNearest: handle });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  return { close: () => server.forceShutdown() };
}

/** The frontend's side: a CLIENT span a call, one second at most. */
export function driverClient(options: { telemetry: Telemetry; host: string; port: number }) {
  const { telemetry, host, port } = options;
  const tracer = telemetry.tracer("frontend", grpcScope);
  const client = new Client(
    `${host === "0.0.0.0" ? "127.0.0.1" : host}:${port}`,
    credentials.createInsecure(),
  );
  return (ctx: Context, location: string): Promise<DriverLocation[]> => {
    const attributes = {
      ...rpc,
      "server.address": host === "0.0.0.0" ? "127.0.0.1" : host,
      "server.port": port,
    };
    const span = tracer.startSpan(spanName, { kind: SpanKind.CLIENT, attributes }, ctx);
    return inSpan(span, ctx, (spanCtx) => {
      const metadata = new Metadata();
      propagator.inject(spanCtx, metadata, metadataSetter);
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          findNearest.path,
          findNearest.requestSerialize,
          findNearest.responseDeserialize,
          location,
          metadata,
          { deadline: Date.now() + deadlineMs },
          (error, found) => {
            span.setAttribute("rpc.grpc.status_code", error?.code ?? status.OK);
            if (error !== null) {
              span.setStatus({ code: SpanStatusCode.ERROR, message: error.details });
              reject(new Error(`rpc error: code = ${status[error.code]} desc = ${error.details}`));
            } else resolve(found ?? []);
          },
        );
      });
    });
  };
}

const metadataGetter = {
  get: (metadata: Metadata, name: string) => metadata.get(name)[0]?.toString(),
  keys: (metadata: Metadata) => Object.keys(metadata.getMap()),
};
const metadataSetter = {
  set: (metadata: Metadata, name: string, value: string) => metadata.set(name, value),
};

const stringField = (number: number, text: string): Buffer => bytesField(number, Buffer.from(text));

function bytesField(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}

/** Length-delimited fields of a message by number; these messages have no others. */
function fieldsOf(message: Buffer): Map<number, Buffer[]> {
  const fields = new Map<number, Buffer[]>();
  for (let at = 0; at < message.length; ) {
    const tag = message[at++] ?? 0;
    let length = 0;
    for (let shift = 0, byte = 0x80; byte & 0x80; shift += 7) {
      byte = message[at++] ?? 0;
      length |= (byte & 0x7f) << shift;
    }
    const values = fields.get(tag >> 3) ?? [];
    values.push(message.subarray(at, at + length));
    fields.set(tag >> 3, values);
    at += length;
  }
  return fields;
}
