import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { bodyLimitBytes, errorText, goJson, type Reply } from "./answer.ts";

/** How often a connection is told which host serves it. */
const tellHostMs = 5000;

/** Why a request begins no WebSocket, as gorilla's upgrader answers; undefined: it may begin. */
export function refuseHandshake(request: IncomingMessage): Reply | undefined {
  const version = { "Sec-Websocket-Version": "13" };
  const bad = errorText(400, "Bad Request", version);
  const { headers } = request;
  if (!hasToken(headers.connection, "upgrade") || !hasToken(headers.upgrade, "websocket")) return bad;
  if (request.method !== "GET") return errorText(405, "Method Not Allowed", version);
  if (!hasToken(request.headersDistinct["sec-websocket-version"]?.join(","), "13")) return bad;
  if (!sameOrigin(headers.origin, headers.host)) return errorText(403, "Forbidden", version);
  // A nonce of 16 bytes.
  return /^[A-Za-z0-9+/]{22}==$/.test(headers["sec-websocket-key"] ?? "") ? undefined : bad;
}

/** Serves one connection: each message comes back in JSON. Ends with the connection. */
export async function serveEchoSocket(options: {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly hostname: string;
  readonly now: () => Date;
  /** Calls again and again until the function that it returns is called. */
  readonly every: (ms: number, call: () => void) => () => void;
}): Promise<void> {
  const { request, socket, head, hostname, now, every } = options;
  // Loaded at the first connection: most pods see none.
  const { WebSocketServer } = await import("ws");
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: bodyLimitBytes,
  });
  await new Promise<void>((resolve) => {
    socket.once("close", resolve);
    server.handleUpgrade(request, socket, head, (connection) => {
      const say = (value: unknown) => connection.send(`${goJson(value)}\n`);
      const stop = every(tellHostMs, () => say({ ts: now().toISOString(), server: hostname }));
      connection.on("message", (data) => say({ ts: now().toISOString(), msg: data.toString() }));
      // The connection closes by itself after an error.
      connection.on("error", () => {});
      connection.on("close", stop);
    });
  });
}

function hasToken(list: string | undefined, token: string): boolean {
  return (list ?? "").split(",").some((part) => part.trim().toLowerCase() === token);
}

/** Browsers name the page's origin; other clients name none. */
function sameOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}
