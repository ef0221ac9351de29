import type { IncomingMessage } from "node:http";

/** What a route says; "abort" ends the connection without an answer, as a panic in Go's server does. */
export type Answer = Reply | "abort";

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream's head is sent at once, and each part as it comes. */
  readonly body?: string | Buffer | AsyncIterable<string>;
}

/** What is taken of a request's body. */
export const bodyLimitBytes = 1024 * 1024;

export function json(value: unknown, status = 200): Reply {
  return {
    status,
    headers: { "Content-Type": "application/json; charset=utf-8", "X-Content-Type-Options": "nosniff" },
    body: goJson(value, 2),
  };
}

/** podinfo tells of failures in the body: the status is 200 whatever `code` says. */
export function failure(code: number, message: string): Reply {
  return json({ code, message });
}

/** Text as Go's http.Error sends it. */
export function errorText(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return {
    status,
    headers: { "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff", ...headers },
    body: `${text}\n`,
  };
}

/** JSON with the characters that Go escapes so that it may stand in HTML. */
export function goJson(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** @throws BodyTooLarge beyond {@link bodyLimitBytes}. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > bodyLimitBytes) throw new BodyTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export class BodyTooLarge extends Error {}

export const tooLarge: Reply = { ...failure(413, "request body too large"), status: 413 };
