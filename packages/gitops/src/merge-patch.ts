import { sameJson } from "./compare/three-way-merge.ts";
import { isObject } from "./manifest.ts";

/** The JSON merge patch (RFC 7386) that makes `to` of `from`; undefined when they are the same. */
export function mergePatch(from: unknown, to: unknown): unknown {
  if (sameJson(from, to)) return undefined;
  if (!isObject(from) || !isObject(to)) return to;
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(from))
    if (to[key] === undefined && from[key] !== undefined) patch[key] = null;
  for (const [key, value] of Object.entries(to)) {
    if (value === undefined) continue;
    const change = mergePatch(from[key], value);
    if (change !== undefined) patch[key] = change;
  }
  return patch;
}
