import type { IncomingMessage } from "node:http";
import { JsonSyntaxError, type Patch, parseJsonPatch, parseJsonText, StatusError } from "@tracegate/kube";
import { parse } from "yaml";
import { unsupportedPatch } from "../core/patching.ts";
import { badRequest } from "../core/refusals.ts";
import type { ServedKind } from "../core/served-kinds.ts";
import { mediaType, readBody } from "./bodies.ts";

/** The patch that a request carries, by its media type. */
export async function readPatch(served: ServedKind, request: IncomingMessage): Promise<Patch> {
  const type = mediaType(request.headers["content-type"]);
  switch (type) {
    case "application/json-patch+json":
      return {
        type: "json",
        operations: parseJsonPatch(patchJson(await readBody(request), "[]interface {}")),
      };
    case "application/merge-patch+json":
      return { type: "merge", body: patchJson(await readBody(request), "map[string]interface {}") };
    case "application/strategic-merge-patch+json":
      if (served.custom !== undefined) throw unsupportedPatch(false);
      return { type: "strategic", body: patchJson(await readBody(request), "map[string]interface {}") };
    case "application/apply-patch+yaml":
      return { type: "apply", body: patchYaml(await readBody(request)) };
    default:
      throw new StatusError({
        message: "415: Unsupported Media Type",
        reason: "UnsupportedMediaType",
        details: {},
        code: 415,
      });
  }
}

/** A patch of the wanted form; Go's name of it is told where it has another. */
function patchJson(bytes: Buffer, form: "[]interface {}" | "map[string]interface {}"): unknown {
  try {
    const { value } = parseJsonText(bytes.toString("utf8"));
    const given = Array.isArray(value) ? "array" : typeof value;
    if (value === null || given === (form === "[]interface {}" ? "array" : "object")) return value;
    throw new JsonSyntaxError(`json: cannot unmarshal ${given} into Go value of type ${form}`);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw badRequest(`error decoding patch: ${error.message}`);
  }
}

function patchYaml(bytes: Buffer): unknown {
  try {
    return parse(bytes.toString("utf8"), { maxAliasCount: 100 });
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw badRequest(`error decoding YAML: ${why}`);
  }
}
