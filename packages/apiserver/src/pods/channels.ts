import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type Status, StatusError } from "@tracegate/kube";
import { type WebSocket, WebSocketServer } from "ws";
import { badRequest } from "../core/refusals.ts";
import { statusOf } from "../http/answers.ts";
import { isTrue, type ResourcePath } from "../http/request-info.ts";
import type { PodAccess, PodProcess } from "./pod-access.ts";

/** `exec`, `attach` and `portforward` over WebSockets: one byte of channel, then the bytes. */

const PROTOCOLS = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
/** v5: the client closes one of its channels. */
const CLOSE = 255;
/** A frame larger than this ends the connection. */
const MAX_FRAME_BYTES = 1024 * 1024;
/** A slow client holds the process up rather than filling our memory. */
const HIGH_WATER_BYTES = 1024 * 1024;

const sockets = new WebSocketServer({
  noServer: true,
  maxPayload: MAX_FRAME_BYTES,
  handleProtocols: (offered) => PROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
});

/** Takes over the connection of an upgrade request that may go ahead. */
export async function serveExec(
  pods: PodAccess,
  path: ResourcePath,
  query: URLSearchParams,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const process = await pods.exec({
    ...podOf(path),
    ...containerOf(query),
    command: query.getAll("command"),
    stdin: isTrue(query.get("stdin")),
    tty: isTrue(query.get("tty")),
  });
  const peer = await upgrade(request, socket, head);
  joinProcess(peer, process);
}

/** The legacy form of port forwarding, that of browsers and client-node: channel 2i is port i, 2i+1 its errors. */
export async function servePortForward(
  pods: PodAccess,
  path: ResourcePath,
  query: URLSearchParams,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const ports = query
    .getAll("ports")
    .flatMap((list) => list.split(","))
    .map(Number);
  if (ports.length === 0 || ports.some((port) => !(Number.isInteger(port) && port > 0 && port < 65536))) {
    throw badRequest('query parameter "ports" must name ports between 1 and 65535');
  }
  const connections = await Promise.all(ports.map((port) => pods.portForward({ ...podOf(path), port })));
  const peer = await upgrade(request, socket, head);
  for (const [i, connection] of connections.entries()) {
    const port = Buffer.from([(ports[i] ?? 0) & 255, (ports[i] ?? 0) >> 8]);
    send(peer, i * 2, port);
    send(peer, i * 2 + 1, port);
    forward(peer, i * 2, connection);
    connection.on("error", (error) => send(peer, i * 2 + 1, Buffer.from(error.message)));
    connection.once("close", () => {
      if (connections.every((other) => other.destroyed)) peer.close(1000);
    });
  }
  peer.on("message", (data: Buffer) => {
    const channel = data[0] ?? 0;
    if (channel % 2 === 0) connections[channel / 2]?.write(data.subarray(1));
  });
  peer.once("close", () => {
    for (const connection of connections) connection.destroy();
  });
}

const podOf = ({ namespace = "", name = "" }: ResourcePath) => ({ namespace, name });

function containerOf(query: URLSearchParams): { container?: string } {
  const container = query.get("container");
  return container === null || container === "" ? {} : { container };
}

function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<WebSocket> {
  return new Promise((resolve) => sockets.handleUpgrade(request, socket, head, resolve));
}

function joinProcess(peer: WebSocket, process: PodProcess): void {
  const output = [forward(peer, STDOUT, process.stdout), forward(peer, STDERR, process.stderr)];
  peer.on("message", (data: Buffer) => {
    const [channel, ...rest] = [data[0], data[1]];
    if (channel === STDIN) process.stdin.write(data.subarray(1));
    else if (channel === CLOSE && rest[0] === STDIN) process.stdin.end();
  });
  process.stdin.on("error", () => {}); // the process may end before its input
  peer.once("close", () => process.kill());
  const finish = async () => {
    const code = await process.exitCode;
    await Promise.all(output);
    send(peer, ERROR, Buffer.from(JSON.stringify(exitStatus(code))));
    peer.close(1000);
  };
  finish().catch((error: unknown) => {
    send(peer, ERROR, Buffer.from(JSON.stringify(statusOf(error))));
    peer.close(1000);
  });
}

/** How a command ended, as clients read it from the last message. */
function exitStatus(code: number): object {
  if (code === 0) return { metadata: {}, status: "Success" };
  return {
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(code) }] },
  };
}

/** Sends what a stream gives, no faster than the client takes it; resolves at its end. */
function forward(peer: WebSocket, channel: number, source: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve) => {
    source.on("data", (chunk: Buffer) => {
      send(peer, channel, chunk, () => source.resume());
      if (peer.bufferedAmount > HIGH_WATER_BYTES) source.pause();
    });
    source.once("end", resolve);
    source.once("close", resolve);
    source.once("error", () => resolve());
  });
}

function send(peer: WebSocket, channel: number, bytes: Uint8Array, sent?: () => void): void {
  if (peer.readyState !== peer.OPEN) return;
  peer.send(Buffer.concat([Buffer.from([channel]), bytes]), { binary: true }, () => sent?.());
}

/** Refuses an upgrade with an ordinary HTTP answer. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  const status: Status = statusOf(error);
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${status.code} ${STATUS_CODES[status.code] ?? "Error"}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** Streams over SPDY, which kubectl before 1.31 and its port-forward tunnel use, are not served. */
export function onlyWebSockets(): StatusError {
  return new StatusError({
    message: "this server streams over WebSockets only (v5.channel.k8s.io, v4.channel.k8s.io)",
    reason: "BadRequest",
    code: 400,
  });
}
