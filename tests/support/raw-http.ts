import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** Where to send bytes: a port of the loopback, a TLS one, or a Unix socket. */
export type Place = { readonly port: number; readonly tls?: boolean } | { readonly path: string };

/** A connection, encrypted where the place is; whose certificate it is does not matter here. */
export function open(place: Place): Socket {
  if ("path" in place) return connectPlain(place.path);
  const at = { host: "127.0.0.1", port: place.port };
  return place.tls === true ? connectTls({ ...at, rejectUnauthorized: false }) : connectPlain(at);
}

export interface RawAnswer {
  /** 0 where the connection was cut without one. */
  readonly status: number;
  /** Names in lower case; of several of one name the last. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** All that came until the connection ended. */
  readonly text: string;
}

/** Sends bytes as they are, closes its half, and reads to the end: what no HTTP client would send can be tried. */
export function sendRaw(place: Place, bytes: string): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = open(place);
    let text = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      text += chunk;
    });
    // Cut off is an answer, too: its status is 0.
    socket.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNRESET" || error.code === "EPIPE" ? resolve(answerIn(text)) : reject(error),
    );
    socket.on("close", () => resolve(answerIn(text)));
    socket.end(bytes, "latin1");
  });
}

/** A request that ends its connection; `headers` are lines. */
export const requestText = (line: string, headers: readonly string[] = [], body = ""): string =>
  `${[line, ...headers, "Connection: close"].join("\r\n")}\r\n\r\n${body}`;

function answerIn(text: string): RawAnswer {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  const pairs = lines.map((line) => [
    line.slice(0, line.indexOf(":")).toLowerCase(),
    line.slice(line.indexOf(":") + 1).trim(),
  ]);
  return {
    status: Number(first.split(" ")[1] ?? 0),
    headers: new Map(pairs as [string, string][]), // each has two
    body: rest.join("\r\n\r\n"),
    text,
  };
}
