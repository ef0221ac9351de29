import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { createWebSocketStream, WebSocketServer } from "ws";
import type { ResourcePath } from "../http/request-info.ts";
import type { PodAccess } from "./pod-access.ts";
import { type SpdyStream, serveSpdy } from "./spdy/session.ts";
import { acceptSpdy } from "./spdy-streams.ts";
import type { Upgrade } from "./websocket-channels.ts";

/** Port forwarding as kubectl does it: two SPDY streams for each connection, over a WebSocket or the bare socket. */

export const TUNNEL_PROTOCOL = "SPDY/3.1+portforward.k8s.io";
const SPDY_PROTOCOL = "portforward.k8s.io";
const MAX_MESSAGE_BYTES = 1024 * 1024;

const tunnels = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
tunnels.on("headers", (headers: string[]) => headers.push(`Sec-WebSocket-Protocol: ${TUNNEL_PROTOCOL}`));

export function isTunnel({ headers }: IncomingMessage): boolean {
  return (headers["sec-websocket-protocol"] ?? "").split(",").some((name) => name.trim() === TUNNEL_PROTOCOL);
}

export async function serveTunnel(
  pods: PodAccess,
  path: ResourcePath,
  { request, socket, head }: Upgrade,
): Promise<void> {
  // The protocol's name has a slash, which is not legal there: the WebSocket library must not see it.
  delete request.headers["sec-websocket-protocol"];
  const peer = await new Promise<Duplex>((resolve) => {
    tunnels.handleUpgrade(request, socket, head, (accepted) => resolve(createWebSocketStream(accepted)));
  });
  await serveConnections(pods, path, peer);
}

export async function serveSpdyPortForward(
  pods: PodAccess,
  path: ResourcePath,
  upgrade: Upgrade,
): Promise<void> {
  acceptSpdy(upgrade, SPDY_PROTOCOL);
  await serveConnections(pods, path, upgrade.socket);
}

async function serveConnections(
  pods: PodAccess,
  { namespace = "", name = "" }: ResourcePath,
  transport: Duplex,
) {
  /** Streams that wait for their partner, by request. */
  const waiting = new Map<string, SpdyStream>();
  transport.on("error", () => {});
  const accept = (stream: SpdyStream) => {
    const type = stream.headers.get("streamtype");
    const port = Number(stream.headers.get("port"));
    if ((type !== "data" && type !== "error") || !(Number.isInteger(port) && port > 0 && port < 65536)) {
      stream.destroy();
      return;
    }
    // Older clients number no requests: the data stream then comes right after its error stream.
    const request = stream.headers.get("requestid") ?? String(type === "error" ? stream.id : stream.id - 2);
    const partner = waiting.get(request);
    if (partner === undefined) {
      waiting.set(request, stream);
      return;
    }
    waiting.delete(request);
    const [data, error] = type === "data" ? [stream, partner] : [partner, stream];
    forward(pods, { namespace, name, port }, data, error).catch(() => {});
  };
  try {
    await serveSpdy(transport, accept);
  } catch {
    transport.destroy(); // what the client sent is no SPDY, or it went away
  }
}

/** One connection: copied both ways until the pod's side ends; what goes wrong is told on the error stream. */
async function forward(
  pods: PodAccess,
  target: { namespace: string; name: string; port: number },
  data: SpdyStream,
  error: SpdyStream,
): Promise<void> {
  error.resume();
  try {
    const connection = await pods.portForward(target);
    await copyBothWays(data, connection);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    error.write(`error forwarding port ${target.port} to pod ${target.name}, uid : ${why}`);
  }
  if (!data.destroyed) data.end();
  error.end();
}

function copyBothWays(data: SpdyStream, connection: Duplex): Promise<void> {
  return new Promise((resolve, reject) => {
    data.once("close", () => {
      connection.destroy();
      resolve();
    });
    connection.once("error", reject);
    connection.once("end", resolve);
    connection.once("close", resolve);
    data.pipe(connection);
    connection.pipe(data);
  });
}
