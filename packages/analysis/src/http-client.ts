import { request } from "node:http";
import type { Duplex } from "node:stream";
import { connect as tlsConnect } from "node:tls";
import type { Clock, ClusterNetwork } from "@tracegate/contracts";

/** One HTTP exchange, as providers need it. Rejections carry Go's wording of the cause, without method and URL. */
export type HttpClient = (request: HttpRequest) => Promise<HttpResponse>;

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Accept any certificate. */
  readonly insecure?: boolean;
}

export interface HttpResponse {
  readonly status: number;
  readonly body: string;
}

/** Answers larger than this are refused: a gate's answer is small. */
const maxBodyBytes = 16 * 1024 * 1024;

/** HTTP over the cluster's network: names and addresses resolve as pods see them. */
export function clusterHttp(network: ClusterNetwork, clock: Clock): HttpClient {
  return async (options) => {
    const url = new URL(options.url);
    const secure = url.protocol === "https:";
    const deadline = new AbortController();
    const timer = new AbortController();
    clock.after(options.timeoutMs, timer.signal).then(
      () => deadline.abort(new Error("context deadline exceeded")),
      () => undefined, // the exchange ended first
    );
    const signal = AbortSignal.any([options.signal, deadline.signal]);
    try {
      const port = Number(url.port || (secure ? 443 : 80));
      const plain = await untilAborted(dial(network, url.hostname, port), signal);
      const socket = secure ? tlsOver(plain, url.hostname, options.insecure === true) : plain;
      return await exchange(socket, url, options, signal);
    } finally {
      timer.abort();
    }
  };
}

async function dial(network: ClusterNetwork, host: string, port: number): Promise<Duplex> {
  try {
    return await network.dial(host, port);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new Error(text.startsWith("lookup ") ? `dial tcp: ${text}` : text, { cause: error });
  }
}

const tlsOver = (socket: Duplex, servername: string, insecure: boolean): Duplex =>
  tlsConnect({ socket, servername, rejectUnauthorized: !insecure });

function exchange(
  socket: Duplex,
  url: URL,
  options: HttpRequest,
  signal: AbortSignal,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.destroy();
      reject(signal.aborted && signal.reason instanceof Error ? signal.reason : error);
    };
    const call = request(
      {
        method: options.method,
        host: url.hostname,
        path: url.pathname + url.search,
        headers: {
          host: url.host,
          "user-agent": "tracegate",
          connection: "close",
          ...(options.body === undefined
            ? {}
            : { "content-length": String(Buffer.byteLength(options.body)) }),
          ...options.headers,
        },
        // The socket is ours already; node only speaks HTTP over it.
        createConnection: () => socket as import("node:net").Socket,
        signal,
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxBodyBytes) fail(new Error(`response body is larger than ${maxBodyBytes} bytes`));
          else chunks.push(chunk);
        });
        response.on("error", fail);
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }),
        );
      },
    );
    call.on("error", (error) => fail(error.message === "socket hang up" ? new Error("EOF") : error));
    call.end(options.body);
  });
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
