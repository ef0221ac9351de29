import { copyJson, getKey, isObject, type JsonObject, jsonEqual, setKey } from "../json.ts";
import type { JsonPatchOperation } from "../resource-client.ts";
import { jsonTypeName } from "../schema/decode-scalar.ts";
import { StatusError } from "../status.ts";
import { badRequest } from "./refusal.ts";

/** More operations than this are refused with 413. */
export const MAX_JSON_PATCH_OPERATIONS = 10_000;

/**
 * Applies a JSON patch (RFC 6902) to a copy of the document. As in the library that Kubernetes uses, `replace` of a missing
 * member adds it, though the RFC forbids it; `remove` of one fails. Whatever cannot be applied is 422 without a word of detail.
 */
export function applyJsonPatch(document: unknown, operations: readonly JsonPatchOperation[]): unknown {
  if (operations.length > MAX_JSON_PATCH_OPERATIONS) {
    throw new StatusError({
      message:
        `Request entity too large: The allowed maximum operations in a JSON patch is ${MAX_JSON_PATCH_OPERATIONS}, ` +
        `got ${operations.length}`,
      reason: "RequestEntityTooLarge",
      code: 413,
    });
  }
  const root = { "": copyJson(document) };
  for (const operation of operations) applyOperation(root, operation);
  return root[""];
}

/** The operations of a patch. */
export const parseJsonPatch = (body: unknown): JsonPatchOperation[] => readJsonPatch(body).operations;

/** The operations of a request's body. What they hold beyond the standard is told as the complaints of strict reading. */
export function readJsonPatch(body: unknown): { operations: JsonPatchOperation[]; complaints: string[] } {
  if (!Array.isArray(body)) throw notOfType(body, "[]handlers.jsonPatchOp");
  const complaints = body.flatMap((operation, i) => {
    if (!isObject(operation)) throw notOfType(operation, "handlers.jsonPatchOp");
    for (const field of ["op", "path", "from"]) {
      const value = operation[field];
      if (value === undefined || value === null || typeof value === "string") continue;
      throw badRequest(
        `error decoding patch: json: cannot unmarshal ${jsonTypeName(value)} into Go struct field jsonPatchOp.${field} of type string`,
      );
    }
    const others = Object.keys(operation).filter((key) => !MEMBERS.has(key));
    return others.map((key) => `json patch unknown field ${JSON.stringify(`[${i}].${key}`)}`);
  });
  return { operations: body.map(asOperation), complaints };
}

const MEMBERS = new Set(["op", "path", "from", "value"]);

function asOperation(operation: JsonObject): JsonPatchOperation {
  const { op, path, from, value } = operation;
  if (typeof op !== "string" || !isOp(op) || typeof path !== "string") throw unprocessable();
  return {
    op,
    path,
    ...(typeof from === "string" ? { from } : {}),
    ...("value" in operation ? { value } : {}),
  };
}

function notOfType(value: unknown, goType: string): StatusError {
  return badRequest(
    `error decoding patch: json: cannot unmarshal ${jsonTypeName(value)} into Go value of type ${goType}`,
  );
}

const OPS = ["add", "remove", "replace", "move", "copy", "test"] as const;
const isOp = (op: string): op is JsonPatchOperation["op"] => OPS.some((known) => known === op);

function applyOperation(root: { "": unknown }, operation: JsonPatchOperation): void {
  const path = parsePointer(operation.path);
  switch (operation.op) {
    case "add":
      add(root, path, copyJson(operation.value));
      break;
    case "remove":
      remove(root, path);
      break;
    case "replace":
      replace(root, path, copyJson(operation.value));
      break;
    case "test": {
      const found = lookup(root, path);
      // A missing place equals null, as upstream.
      if (!jsonEqual(found === undefined ? null : found, operation.value ?? null)) throw unprocessable();
      break;
    }
    case "move":
      add(root, path, remove(root, parsePointer(operation.from)));
      break;
    case "copy": {
      const value = lookup(root, parsePointer(operation.from));
      if (value === undefined) throw unprocessable();
      add(root, path, copyJson(value));
      break;
    }
  }
}

/** Keys from the holder of the document down: the first is always "". */
function parsePointer(pointer: string | undefined): string[] {
  if (pointer === undefined || (pointer !== "" && !pointer.startsWith("/"))) throw unprocessable();
  return pointer.split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function lookup(root: { "": unknown }, path: readonly string[]): unknown {
  let value: unknown = root;
  for (const key of path) value = child(value, key);
  return value;
}

function child(value: unknown, key: string): unknown {
  if (Array.isArray(value)) {
    const index = listIndex(key, value.length);
    return index < value.length ? value[index] : undefined;
  }
  return isObject(value) ? getKey(value, key) : undefined;
}

/** The parent of a place, and the last key. */
function parentOf(root: { "": unknown }, path: readonly string[]): { parent: unknown; key: string } {
  return { parent: lookup(root, path.slice(0, -1)), key: path.at(-1) ?? "" };
}

function add(root: { "": unknown }, path: readonly string[], value: unknown): void {
  const { parent, key } = parentOf(root, path);
  if (Array.isArray(parent))
    parent.splice(key === "-" ? parent.length : listIndex(key, parent.length + 1), 0, value);
  else if (isObject(parent)) setKey(parent, key, value);
  else throw unprocessable();
}

function replace(root: { "": unknown }, path: readonly string[], value: unknown): void {
  const { parent, key } = parentOf(root, path);
  if (Array.isArray(parent)) parent[listIndex(key, parent.length)] = value;
  else if (isObject(parent)) setKey(parent, key, value);
  else throw unprocessable();
}

function remove(root: { "": unknown }, path: readonly string[]): unknown {
  const { parent, key } = parentOf(root, path);
  if (Array.isArray(parent)) return parent.splice(listIndex(key, parent.length), 1)[0];
  if (!isObject(parent) || !Object.hasOwn(parent, key)) throw unprocessable();
  const value = getKey(parent, key);
  delete parent[key];
  return value;
}

/** An index below `bound`; negative ones count from the end, as upstream's library allows. */
function listIndex(key: string, bound: number): number {
  if (!/^-?(0|[1-9][0-9]*)$/.test(key)) throw unprocessable();
  const index = Number(key) < 0 ? Number(key) + bound : Number(key);
  if (index < 0 || index >= bound) throw unprocessable();
  return index;
}

function unprocessable(): StatusError {
  return new StatusError({
    message: "the server rejected our request due to an error in our request",
    reason: "Invalid",
    details: {},
    code: 422,
  });
}
