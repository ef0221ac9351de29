import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import type { Duplex } from "node:stream";
import { gunzipSync } from "node:zlib";
import type { ExpositionFormat } from "./exposition.ts";
import { type Target, timeoutOf } from "./job.ts";

/** Where the exposition of one target comes from. */
export interface MetricsSource {
  /** Rejects with what is shown as the target's error. Gives up when the signal says so. */
  fetch(signal: AbortSignal): Promise<FetchedMetrics>;
  close(): void;
}

/** Opens the source of a target. */
export type OpenSource = (target: Target) => MetricsSource;

/** Targets over HTTP, on connections that `dial` opens. */
export const overHttp =
  (dial: Dial): OpenSource =>
  ({ url, job }) =>
    new MetricsClient(dial, url, timeoutOf(job), job.bodyLimit || DEFAULT_BODY_LIMIT);

/** A target in this process: its exposition is what the function says at the time. */
export const inProcess =
  (exposition: () => string): OpenSource =>
  () => ({ fetch: async () => ({ body: Buffer.from(exposition()), format: "text" }), close: () => {} });

/** Opens a connection to a target; rejects with Go's wording. */
export type Dial = (host: string, port: number) => Promise<Duplex>;

export interface FetchedMetrics {
  readonly body: Buffer;
  readonly format: ExpositionFormat;
}

const DEFAULT_BODY_LIMIT = 64 << 20;

const ACCEPT =
  "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6," +
  "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4," +
  "text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

/** An HTTP client for one target: keep-alive over connections that `dial` opens. */
class MetricsClient implements MetricsSource {
  readonly #agent: DialingAgent;
  readonly #url: URL;
  readonly #timeoutMs: number;
  readonly #bodyLimit: number;

  constructor(dial: Dial, url: string, timeoutMs: number, bodyLimit: number) {
    this.#agent = new DialingAgent(dial);
    this.#url = new URL(url);
    this.#timeoutMs = timeoutMs;
    this.#bodyLimit = bodyLimit;
  }

  /** Fetches once. Rejects with what Prometheus would show as the target's error. */
  async fetch(signal: AbortSignal): Promise<FetchedMetrics> {
    const { hostname, port, pathname, search, protocol } = this.#url;
    if (protocol !== "http:") throw new Error(`scheme ${protocol.slice(0, -1)} is not supported, only http`);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = request({
        agent: this.#agent,
        host: hostname.replace(/^\[|\]$/g, ""),
        port: port === "" ? 80 : Number(port),
        path: pathname + search,
        signal,
        headers: {
          Host: this.#url.host,
          "User-Agent": "Prometheus/3.14.0",
          Accept: ACCEPT,
          "Accept-Encoding": "gzip",
          "X-Prometheus-Scrape-Timeout-Seconds": String(this.#timeoutMs / 1000),
        },
      });
      outgoing.on("response", resolve).on("error", reject).end();
    });
    const body = await this.#read(response);
    if (response.statusCode !== 200) {
      throw new Error(`server returned HTTP status ${response.statusCode} ${response.statusMessage}`);
    }
    return { body, format: formatOf(response.headers["content-type"]) };
  }

  close(): void {
    this.#agent.destroy();
  }

  async #read(response: IncomingMessage): Promise<Buffer> {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of response as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > this.#bodyLimit) throw new Error("body size limit exceeded");
      parts.push(part);
    }
    const body = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    if (response.headers["content-encoding"] !== "gzip") return body;
    try {
      return gunzipSync(body, { maxOutputLength: this.#bodyLimit });
    } catch (error) {
      const tooLarge = error instanceof RangeError;
      throw tooLarge ? new Error("body size limit exceeded") : error;
    }
  }
}

function formatOf(contentType: string | undefined): ExpositionFormat {
  const type = contentType?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type === "application/openmetrics-text") return "openmetrics";
  if (type === "text/plain") return "text";
  throw new Error(
    `received unsupported Content-Type ${JSON.stringify(contentType ?? "")} ` +
      "and no fallback_scrape_protocol specified for target",
  );
}

/** Keep-alive over any duplex stream, not only sockets. */
class DialingAgent extends Agent {
  readonly #dial: Dial;

  constructor(dial: Dial) {
    super({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 });
    this.#dial = dial;
  }

  override createConnection(
    options: { host?: string | null; port?: number | string | null },
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    this.#dial(options.host ?? "", Number(options.port)).then(
      (stream) => callback?.(null, stream),
      // Node's own type wants a stream beside the error, which nobody reads.
      (error: Error) => (callback as (error: Error) => void)(error),
    );
    return undefined;
  }

  /** A plain duplex has no keep-alive timer to set. */
  override keepSocketAlive(stream: Duplex): boolean {
    const socket = stream as Partial<{ unref(): void }>;
    socket.unref?.();
    // Node keeps the stream only on a truthy answer.
    return true;
  }

  /** Node's own also takes its guard off the idle connection: without it, the first byte of an answer destroys it. */
  override reuseSocket(stream: Duplex, request: ClientRequest): void {
    const socket = stream as Partial<{ ref(): void }>;
    socket.ref ??= () => {};
    super.reuseSocket(stream, request);
  }
}
