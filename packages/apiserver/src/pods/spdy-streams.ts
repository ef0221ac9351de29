import type { IncomingMessage } from "node:http";
import { STATUS_CODES } from "node:http";
import type { Clock } from "@tracegate/contracts";
import { StatusError } from "@tracegate/kube";
import type { TerminalSize } from "./pod-access.ts";
import { type CommandStreams, type CommandWire, terminalSizeIn } from "./remote-command.ts";
import { type SpdyStream, serveSpdy } from "./spdy/session.ts";
import type { Upgrade } from "./websocket-channels.ts";

/** `exec` and `attach` over SPDY: what kubectl before 1.31 speaks, and newer ones after a refused WebSocket. */

/** Its error stream carries a Status as JSON; every client of the last ten years offers it. */
const PROTOCOL = "v4.channel.k8s.io";
const OPENING_MS = 30_000;
/** A size is one short JSON object. */
const MAX_SIZE_BYTES = 4096;

export const isSpdy = ({ headers }: IncomingMessage): boolean =>
  headers.upgrade?.toLowerCase() === "spdy/3.1";

/** Answers the upgrade with the first of our protocols that the client offers; 403 without one. */
export function acceptSpdy({ request, socket, head }: Upgrade, protocol: string): void {
  const offered = String(request.headers["x-stream-protocol-version"] ?? "").split(",");
  if (!offered.some((name) => name.trim() === protocol)) {
    throw new StatusError({
      code: 403,
      reason: "Forbidden",
      message: `unable to upgrade: unable to negotiate protocol: client supports [${offered.map((name) => name.trim()).join(" ")}], server accepts [${protocol}]`,
    });
  }
  socket.write(
    `HTTP/1.1 101 ${STATUS_CODES[101]}\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n` +
      `X-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
  if (head.length > 0) socket.unshift(head);
}

/** Takes over the connection; resolves once the client has opened all the streams of its request. */
export async function commandStreams(
  upgrade: Upgrade,
  wanted: CommandStreams,
  clock: Clock,
): Promise<CommandWire> {
  acceptSpdy(upgrade, PROTOCOL);
  const types = ["error", ...(["stdin", "stdout", "stderr"] as const).filter((type) => wanted[type])];
  const expected = new Set(wanted.tty ? [...types, "resize"] : types);
  const opened = new Map<string, SpdyStream>();
  let complete: () => void = () => {};
  const all = new Promise<void>((resolve) => {
    complete = resolve;
  });
  const gone = serveSpdy(upgrade.socket, (stream) => {
    const type = stream.headers.get("streamtype") ?? "";
    if (!expected.has(type) || opened.has(type)) {
      stream.destroy();
      return;
    }
    opened.set(type, stream);
    if (opened.size === expected.size) complete();
  }).catch(() => {}); // what the client sent is no SPDY, or it went away
  const late = new AbortController();
  const tooLate = clock.after(OPENING_MS, late.signal).then(() => {
    throw new Error("the client has not opened its streams in time");
  });
  tooLate.catch(() => {});
  const left = gone.then(() => {
    throw new Error("the client has gone");
  });
  left.catch(() => {});
  try {
    await Promise.race([all, tooLate, left]);
  } catch (error) {
    upgrade.socket.destroy();
    throw error;
  } finally {
    late.abort();
  }
  const error = opened.get("error");
  error?.resume();
  const { stdin, stdout, stderr } = Object.fromEntries(opened);
  for (const output of [stdout, stderr]) output?.resume();
  return {
    ...(stdin === undefined ? {} : { stdin }),
    ...(stdout === undefined ? {} : { stdout }),
    ...(stderr === undefined ? {} : { stderr }),
    onResize: (listener) => readSizes(opened.get("resize"), listener),
    gone,
    finish(status) {
      error?.write(JSON.stringify(status));
      for (const stream of opened.values()) stream.end();
    },
  };
}

function readSizes(stream: SpdyStream | undefined, listener: (size: TerminalSize) => void): void {
  let text = "";
  stream?.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
    const lines = text.split("\n");
    text = (lines.pop() ?? "").slice(0, MAX_SIZE_BYTES);
    for (const line of lines) {
      const size = terminalSizeIn(line);
      if (size !== undefined) listener(size);
    }
  });
}
