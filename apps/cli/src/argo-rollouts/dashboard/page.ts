import { readFileSync } from "node:fs";

const types: Readonly<Record<string, string>> = {
  "dashboard.html": "text/html; charset=utf-8",
  "dashboard.css": "text/css; charset=utf-8",
  "dashboard.js": "text/javascript; charset=utf-8",
  "rollout.js": "text/javascript; charset=utf-8",
  "analysis.js": "text/javascript; charset=utf-8",
  "dom.js": "text/javascript; charset=utf-8",
};
const read = new Map<string, string>();

/** The page or a file of it; the page carries the token of this start. */
export function pageFile(
  path: string,
  token: string,
): { readonly contentType: string; readonly body: string } | undefined {
  const name = path === "/" ? "dashboard.html" : path.slice(1);
  const contentType = Object.hasOwn(types, name) ? types[name] : undefined;
  if (contentType === undefined) return undefined;
  const text = read.get(name) ?? readFileSync(new URL(`page/${name}`, import.meta.url), "utf8");
  read.set(name, text);
  return { contentType, body: name === "dashboard.html" ? text.replace("{{token}}", token) : text };
}
