import { posix } from "node:path";

/** Where a request goes: a path for the routes, or an answer that needs no route. */
export type Target =
  | { readonly path: string }
  | { readonly redirect: string }
  /** The path's escapes are wrong. */
  | "malformed";

/** Paths are decoded, and those with empty parts, `.` or `..` are redirected to the clean one, as gorilla's router does. */
export function readTarget(url: string): Target {
  const [, raw = "/", query = ""] = /^(?:https?:\/\/[^/?]*)?([^?]*)(\?.*)?$/s.exec(url) ?? [];
  const path = decode(raw === "" ? "/" : raw);
  if (path === undefined) return "malformed";
  const clean = cleaned(path);
  return clean === path
    ? { path }
    : { redirect: `${encodeURI(clean).replace(/[?#]/g, encodeURIComponent)}${query}` };
}

function cleaned(path: string): string {
  const clean = posix.normalize(path.startsWith("/") ? path : `/${path}`);
  return clean.replace(/(.)\/$/, path.endsWith("/") ? "$1/" : "$1");
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    // Bytes that are no UTF-8 are well escaped all the same.
    return /%(?![\da-f]{2})/i.test(path) ? undefined : unescape(path);
  }
}
