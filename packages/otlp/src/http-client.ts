import http from "node:http";
import https from "node:https";
import { promisify } from "node:util";
import zlib from "node:zlib";
import type { OtlpClient } from "./grpc-client.ts";
import { encodeJson } from "./json.ts";
import type { Signal } from "./model.ts";
import type { Payload } from "./payload.ts";
import type { CodeName } from "./status.ts";
import { decodePartialSuccess, decodeStatusMessage, PermanentError, StatusError } from "./status.ts";

export interface HttpClientOptions {
  /** The complete address of each signal. */
  readonly urls: Readonly<Partial<Record<Signal, string>>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly encoding: "proto" | "json";
  readonly gzip: boolean;
  readonly timeoutMs: number;
}

const gzip = promisify<Buffer, Buffer>(zlib.gzip);
const MAX_ANSWER_BYTES = 64 * 1024;

/** An OTLP/HTTP client that keeps its connections. */
export function httpClient(options: HttpClientOptions): OtlpClient {
  const agents = {
    "http:": new http.Agent({ keepAlive: true }),
    "https:": new https.Agent({ keepAlive: true }),
  };
  return {
    async close() {
      agents["http:"].destroy();
      agents["https:"].destroy();
    },
    async send(payload) {
      const address = options.urls[payload.signal];
      if (address === undefined) throw new PermanentError(`no address for ${payload.signal}`);
      const url = new URL(address);
      const json = options.encoding === "json";
      const plain = json ? encode(payload) : Buffer.from(payload.bytes());
      const body = options.gzip ? await gzip(plain) : plain;
      const answer = await post(url, body, {
        agent: url.protocol === "https:" ? agents["https:"] : agents["http:"],
        timeout: options.timeoutMs,
        headers: {
          "content-type": json ? "application/json" : "application/x-protobuf",
          "content-length": body.length,
          ...(options.gzip ? { "content-encoding": "gzip" } : {}),
          ...options.headers,
        },
      });
      return readAnswer(address, answer);
    },
  };
}

function encode(payload: Payload): Buffer {
  return Buffer.from(encodeJson(payload.signal, payload.model()));
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

function post(url: URL, body: Buffer, options: http.RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const failed = (why: string) =>
      reject(new StatusError("Unavailable", `failed to make an HTTP request: Post "${url.href}": ${why}`));
    const library = url.protocol === "https:" ? https : http;
    const request = library.request(url, { ...options, method: "POST" }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        if (size < MAX_ANSWER_BYTES) chunks.push(chunk);
        size += chunk.length;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
      response.on("error", (error) => failed(error.message));
    });
    request.on("timeout", () => request.destroy(new Error("context deadline exceeded")));
    request.on("error", (error: NodeJS.ErrnoException) => failed(goWording(error, url)));
    request.end(body);
  });
}

function goWording(error: NodeJS.ErrnoException, url: URL): string {
  if (error.code === "ECONNREFUSED") {
    const port = url.port || (url.protocol === "https:" ? "443" : "80");
    const at = /(\S+:\d+)$/.exec(error.message)?.[1] ?? `${url.hostname}:${port}`;
    return `dial tcp ${at}: connect: connection refused`;
  }
  if (error.code === "ENOTFOUND") return `dial tcp: lookup ${url.hostname}: no such host`;
  return error.message;
}

const RETRYABLE: Readonly<Record<number, CodeName>> = {
  429: "ResourceExhausted",
  502: "Unavailable",
  503: "Unavailable",
  504: "Unavailable",
};

function readAnswer(address: string, { status, headers, body }: Answer) {
  const isJson = (headers["content-type"] ?? "").startsWith("application/json");
  if (status >= 200 && status < 300) return isJson ? undefined : decodePartialSuccess(body);
  const message = isJson ? jsonMessage(body) : decodeStatusMessage(body);
  const said = message === undefined || message === "" ? "" : `, Message=${message}, Details=[]`;
  const text = `error exporting items, request to ${address} responded with HTTP Status Code ${status}${said}`;
  const code = RETRYABLE[status];
  if (code === undefined) throw new PermanentError(text);
  // 429 may be retried even when the server names no delay; 0 says so.
  throw new HttpStatusError(
    code,
    text,
    retryAfter(headers["retry-after"]) ?? (status === 429 ? 0 : undefined),
  );
}

/** A retryable answer; its message is the whole text, as `otlphttp` reports it. */
class HttpStatusError extends StatusError {
  constructor(code: CodeName, text: string, retryAfterMs: number | undefined) {
    super(code, text, retryAfterMs);
    this.message = text;
  }
}

function retryAfter(header: string | undefined): number | undefined {
  return header !== undefined && /^\d+$/.test(header) ? Number(header) * 1000 : undefined;
}

function jsonMessage(body: Buffer): string | undefined {
  try {
    const parsed: unknown = JSON.parse(body.toString("utf8"));
    if (typeof parsed === "object" && parsed !== null && "message" in parsed) return String(parsed.message);
  } catch {
    // Not JSON after all: there is no message to show.
  }
  return undefined;
}
