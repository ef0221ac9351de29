import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { type Duplex, PassThrough, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type WebSocket, WebSocketServer } from "ws";
import { badRequest } from "../core/refusals.ts";
import type { ResourcePath } from "../http/request-info.ts";
import type { PodAccess, TerminalSize } from "./pod-access.ts";
import { type CommandStreams, type CommandWire, terminalSizeIn } from "./remote-command.ts";

/** `exec`, `attach` and `portforward` over WebSockets: one byte of channel, then the bytes. */

const PROTOCOLS = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
/** v5: the client closes one of its channels. */
const CLOSE = 255;
/** A frame larger than this ends the connection. */
const MAX_FRAME_BYTES = 1024 * 1024;
const NORMAL = 1000;

const sockets = new WebSocketServer({
  noServer: true,
  maxPayload: MAX_FRAME_BYTES,
  handleProtocols: (offered) => PROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
});

/** An upgrade request, as Node's HTTP server gives it. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

function accept({ request, socket, head }: Upgrade): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    socket.once("close", () => reject(new Error("the client has gone")));
    sockets.handleUpgrade(request, socket, head, resolve);
  });
}

/** Takes over the connection for a command's streams. */
export async function commandChannels(upgrade: Upgrade, streams: CommandStreams): Promise<CommandWire> {
  const peer = await accept(upgrade);
  const stdin = new PassThrough();
  let onSize: (size: TerminalSize) => void = () => {};
  stdin.on("drain", () => peer.resume());
  peer.on("message", (data: Buffer) => {
    const payload = data.subarray(1);
    if (data[0] === STDIN) {
      // A process that does not read holds the client up rather than filling our memory.
      if (!stdin.writableEnded && !stdin.write(payload)) peer.pause();
    } else if (data[0] === CLOSE && payload[0] === STDIN) stdin.end();
    else if (data[0] === RESIZE) {
      const size = terminalSizeIn(payload.toString("utf8"));
      if (size !== undefined) onSize(size);
    }
  });
  peer.on("error", () => {});
  const gone = once(peer, "close");
  void gone.then(() => stdin.end());
  return {
    ...(streams.stdin ? { stdin } : {}),
    ...(streams.stdout ? { stdout: channelTo(peer, STDOUT) } : {}),
    ...(streams.stderr ? { stderr: channelTo(peer, STDERR) } : {}),
    onResize: (listener) => {
      onSize = listener;
    },
    gone,
    finish(status) {
      send(peer, ERROR, Buffer.from(JSON.stringify(status)), () => {});
      peer.close(NORMAL);
    },
  };
}

/** Takes as much as the client does. */
const channelTo = (peer: WebSocket, channel: number): Writable =>
  new Writable({ write: (chunk: Buffer, _encoding, done) => send(peer, channel, chunk, done) });

/** The legacy form of port forwarding, that of browsers and client-node: channel 2i is port i, 2i+1 its errors. */
export async function servePortForward(
  pods: PodAccess,
  { namespace = "", name = "" }: ResourcePath,
  query: URLSearchParams,
  upgrade: Upgrade,
): Promise<void> {
  const ports = query
    .getAll("ports")
    .flatMap((list) => list.split(","))
    .map(Number);
  if (ports.length === 0 || ports.some((port) => !(Number.isInteger(port) && port > 0 && port < 65536))) {
    throw badRequest('query parameter "ports" must name ports between 1 and 65535');
  }
  const connections = await Promise.all(ports.map((port) => pods.portForward({ namespace, name, port })));
  const peer = await accept(upgrade);
  for (const [i, connection] of connections.entries()) {
    const port = Buffer.from([(ports[i] ?? 0) & 255, (ports[i] ?? 0) >> 8]);
    send(peer, i * 2, port, () => {});
    send(peer, i * 2 + 1, port, () => {});
    connection.on("error", (error) => send(peer, i * 2 + 1, Buffer.from(error.message), () => {}));
    connection.on("drain", () => peer.resume());
  }
  const answers = connections.map((connection, i) => pipeline(connection, channelTo(peer, i * 2)));
  void Promise.allSettled(answers).then(() => peer.close(NORMAL));
  peer.on("error", () => {});
  peer.on("message", (data: Buffer) => {
    const channel = data[0] ?? 0;
    const connection = channel % 2 === 0 ? connections[channel / 2] : undefined;
    if (connection?.writable && !connection.write(data.subarray(1))) peer.pause();
  });
  peer.once("close", () => {
    for (const connection of connections) connection.destroy();
  });
}

function send(
  peer: WebSocket,
  channel: number,
  bytes: Uint8Array,
  done: (error?: Error | null) => void,
): void {
  if (peer.readyState !== peer.OPEN) done(new Error("the client has gone"));
  else peer.send(Buffer.concat([Buffer.from([channel]), bytes]), { binary: true }, done);
}
