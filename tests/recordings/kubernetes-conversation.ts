import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { RecordedRequest } from "@tracegate/kube/testing";

/** What the server answered to one recorded request, in the form of the recording. */
export interface Answer {
  readonly code: number;
  readonly contentType: string;
  readonly warning?: string;
  readonly body: unknown;
}

export interface Exchanged {
  readonly recorded: RecordedRequest;
  readonly answer: Answer;
}

const ADMIN_TOKEN = "admintoken";

/**
 * Requests that were made while recording but not written down: by the one they came before, whose answer shows them by a text.
 */
const LEFT_OUT: Readonly<
  Record<string, { readonly shown: string; readonly requests: readonly RecordedRequest["request"][] }>
> = {
  "patch/strategic-order": {
    shown: '"value":"26"',
    requests: [
      {
        method: "PATCH",
        path: "/apis/apps/v1/namespaces/conf/deployments/d1",
        contentType: "application/strategic-merge-patch+json",
        body: {
          spec: {
            template: {
              spec: { containers: [{ name: "c", env: [{ name: "Z", value: "26" }, { $patch: "replace" }] }] },
            },
          },
        },
      },
    ],
  },
  "cr/table": {
    shown: '"nospec"',
    requests: [
      paint({ metadata: { name: "e" }, spec: { color: "green", either: 1 } }),
      paint({ metadata: { name: "nospec" } }),
    ],
  },
};

const leftOutBefore = ({ name, response }: RecordedRequest): readonly RecordedRequest["request"][] => {
  const left = LEFT_OUT[name];
  return left !== undefined && JSON.stringify(response.body).includes(left.shown) ? left.requests : [];
};

function paint(body: object): RecordedRequest["request"] {
  return {
    method: "POST",
    path: "/apis/conf.example/v1/namespaces/conf/paints",
    body: { apiVersion: "conf.example/v1", kind: "Paint", ...body },
  };
}

/** Sends a recorded conversation to a server, in order. */
export async function converse(
  url: string,
  conversation: readonly Pick<RecordedRequest, "name" | "request" | "response">[],
): Promise<Exchanged[]> {
  const exchanged: Exchanged[] = [];
  const seen = new Seen();
  for (const recorded of conversation) {
    for (const request of leftOutBefore(recorded)) await send(url, request);
    const answer = await send(url, seen.filledIn(recorded.request)).catch((error: Error) => {
      throw new Error(`${recorded.name}: ${error.message}`, { cause: error });
    });
    seen.note(recorded.name, answer.body);
    exchanged.push({ recorded, answer });
  }
  return exchanged;
}

/** What earlier answers held that later requests repeat: `CONTINUE`, `RV(name)` and `UID(name)` of the answer to `name`. */
class Seen {
  #continue = "";
  readonly #metadata = new Map<string, { resourceVersion?: string; uid?: string }>();

  note(name: string, body: unknown): void {
    const { metadata } = (body ?? {}) as { metadata?: { continue?: string; resourceVersion?: string; uid?: string } };
    this.#continue = metadata?.continue ?? this.#continue;
    this.#metadata.set(name, metadata ?? {});
  }

  filledIn(request: RecordedRequest["request"]): RecordedRequest["request"] {
    const text = JSON.stringify(request)
      .replace("continue=CONTINUE", `continue=${this.#continue}`)
      .replace(/\bRV\(([^()]+)\)/g, (_, name) => this.#metadata.get(name)?.resourceVersion ?? "none")
      .replace(/\bUID\(([^()]+)\)/g, (_, name) => this.#metadata.get(name)?.uid ?? "none");
    return JSON.parse(text);
  }
}

function send(url: string, request: RecordedRequest["request"]) {
  const { method, path } = request;
  const bytes = requestBody(request);
  const bearer = request.token ?? ADMIN_TOKEN;
  const { accept, contentType = "application/json" } = request;
  const target = new URL(path, url);
  const open = target.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise<Answer>((resolve, reject) => {
    const sent = open(target, {
      method,
      // A server that is recorded has a certificate of its own making.
      rejectUnauthorized: false,
      headers: {
        ...(accept === undefined ? {} : { Accept: accept }),
        ...(bearer === "" ? {} : { Authorization: `Bearer ${bearer}` }),
        ...(bytes === undefined ? {} : { "Content-Type": contentType, "Content-Length": bytes.length }),
        ...request.headers,
      },
    });
    sent.on("error", reject);
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const type = String(response.headers["content-type"] ?? "");
        const { warning } = response.headers;
        resolve({
          code: response.statusCode ?? 0,
          contentType: type,
          ...(warning === undefined ? {} : { warning: String(warning) }),
          body: parseBody(Buffer.concat(chunks).toString("utf8"), type, isWatch(path)),
        });
      });
    });
    sent.end(bytes);
  });
}

const isWatch = (path: string): boolean => /[?&]watch=(?!0|false)/.test(path) || path.startsWith("/api/v1/watch/");

function requestBody({ raw, base64, body }: RecordedRequest["request"]): Buffer | undefined {
  if (base64 !== undefined) return Buffer.from(base64, "base64");
  const text = raw ?? (body === undefined ? undefined : bodyText(body));
  return text === undefined ? undefined : Buffer.from(text);
}

/** Bodies of a megabyte and more are told by their size in the recording. */
function bodyText(body: unknown): string {
  const size = typeof body === "string" ? /^\(large: (\d+) bytes\)$/.exec(body)?.[1] : undefined;
  if (size === undefined) return JSON.stringify(body);
  const big = (data: string) =>
    JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "big" }, data: { a: data } });
  return big("x".repeat(Number(size) - big("").length));
}

/** A watch answers one event a line. */
function parseBody(text: string, contentType: string, watch: boolean): unknown {
  if (!contentType.startsWith("application/json") || text === "") return text;
  const lines = text.trim().split("\n");
  // What is written for people to read is one value over many lines.
  const events = watch && lines.every((line) => line === "" || /^[{[].*[}\]]$/.test(line));
  return events ? lines.filter((line) => line !== "").map((line) => JSON.parse(line)) : JSON.parse(text);
}
