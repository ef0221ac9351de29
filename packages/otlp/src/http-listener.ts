import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { promisify } from "node:util";
import zlib from "node:zlib";
import { isLoopbackName, originName } from "@tracegate/contracts";
import { decodeJson } from "./json.ts";
import type { Signal } from "./model.ts";
import { Payload } from "./payload.ts";
import type { CodeName } from "./status.ts";
import { codeNumber, encodeStatus, httpStatusOf, StatusError, statusOf } from "./status.ts";

/** What a listener hands each request to. Resolves once the data is taken; rejects with what the client shall know. */
export type Accept<S extends Signal = Signal> = (payload: Payload<S>) => Promise<void>;

/** Signals without a consumer are not served, as in the Collector. */
export interface Consumers {
  readonly traces?: Accept<"traces">;
  readonly metrics?: Accept<"metrics">;
  readonly logs?: Accept<"logs">;
}

export interface OtlpHttpOptions {
  readonly consumers: Consumers;
  /** Applies to the compressed and to the inflated body. */
  readonly maxBodyBytes?: number;
  readonly paths?: Partial<Record<Signal, string>>;
}

export const DEFAULT_MAX_BODY_BYTES = 20 * 1024 * 1024;
export const DEFAULT_PATHS: Readonly<Record<Signal, string>> = {
  traces: "/v1/traces",
  metrics: "/v1/metrics",
  logs: "/v1/logs",
};

const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";

/** OTLP/HTTP: POST of protobuf or JSON, compressed or not. */
export function otlpHttpHandler(options: OtlpHttpOptions): RequestListener {
  const limit = options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES;
  const routes = new Map<string, Signal>();
  for (const signal of ["traces", "metrics", "logs"] as const) {
    if (options.consumers[signal]) routes.set(options.paths?.[signal] ?? DEFAULT_PATHS[signal], signal);
  }
  return (request, response) => {
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    const signal = routes.get(path);
    if (signal === undefined) return sendText(request, response, 404, "404 page not found\n");
    if (isForeignPage(request)) return sendText(request, response, 403, "403 origin not allowed\n");
    void serve(request, response, signal, options.consumers, limit).catch(() => response.destroy());
  };
}

/** Programs name no origin; a page names its own. Gates believe these spans: not every site may send some. */
function isForeignPage({ headers: { origin } }: IncomingMessage): boolean {
  return origin !== undefined && !isLoopbackName(originName(origin) ?? "");
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  signal: Signal,
  consumers: Consumers,
  limit: number,
): Promise<void> {
  if (request.method !== "POST") {
    return sendText(request, response, 405, "405 method not allowed, supported: [POST]");
  }
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase();
  if (type !== PROTOBUF && type !== JSON_TYPE) {
    const supported = `[${JSON_TYPE}, ${PROTOBUF}]`;
    return sendText(request, response, 415, `415 unsupported media type, supported: ${supported}`);
  }
  let body: Buffer;
  try {
    body = await inflate(await readBody(request, limit), request.headers["content-encoding"] ?? "", limit);
  } catch (error) {
    if (request.destroyed && !request.complete) return;
    return sendStatus(request, response, type, 400, "InvalidArgument", messageOf(error));
  }
  try {
    await hand(signal, type, body, consumers);
  } catch (error) {
    const status = statusOf(error);
    const retryable = status.code === "ResourceExhausted" || httpStatusOf(status.code) === 503;
    if (retryable && status.retryAfterMs !== undefined) {
      response.setHeader("retry-after", Math.ceil(status.retryAfterMs / 1000));
    }
    return sendStatus(request, response, type, httpStatusOf(status.code), status.code, status.description);
  }
  const ok = type === JSON_TYPE ? Buffer.from('{"partialSuccess":{}}') : Buffer.alloc(0);
  response.writeHead(200, { "content-type": type, "content-length": ok.length }).end(ok);
}

/** Parses for one signal and passes it on. A request without items never reaches the pipeline. */
async function hand(signal: Signal, type: string, body: Buffer, consumers: Consumers): Promise<void> {
  switch (signal) {
    case "traces":
      return handAs("traces", type, body, consumers.traces);
    case "metrics":
      return handAs("metrics", type, body, consumers.metrics);
    case "logs":
      return handAs("logs", type, body, consumers.logs);
  }
}

async function handAs<S extends Signal>(
  signal: S,
  type: string,
  body: Buffer,
  accept: Accept<S> | undefined,
): Promise<void> {
  const payload = parse(signal, type, body);
  if (payload.items > 0) await accept?.(payload);
}

function parse<S extends Signal>(signal: S, type: string, body: Buffer): Payload<S> {
  try {
    if (type === PROTOBUF) return Payload.fromProto(signal, body);
    return Payload.fromModel(signal, decodeJson(signal, body.toString("utf8")));
  } catch (error) {
    throw new StatusError("InvalidArgument", messageOf(error));
  }
}

/** Collects a body, never more than `limit` bytes of it. */
function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else {
        chunks.length = 0;
        reject(new Error("http: request body too large"));
      }
    });
    request.on("end", () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    request.on("error", reject);
    request.on("close", () => reject(new Error("unexpected EOF")));
  });
}

const inflaters: Readonly<
  Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>
> = {
  gzip: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip),
  zlib: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflate),
  deflate: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflate),
  zstd: promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress),
};

async function inflate(body: Buffer, encoding: string, limit: number): Promise<Buffer> {
  if (encoding === "" || encoding === "identity") return body;
  const inflater = Object.hasOwn(inflaters, encoding) ? inflaters[encoding] : undefined;
  if (inflater === undefined) throw new Error(`unsupported Content-Encoding: ${encoding}`);
  try {
    return await inflater(body, { maxOutputLength: limit });
  } catch (error) {
    // node:zlib marks what went past maxOutputLength by this code.
    if (error instanceof RangeError || (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw new Error("http: request body too large");
    }
    throw error;
  }
}

function sendStatus(
  request: IncomingMessage,
  response: ServerResponse,
  type: string,
  http: number,
  code: CodeName,
  message: string,
): void {
  const body =
    type === JSON_TYPE
      ? Buffer.from(JSON.stringify({ code: codeNumber(code), message }))
      : encodeStatus(code, message);
  send(request, response, http, type, body);
}

function sendText(request: IncomingMessage, response: ServerResponse, http: number, text: string): void {
  send(request, response, http, "text/plain; charset=utf-8", Buffer.from(text));
}

/** A body that was not read to its end must not be taken for the next request: then the connection closes. */
function send(
  request: IncomingMessage,
  response: ServerResponse,
  http: number,
  type: string,
  body: Buffer,
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(http, {
    "content-type": type,
    "content-length": body.length,
    ...(request.complete ? {} : { connection: "close" }),
  });
  response.end(body);
  if (!request.complete) request.resume();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
