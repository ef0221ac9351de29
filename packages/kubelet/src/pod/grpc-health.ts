import { connect } from "node:http2";
import type { Duplex } from "node:stream";
import type { ProbeResult } from "./probe-state.ts";

const statusNames = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/** Asks `grpc.health.v1.Health/Check`, as a gRPC probe does. The two messages are small enough to be written by hand. */
export async function checkGrpcHealth(
  dial: () => Promise<Duplex>,
  options: { authority: string; service: string; userAgent: string; timeoutMs: number },
): Promise<ProbeResult> {
  const { authority, service, userAgent, timeoutMs } = options;
  const fail = (output: string): ProbeResult => ({ success: false, output });
  let connection: Duplex;
  try {
    connection = await dial();
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
  const session = connect(`http://${authority}`, { createConnection: () => connection });
  try {
    return await new Promise<ProbeResult>((resolve) => {
      const late = AbortSignal.timeout(timeoutMs);
      late.addEventListener("abort", () =>
        resolve(
          fail(
            `timeout: failed to connect service "${authority}" within ${timeoutMs / 1000}s: context deadline exceeded`,
          ),
        ),
      );
      session.on("error", (error) => resolve(fail(error.message)));
      const stream = session.request({
        ":method": "POST",
        ":path": "/grpc.health.v1.Health/Check",
        "content-type": "application/grpc",
        "user-agent": userAgent,
        te: "trailers",
      });
      const chunks: Buffer[] = [];
      let grpcStatus: string | undefined;
      stream.on("response", (headers) => {
        grpcStatus = headers["grpc-status"] === undefined ? undefined : String(headers["grpc-status"]);
      });
      stream.on("trailers", (trailers) => {
        grpcStatus = String(trailers["grpc-status"] ?? "");
      });
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", (error) => resolve(fail(error.message)));
      stream.on("end", () => {
        if (grpcStatus !== "0")
          return resolve(
            fail(`error: this server does not implement the grpc health protocol (status ${grpcStatus})`),
          );
        const status = servingStatus(Buffer.concat(chunks));
        resolve(
          status === 1
            ? { success: true, output: "" }
            : fail(`service unhealthy (responded with "${statusNames[status] ?? status}")`),
        );
      });
      stream.end(healthRequest(service));
    });
  } finally {
    session.destroy();
    connection.destroy();
  }
}

/** A length-prefixed `HealthCheckRequest{service = 1}`; names longer than 127 bytes have no place in a probe. */
function healthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  return Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
}

/** Field 1 (`status`, an enum) of the length-prefixed answer; absent means 0. */
const servingStatus = (frame: Buffer): number => (frame[5] === 0x08 ? (frame[6] ?? 0) : 0);
