import { isObject, type JsonObject } from "../json.ts";
import { jsonPathValues } from "../printing/json-path.ts";
import type { CustomResourceVersion } from "../types/apiextensions.ts";
import { type FieldError, type FieldErrorReason, invalid, required } from "../validation/field-error.ts";
import { commonMetadataErrors, metadataErrors, metadataUpdateErrors } from "../validation/metadata.ts";
import { dns1123SubdomainErrors } from "../validation/names.ts";
import { goMap } from "../values/go-text.ts";
import { listTypeErrors } from "./list-errors.ts";
import { hasRules, ruleErrors } from "./rules.ts";
import { contentSchema, EMBEDDED, itemsOf, propertiesOf, type Schema, valuesOf } from "./schema.ts";
import { valueErrors } from "./validate-value.ts";

/** What a custom resource is held to: a version of its definition, and whether it lives in namespaces. */
export interface CustomKindRules {
  readonly version: Pick<CustomResourceVersion, "schema" | "subresources">;
  readonly namespaced: boolean;
}

/**
 * Everything wrong with a custom resource, pruned and defaulted. With `before`, the stored object, it is an update: what was
 * wrong and did not change is let through.
 */
export function customErrors(
  { version, namespaced }: CustomKindRules,
  object: JsonObject,
  before?: JsonObject,
  subresource = "",
): FieldError[] {
  const errors =
    before === undefined
      ? metadataErrors(object, { namespaced, nameErrors: dns1123SubdomainErrors, anyFinalizer: true })
      : [
          ...commonMetadataErrors(object, namespaced),
          ...metadataUpdateErrors(object, before),
          ...metadataUpdateErrors(object, before),
        ];
  // Schemas are plain JSON to the validator, whatever the type of the definition says.
  const schema = version.schema?.openAPIV3Schema as Schema | undefined;
  if (schema === undefined) return errors;
  const content = contentSchema(schema);
  const wrong = valueErrors(
    content,
    contentOf(object),
    "",
    before === undefined ? undefined : contentOf(before),
  );
  errors.push(...(subresource === "status" ? wrong.map(fromStatus) : wrong));
  errors.push(...embeddedErrors(content, contentOf(object), ""));
  errors.push(...scaleErrors(version, object));
  errors.push(...listTypeErrors(content, contentOf(object), ""));
  if (!hasRules(schema)) return errors;
  if (errors.some(({ reason }) => BLOCKING.has(reason))) return [...errors, NOT_CHECKED];
  return [...errors, ...ruleErrors(schema, object, "", before)];
}

/** Where a status is judged alone, texts name places from there. */
function fromStatus(error: FieldError): FieldError {
  const { detail } = error as { detail?: string };
  const from = "status.";
  if (detail === undefined || !detail.startsWith(from) || !detail.includes(" in body ")) return error;
  return { ...error, detail: detail.slice(from.length) } as FieldError;
}

/** Objects within an object say what they are. */
function embeddedErrors(schema: Schema, value: unknown, path: string): FieldError[] {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    return items === undefined
      ? []
      : value.flatMap((item, i) => embeddedErrors(items, item, `${path}[${i}]`));
  }
  if (!isObject(value)) return [];
  const missing =
    schema[EMBEDDED] === true ? ["apiVersion", "kind"].filter((field) => (value[field] ?? "") === "") : [];
  const properties = propertiesOf(schema);
  const values = valuesOf(schema);
  const below = Object.entries(value).flatMap(([key, member]) => {
    const type = properties[key] ?? values;
    return type === undefined ? [] : embeddedErrors(type, member, path === "" ? key : `${path}.${key}`);
  });
  return [...missing.map((field) => required(`${path}.${field}`)), ...below];
}

/** Rules need values of the right form; after these errors they are not asked. */
const BLOCKING = new Set<FieldErrorReason>([
  "FieldValueNotSupported",
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
]);

const NOT_CHECKED = invalid(
  "<nil>",
  null,
  "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
);

/** What the schema speaks of: everything but what all objects have. */
function contentOf({ apiVersion, kind, metadata, ...content }: JsonObject): JsonObject {
  return content;
}

/** The counts that the scale subresource reads must be counts. */
function scaleErrors({ subresources }: CustomKindRules["version"], object: JsonObject): FieldError[] {
  const scale = subresources?.scale;
  if (scale === undefined) return [];
  return [scale.specReplicasPath, scale.statusReplicasPath].flatMap((path) => {
    const [, root = ""] = path.split(".");
    const holder = object[root];
    if (holder !== undefined && holder !== null && !isObject(holder)) {
      const detail = `${path} accessor error: ${goMap(holder)} is of the type ${goTypeName(holder)}, expected map[string]interface{}`;
      return [invalid(path, 0, detail)];
    }
    const [value] = jsonPathValues(path, object) ?? [];
    if (value === undefined) return [];
    if (typeof value !== "number" || !Number.isInteger(value)) {
      const detail = `${path} accessor error: ${goMap(value)} is of the type ${goTypeName(value)}, expected int64`;
      return [invalid(path, 0, detail)];
    }
    if (value < 0) return [invalid(path, value, "should be a non-negative integer")];
    return value > 2 ** 31 - 1 ? [invalid(path, value, "should be less than or equal to 2147483647")] : [];
  });
}

const goTypeName = (value: unknown): string =>
  Array.isArray(value)
    ? "[]interface {}"
    : typeof value === "number"
      ? Number.isInteger(value)
        ? "int64"
        : "float64"
      : typeof value === "boolean"
        ? "bool"
        : typeof value;
