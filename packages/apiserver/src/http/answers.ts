import type { ServerResponse } from "node:http";
import { type Status, StatusError } from "@tracegate/kube";
import { stringify } from "yaml";
import { warningHeaders } from "./warning-headers.ts";

/** Answers in JSON, or in YAML where that was asked for. */
export function answer(
  response: ServerResponse,
  code: number,
  body: unknown,
  { format = "json", contentType }: { format?: "json" | "yaml"; contentType?: string } = {},
): void {
  const text = format === "yaml" ? yamlText(body) : jsonText(body);
  answerText(response, code, text, contentType ?? `application/${format}`);
}

export function answerText(
  response: ServerResponse,
  code: number,
  text: string,
  contentType = "text/plain; charset=utf-8",
): void {
  const bytes = Buffer.from(text, "utf8");
  response.statusCode = code;
  response.setHeader("Content-Type", contentType);
  response.setHeader("Content-Length", bytes.length);
  response.end(bytes);
}

/** Answers with the Status of a refusal; what is no refusal becomes 500 without a word of its inside. */
export function answerError(
  response: ServerResponse,
  error: unknown,
  format: "json" | "yaml" = "json",
): void {
  const status = statusOf(error);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (status.details?.retryAfterSeconds !== undefined) {
    response.setHeader("Retry-After", status.details.retryAfterSeconds);
  }
  answer(response, status.code, status, { format });
}

export function statusOf(error: unknown): Status {
  if (error instanceof StatusError) return error.status;
  const message = error instanceof Error ? error.message : String(error);
  return new StatusError({
    message: `Internal error occurred: ${message}`,
    reason: "InternalError",
    details: { causes: [{ message }] },
    code: 500,
  }).status;
}

export function setWarnings(response: ServerResponse, warnings: readonly string[]): void {
  const values = warningHeaders(warnings);
  if (values.length > 0) response.setHeader("Warning", values);
}

/** As Go writes it: keys in order, lists at the level of their key, what YAML 1.1 would take for another thing in quotes. */
function yamlText(body: unknown): string {
  const text = stringify(body, {
    version: "1.1",
    aliasDuplicateObjects: false,
    sortMapEntries: true,
    indentSeq: false,
    lineWidth: 0,
  });
  // A lone dot, as in managed fields, is no number to Go.
  return text.replace(/^( *(?:- )*)"\.": /gm, "$1.: ");
}

const texts = new WeakMap<object, string>();

/** JSON of a body. Stored objects never change, so the text of each is made once, whoever asks for it. */
function jsonText(body: unknown): string {
  return JSON.stringify(body);
}

export function objectText(object: object): string {
  let text = texts.get(object);
  if (text === undefined) {
    text = JSON.stringify(object);
    texts.set(object, text);
  }
  return text;
}
