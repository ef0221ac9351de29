import { readFileSync } from "node:fs";
import type { Answer } from "../jaeger/api.ts";

const FILES: Readonly<Record<string, string>> = {
  "traces.html": "text/html; charset=utf-8",
  "traces.css": "text/css; charset=utf-8",
  "traces.js": "text/javascript; charset=utf-8",
};

const read = new Map<string, string>();

/** The page and its two assets. Jaeger's own addresses (`/search`, `/trace/ID`) lead to it too. */
export function pageFile(path: string): Answer | undefined {
  const name =
    path === "/" || path === "/search" || path.startsWith("/trace/") ? "traces.html" : path.slice(1);
  const contentType = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
  if (contentType === undefined) return undefined;
  const body = read.get(name) ?? readFileSync(new URL(name, import.meta.url), "utf8");
  read.set(name, body);
  return { status: 200, contentType, body };
}
