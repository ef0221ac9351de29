import type { IncomingMessage } from "node:http";
import {
  decodeBuiltInBody,
  type ExpectedKind,
  fieldComplaints,
  type JsonObject,
  jsonBody,
  type KubeObject,
  type RawBody,
  readJsonBody,
  StatusError,
  strictDecodingError,
  unrecognized,
} from "@tracegate/kube";
import type { FieldValidation } from "../core/context.ts";
import { asObject } from "../core/object-rules.ts";
import { badRequest } from "../core/refusals.ts";
import { apiVersionOfResource, type ServedKind } from "../core/served-kinds.ts";
import { readProtobuf } from "./protobuf-bodies.ts";
import { parseYamlText, YamlSyntaxError } from "./yaml-text.ts";

/** Larger bodies are refused with 413. */
export const MAX_BODY_BYTES = 3 * 1024 * 1024;

/** Of a body that is too large, so much is read and thrown away, so that the client gets to see why. */
const MAX_DISCARDED_BYTES = 32 * 1024 * 1024;

/** Reads a body up to the limit. */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      reject(tooLarge());
      if (size > MAX_DISCARDED_BYTES) request.destroy();
    });
    request.on("end", () => resolve(Buffer.concat(chunks)));
    request.on("error", reject);
  });
}

function tooLarge(): StatusError {
  return new StatusError({
    message: `Request entity too large: limit is ${MAX_BODY_BYTES}`,
    reason: "RequestEntityTooLarge",
    code: 413,
  });
}

export type BodyFormat = "json" | "yaml" | "protobuf";

const MEDIA_TYPES: Readonly<Record<string, BodyFormat>> = {
  "": "json",
  "application/json": "json",
  "application/yaml": "yaml",
  "application/vnd.kubernetes.protobuf": "protobuf",
};

export const mediaType = (contentType: string | undefined): string =>
  (contentType ?? "").split(";")[0]?.trim().toLowerCase() ?? "";

export function bodyFormat(contentType: string | undefined): BodyFormat {
  const format = MEDIA_TYPES[mediaType(contentType)];
  const named = mediaType(contentType) !== "" || (contentType ?? "") === "";
  if (format !== undefined && named) return format;
  throw unsupportedMediaType(Object.keys(MEDIA_TYPES).filter((type) => type !== ""));
}

/** 415, with the types that would do. */
export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  return new StatusError({
    message: `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
    reason: "UnsupportedMediaType",
    code: 415,
  });
}

export function rawBody(bytes: Buffer, format: BodyFormat, expected: ExpectedKind): RawBody {
  switch (format) {
    case "json":
      return readJsonBody(bytes.toString("utf8"), expected);
    case "yaml":
      return yamlBody(bytes, expected);
    case "protobuf":
      return { object: readProtobuf(bytes, expected), duplicates: [] };
  }
}

function yamlBody(bytes: Buffer, expected: ExpectedKind): RawBody {
  const text = bytes.toString("utf8");
  try {
    const { value, duplicates } = parseYamlText(text);
    return { ...jsonBody(value ?? null, text, expected), duplicates: [], repeated: duplicates };
  } catch (error) {
    if (!(error instanceof YamlSyntaxError)) throw error;
    throw unrecognized(expected, error.message, text);
  }
}

/** The object of a write, complaints about its fields refused or reported as the request wants it. */
export function readObjectBody(
  bytes: Buffer,
  format: BodyFormat,
  served: ServedKind,
  validation: FieldValidation,
  warn: (text: string) => void,
): KubeObject {
  const raw = rawBody(bytes, format, served);
  const { object, complaints } =
    served.custom === undefined && served.type !== undefined
      ? decodeBuiltInBody(raw, served.type, served)
      : {
          object: customObject(
            raw.object,
            served,
            bytes.toString("utf8"),
            validation === "Warn" ? warn : undefined,
          ),
          complaints: fieldComplaints([], raw.duplicates),
        };
  const repeated = raw.repeated ?? [];
  const all = [
    ...(repeated.length === 0
      ? []
      : [`yaml: unmarshal errors:\n${repeated.map((line) => `  ${line}`).join("\n")}`]),
    ...complaints,
  ];
  if (all.length > 0 && validation === "Strict") throw strictDecodingError(served, all);
  if (validation === "Warn") for (const complaint of [...repeated, ...complaints]) warn(complaint);
  // Metadata of a custom kind is looked at with the rest of it.
  return served.custom === undefined ? asObject(object) : (object as unknown as KubeObject);
}

/** Objects of custom kinds have to say what they are. */
function customObject(
  sent: JsonObject,
  served: ServedKind,
  text: string,
  warn?: (text: string) => void,
): JsonObject {
  const apiVersion = apiVersionOfResource(served);
  const { apiVersion: found, kind, ...rest } = sent;
  if (!kind) throw unrecognized(served, `Object 'Kind' is missing in '${text}'`, text);
  if (found !== apiVersion) {
    // Of a version that is not known, upstream knows no field.
    const { metadata, ...fields } = rest;
    const unknown = String(found).startsWith(`${served.group}/`) ? Object.keys(fields).sort() : [];
    for (const field of unknown) warn?.(`unknown field "${field}"`);
    throw badRequest(
      `the API version in the data (${String(found)}) does not match the expected API version (${apiVersion})`,
    );
  }
  return { apiVersion, kind, ...rest, metadata: sent["metadata"] ?? {} };
}
