import { badRequest } from "./refusals.ts";

/** Where a list in pages goes on: the revision of the first page and the first key of the next. */
export interface ContinueToken {
  readonly revision: number;
  readonly start: string;
}

/** The form of real servers, so that a token is as long and as opaque as clients expect. */
export function encodeContinue(revision: number, start: string): string {
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: revision, start })).toString("base64url");
}

export function decodeContinue(text: string): ContinueToken {
  const bytes = Buffer.from(text, "base64url");
  let decoded: unknown;
  try {
    decoded = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw badRequest(`invalid continue token: continue key is not valid: ${goJsonComplaint(bytes)}`);
  }
  const { v, rv, start } = (decoded ?? {}) as { v?: unknown; rv?: unknown; start?: unknown };
  const wrong = (why: string) => badRequest(`invalid continue token: continue key is not valid: ${why}`);
  if (v !== "meta.k8s.io/v1")
    throw wrong(`server does not recognize this encoded version ${String(v ?? "")}`);
  if (typeof rv !== "number" || rv === 0) {
    throw wrong("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  }
  if (typeof start !== "string" || start === "")
    throw wrong("encoded start key empty (version meta.k8s.io/v1)");
  return { revision: rv, start };
}

/** How Go's JSON decoder complains about the first byte it cannot use. */
function goJsonComplaint(bytes: Buffer): string {
  const first = bytes[0];
  if (first === undefined) return "unexpected end of JSON input";
  const shown =
    first >= 0x20 && first < 0x7f
      ? `'${String.fromCharCode(first)}'`
      : `'\\u${first.toString(16).padStart(4, "0")}'`;
  return `invalid character ${shown} looking for beginning of value`;
}
