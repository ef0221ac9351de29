import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { bodyLimitBytes } from "./answer.ts";

/** Posts a body to a service; @throws Error with what Go's client says of it. Redirects are not followed. */
export async function post(
  url: string,
  call: {
    readonly body: Buffer;
    readonly headers: Readonly<Record<string, string>>;
    readonly timeoutMs: number;
  },
): Promise<{ readonly status: number; readonly text: string }> {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  const send =
    target?.protocol === "http:" ? httpRequest : target?.protocol === "https:" ? httpsRequest : undefined;
  if (!target || !send)
    throw new Error(
      `Post "${encodeURI(url)}": unsupported protocol scheme "${target?.protocol.slice(0, -1) ?? ""}"`,
    );
  const signal = AbortSignal.timeout(call.timeoutMs);
  try {
    const response = await answerTo(
      send(target, { method: "POST", headers: call.headers, signal }),
      call.body,
    );
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response) {
      size += chunk.length;
      if (size > bodyLimitBytes) throw new Error("response body too large");
      chunks.push(chunk);
    }
    return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
  } catch (error) {
    throw new Error(`Post "${url}": ${signal.aborted ? "context deadline exceeded" : reason(error)}`);
  }
}

function answerTo(request: ClientRequest, body: Buffer): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on("response", resolve).on("error", reject).end(body);
  });
}

/** The failures that a cluster knows, in Go's words. */
function reason(error: unknown): string {
  // A name with several addresses fails with one error for each.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  if (!(first instanceof Error)) return String(first);
  const { code, address, port, hostname } = first as NodeJS.ErrnoException & {
    readonly address?: string;
    readonly port?: number;
    readonly hostname?: string;
  };
  if (code === "ECONNREFUSED") {
    const host = address?.includes(":") ? `[${address}]` : address;
    return `dial tcp ${host}:${port}: connect: connection refused`;
  }
  if (code === "ENOTFOUND") return `dial tcp: lookup ${hostname}: no such host`;
  if (code === "ECONNRESET") return "EOF";
  return first.message;
}
