import { isObject, type JsonObject } from "../json.ts";
import { apiVersionOf } from "../kind.ts";
import { badRequest } from "../patch/refusal.ts";
import type { StatusError } from "../status.ts";
import { byteLength, quote } from "../values/go-text.ts";
import { builtInType } from "./built-in-types.ts";
import { jsonTypeName } from "./decode-scalar.ts";
import { JsonSyntaxError, parseJsonText } from "./json-text.ts";
import { DecodeError, decodeTyped, keepOwnershipReset } from "./typed-object.ts";
import type { StructType } from "./value-type.ts";

/** What an endpoint expects in a body. */
export interface ExpectedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** A body as read: the JSON object, and the fields that occur twice in it. */
export interface RawBody {
  readonly object: JsonObject;
  readonly duplicates: readonly string[];
  /** Keys that come twice in YAML: `line 3: key "data" already set in map`. */
  readonly repeated?: readonly string[];
}

/** Reads a JSON body into an object. Throws the API's 400 for what is no JSON object; `expected` is for the message. */
export function readJsonBody(text: string, expected: ExpectedKind): RawBody {
  try {
    const { value, duplicates } = parseJsonText(text);
    return { ...jsonBody(value, text, expected), duplicates };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw unrecognized(expected, `${UNVERSIONED}${error.message}`, text);
  }
}

/** The object that a body's value is; `text` is for the message. Nothing at all is an empty object. */
export function jsonBody(value: unknown, text: string, expected: ExpectedKind): RawBody {
  const refuse = (reason: string) => unrecognized(expected, `${UNVERSIONED}json: ${reason}`, text);
  if (value === null) return { object: {}, duplicates: [] };
  if (!isObject(value))
    throw refuse(`cannot unmarshal ${jsonTypeName(value)} into Go value of type ${TYPE_META}`);
  for (const field of ["apiVersion", "kind"]) {
    const found = value[field] ?? "";
    if (typeof found === "string") continue;
    throw refuse(`cannot unmarshal ${jsonTypeName(found)} into Go struct field .${field} of type string`);
  }
  if (String(value["apiVersion"] ?? "").split("/").length > 2) {
    throw unrecognized(expected, `unexpected GroupVersion string: ${String(value["apiVersion"])}`, text);
  }
  return { object: value, duplicates: [] };
}

const UNVERSIONED = "couldn't get version/kind; json parse error: ";

/** 400 for a body of which it cannot be said what it is. */
export function unrecognized(expected: { readonly kind: string }, reason: string, text: string): StatusError {
  return badRequest(
    `the object provided is unrecognized (must be of type ${expected.kind}): ${reason} (${summary(text)})`,
  );
}

const TYPE_META =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

/**
 * Reads the object of a built-in kind. A missing kind or version is taken from `expected`; another one is refused. The
 * second result are the complaints that strict validation refuses and lenient validation turns into warnings.
 */
export function decodeBuiltInBody(
  { object, duplicates }: RawBody,
  type: StructType,
  expected: ExpectedKind,
): { object: JsonObject; complaints: string[] } {
  const apiVersion = apiVersionOf(expected);
  const found = { apiVersion: object["apiVersion"] || apiVersion, kind: object["kind"] || expected.kind };
  try {
    if (found.kind !== expected.kind || found.apiVersion !== apiVersion) {
      throw new DecodeError(otherKindText(found, expected));
    }
    const typed = decodeTyped(type, { ...object, apiVersion, kind: expected.kind });
    keepOwnershipReset(object, typed.object);
    return { object: typed.object, complaints: fieldComplaints(typed.unknown, duplicates) };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw badRequest(`${cannotHandle(found, expected)}: ${error.message}`);
  }
}

/** `unknown field "spec.x"`, `duplicate field "data.a"`. */
export function fieldComplaints(unknown: readonly string[], duplicates: readonly string[]): string[] {
  return [
    ...duplicates.map((path) => `duplicate field ${quote(path)}`),
    ...unknown.map((path) => `unknown field ${quote(path)}`),
  ];
}

/** 400 for the complaints of a strictly validated body. */
export function strictDecodingError(expected: ExpectedKind, complaints: readonly string[]): StatusError {
  const found = { apiVersion: apiVersionOf(expected), kind: expected.kind };
  return badRequest(`${cannotHandle(found, expected)}: strict decoding error: ${complaints.join(", ")}`);
}

function cannotHandle(found: { apiVersion: unknown; kind: unknown }, expected: ExpectedKind): string {
  const apiVersion = String(found.apiVersion);
  const version = apiVersion.slice(apiVersion.indexOf("/") + 1);
  return `${String(found.kind)} in version ${quote(version)} cannot be handled as a ${expected.kind}`;
}

/** How Go says that it does not know a kind, or that the one it knows is not the one expected. */
export function otherKindText(found: { apiVersion: unknown; kind: unknown }, expected: ExpectedKind): string {
  const [apiVersion, kind] = [String(found.apiVersion), String(found.kind)];
  if (builtInType(apiVersion, kind.replace(/List$/, "")) !== undefined)
    return conversionText(found, expected);
  return `no kind ${quote(kind)} is registered for version ${quote(apiVersion)} in scheme "pkg/runtime/scheme.go:110"`;
}

/** How Go says that one kind cannot become another: by package and type name, the internal one without a version. */
function conversionText(found: { apiVersion: unknown; kind: unknown }, expected: ExpectedKind): string {
  const version = String(found.apiVersion).split("/").at(-1) ?? "";
  const group = expected.group === "" ? "core" : (expected.group.split(".")[0] ?? "");
  return `converting (${version}.${String(found.kind)}) to (${group}.${expected.kind}): unknown conversion`;
}

/** The body as messages show it: text if it looks like JSON, else hexadecimal; cut to 30 bytes. */
function summary(text: string): string {
  const limit = 30;
  if (text === "") return "<empty>";
  const bytes = Buffer.from(text, "utf8");
  const encoding = text.startsWith("{") ? "utf8" : "hex";
  if (byteLength(text) <= limit) return bytes.toString(encoding);
  return `${bytes.subarray(0, limit).toString(encoding)} ...`;
}
