import { copyJson, getKey, isObject, type JsonObject, setKey } from "../json.ts";
import { badRequest } from "./refusal.ts";

/** Applies a JSON merge patch (RFC 7386) to a copy of the document: null deletes, lists are replaced. */
export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isObject(patch)) throw badRequest("Invalid JSON Patch");
  return merge(copyJson(document), copyJson(patch));
}

function merge(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: JsonObject = isObject(target) ? target : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setKey(result, key, merge(getKey(result, key), value));
  }
  return result;
}
