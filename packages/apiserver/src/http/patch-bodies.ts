import type { IncomingMessage } from "node:http";
import {
  fieldComplaints,
  JsonSyntaxError,
  jsonTypeName,
  type Patch,
  parseJsonText,
  readJsonPatch,
  StatusError,
} from "@tracegate/kube";
import { patchTypes } from "../core/patching.ts";
import { badRequest } from "../core/refusals.ts";
import type { ServedKind } from "../core/served-kinds.ts";
import { readBody, unsupportedMediaType } from "./bodies.ts";
import { parseYamlText, YamlSyntaxError } from "./yaml-text.ts";

/** A patch, and what is said against it where reading is strict. */
export interface PatchBody {
  readonly patch: Patch;
  readonly complaints: readonly string[];
}

/** The patch that a request carries, by its media type. */
export async function readPatch(served: ServedKind, request: IncomingMessage): Promise<PatchBody> {
  const [type = ""] = (request.headers["content-type"] ?? "").split(";");
  const types = patchTypes(served);
  if (!types.includes(type)) {
    // Of built-in kinds it is the router that refuses.
    throw served.custom === undefined ? notConsumed() : unsupportedMediaType(types);
  }
  const text = (await readBody(request)).toString("utf8");
  switch (type) {
    case "application/json-patch+json": {
      const { value, duplicates } = patchJson(text, "error decoding patch: ");
      const { operations, complaints } = readJsonPatch(value);
      const twice = fieldComplaints([], duplicates).map((complaint) => `json patch ${complaint}`);
      return { patch: { type: "json", operations }, complaints: [...twice, ...complaints] };
    }
    case "application/merge-patch+json": {
      const { value, duplicates } = patchMap(text, "error decoding patch: ");
      return { patch: { type: "merge", body: value }, complaints: fieldComplaints([], duplicates) };
    }
    case "application/strategic-merge-patch+json": {
      const { value, duplicates } = patchMap(text, "");
      return { patch: { type: "strategic", body: value ?? {} }, complaints: fieldComplaints([], duplicates) };
    }
    default:
      return readApplied(text);
  }
}

function notConsumed(): StatusError {
  const message = "415: Unsupported Media Type";
  return new StatusError({ message, reason: "UnsupportedMediaType", details: {}, code: 415 });
}

function patchJson(text: string, prefix: string) {
  try {
    return parseJsonText(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw badRequest(`${prefix}${error.message}`);
  }
}

function patchMap(text: string, prefix: string) {
  const read = patchJson(text, prefix);
  const found = jsonTypeName(read.value);
  if (read.value === null || found === "object") return read;
  throw badRequest(`${prefix}json: cannot unmarshal ${found} into Go value of type map[string]interface {}`);
}

function readApplied(text: string): PatchBody {
  try {
    const { value, duplicates } = parseYamlText(text);
    const found = jsonTypeName(value ?? {});
    if (found !== "object") {
      const goType = "map[string]interface {}";
      throw badRequest(
        "error decoding YAML: error unmarshaling JSON: while decoding JSON: " +
          `json: cannot unmarshal ${found} into Go value of type ${goType}`,
      );
    }
    const complaints =
      duplicates.length === 0
        ? []
        : [
            `error converting YAML to JSON: yaml: unmarshal errors:\n${duplicates.map((line) => `  ${line}`).join("\n")}`,
          ];
    return { patch: { type: "apply", body: value ?? {} }, complaints };
  } catch (error) {
    if (!(error instanceof YamlSyntaxError)) throw error;
    throw badRequest(`error decoding YAML: error converting YAML to JSON: ${error.message}`);
  }
}
