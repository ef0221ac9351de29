import { readFileSync } from "node:fs";

/** One request that kube-apiserver 1.34 was sent, and what it answered. */
export interface RecordedRequest {
  readonly name: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly contentType?: string;
    readonly accept?: string;
    readonly token?: string;
    readonly headers?: Readonly<Record<string, string>>;
    /** The body as text, where it is no JSON that could be written otherwise. */
    readonly raw?: string;
    /** The body as bytes, where it is no text. */
    readonly base64?: string;
    readonly body?: unknown;
  };
  readonly response: {
    readonly code: number;
    readonly contentType?: string;
    readonly warning?: string;
    readonly body?: unknown;
  };
}

/** The conversation of `tests/recordings/kubernetes/requests.json`, in order. */
export function recordedRequests(): readonly RecordedRequest[] {
  const file = new URL("../../../tests/recordings/kubernetes/requests.json", import.meta.url);
  return JSON.parse(readFileSync(file, "utf8"));
}

/** One exchange by name. */
export function recordedRequest(name: string): RecordedRequest {
  const found = recordedRequests().find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`no recording ${name}`);
  return found;
}
