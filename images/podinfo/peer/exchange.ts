import { once } from "node:events";
import { connect } from "node:net";

/** A request as it goes over the wire. */
export interface Request {
  readonly target: string;
  readonly method?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** An answer as it came; without a status where the connection ended with none. */
export interface Exchange {
  readonly status: string;
  /** The statuses of heads that came before, such as 103. */
  readonly early: readonly string[];
  /** Names in lower case; without the date. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** One request on a connection of its own, written and read byte by byte: no client's manners come between. */
export async function exchange(port: number, request: Request): Promise<Exchange> {
  const { target, method = "GET", headers = [], body } = request;
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const lines = [
    `${method} ${target} HTTP/1.1`,
    "Host: podinfo:9898",
    ...headers,
    ...length,
    "Connection: close",
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n${body ?? ""}`);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  // A connection that is cut off ends too.
  socket.on("error", () => {});
  await once(socket, "close");
  return parsed(Buffer.concat(chunks));
}

function parsed(bytes: Buffer, early: readonly string[] = []): Exchange {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return { status: "", early, headers: {}, body: bytes };
  const [statusLine = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name = "", value = ""] = /^([^:]*): ?(.*)$/.exec(line) ?? [];
    headers[name.toLowerCase()] = value;
  }
  for (const name of ["date", "last-modified"]) delete headers[name];
  const body = bytes.subarray(end + 4);
  const status = statusLine.split(" ")[1] ?? "";
  if (/^1(?!01)/.test(status)) return parsed(body, [...early, status]);
  return { status, early, headers, body: isChunked(headers) ? joined(body) : body };
}

function isChunked(headers: Readonly<Record<string, string>>): boolean {
  return headers["transfer-encoding"] === "chunked";
}

/** A chunked body without its lengths. */
function joined(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = body.indexOf("\r\n", at);
    const length = Number.parseInt(body.subarray(at, lineEnd).toString(), 16);
    if (lineEnd < 0 || !(length > 0)) return Buffer.concat(parts);
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + 2 + length + 2;
  }
}
