import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Answer } from "./answer.ts";
import { contentTypeOf } from "./content-type.ts";

/** Go's server knows the length of bodies up to this many bytes; longer ones go out in chunks. */
const knownLengthBytes = 2048;

/** Sends an answer with the headers that Go's server adds. What is late is not sent: the connection ends. */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  isLate: () => boolean,
): Promise<void> {
  if (answer === "abort" || isLate()) {
    response.destroy();
    return;
  }
  let { status, headers = {}, body = "" } = answer;
  const closing = !response.shouldKeepAlive;
  // Node would say how long it keeps the connection; Go's server does not.
  if (!closing) response.removeHeader("Connection");
  if (typeof body === "object" && !Buffer.isBuffer(body)) {
    if (closing) headers = { ...headers, Connection: "close" };
    response.writeHead(status, headers).flushHeaders();
    for await (const part of body) if (!isLate()) response.write(part);
    if (isLate()) response.destroy();
    else response.end();
    return;
  }
  if (status < 200 && status !== 101) {
    // Go sends such a head, and then the answer itself as a success.
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    request.socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "status"}\r\n${lines.join("")}\r\n`);
    status = 200;
  }
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const bodiless = status === 101 || status === 204 || status === 304;
  if (status === 304) {
    headers = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "Content-Type"));
  } else if (!bodiless && bytes.length > 0 && headers["Content-Type"] === undefined) {
    headers = { ...headers, "Content-Type": contentTypeOf(bytes) };
  }
  // A HEAD's answer with no body has no length.
  const unknown = bytes.length > knownLengthBytes || (request.method === "HEAD" && bytes.length === 0);
  const length = bodiless || unknown ? {} : { "Content-Length": bytes.length };
  response.writeHead(status, { ...headers, ...length });
  response.end(bodiless ? undefined : bytes);
}
