import { request as httpRequest } from "node:http";
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
export async function converse(url: string, conversation: readonly RecordedRequest[]): Promise<Exchanged[]> {
  const exchanged: Exchanged[] = [];
  let continueToken = "";
  for (const recorded of conversation) {
    for (const request of leftOutBefore(recorded)) await send(url, request);
    const path = recorded.request.path.replace("continue=CONTINUE", `continue=${continueToken}`);
    const answer = await send(url, { ...recorded.request, path });
    const metadata = (answer.body as { metadata?: { continue?: string } } | undefined)?.metadata;
    continueToken = metadata?.continue ?? continueToken;
    exchanged.push({ recorded, answer });
  }
  return exchanged;
}

function send(
  url: string,
  { method, path, contentType, accept, token, raw, body }: RecordedRequest["request"],
) {
  const text = raw ?? (body === undefined ? undefined : bodyText(body));
  const bearer = token ?? ADMIN_TOKEN;
  return new Promise<Answer>((resolve, reject) => {
    const request = httpRequest(new URL(path, url), {
      method,
      headers: {
        ...(accept === undefined ? {} : { Accept: accept }),
        ...(bearer === "" ? {} : { Authorization: `Bearer ${bearer}` }),
        ...(text === undefined ? {} : { "Content-Type": contentType ?? "application/json" }),
        ...(text === undefined ? {} : { "Content-Length": Buffer.byteLength(text) }),
      },
    });
    request.on("error", reject);
    request.on("response", (response) => {
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
          body: parseBody(Buffer.concat(chunks).toString("utf8"), type, /[?&]watch=/.test(path)),
        });
      });
    });
    request.end(text);
  });
}

/** Bodies of a megabyte and more are told by their size in the recording. */
function bodyText(body: unknown): string {
  const size = typeof body === "string" ? /^\(large: (\d+) bytes\)$/.exec(body)?.[1] : undefined;
  if (size === undefined) return JSON.stringify(body);
  const big = (data: string) =>
    JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "big" }, data: { a: data } });
  return big("x".repeat(Number(size) - big("").length));
}

function parseBody(text: string, contentType: string, watch: boolean): unknown {
  if (!contentType.startsWith("application/json")) return text;
  if (!watch) return JSON.parse(text);
  return text
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
