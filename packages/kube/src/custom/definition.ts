/** Validation of CustomResourceDefinitions themselves. */
import { isObject, type JsonObject, jsonEqual, listAt, objectAt, stringAt } from "../json.ts";
import { type FieldError, forbidden, invalid, notSupported, required } from "../validation/field-error.ts";
import { dns1035LabelErrors, dns1123SubdomainErrors } from "../validation/names.ts";
import { internalSchema } from "./internal-schema.ts";
import { structuralErrors } from "./structural.ts";

export function definitionErrors(definition: JsonObject, isUpdate = false): FieldError[] {
  const spec = objectAt(definition, "spec") ?? {};
  const names = objectAt(spec, "names") ?? {};
  const wanted = `${stringAt(names, "plural")}.${stringAt(spec, "group")}`;
  const errors: FieldError[] = [];
  // An update says instead that these may not change.
  for (const field of isUpdate ? [] : ["generateName", "name"]) {
    const value = stringAt(objectAt(definition, "metadata"), field);
    if (value !== "" && value !== wanted) {
      errors.push(invalid(`metadata.${field}`, value, 'must be spec.names.plural+"."+spec.group'));
    }
  }
  errors.push(...groupErrors(stringAt(spec, "group")));
  const scope = stringAt(spec, "scope");
  if (scope === "") errors.push(required("spec.scope"));
  else if (!SCOPES.includes(scope)) errors.push(notSupported("spec.scope", scope, SCOPES));
  return [
    ...errors,
    ...versionsErrors(spec),
    ...namesErrors(names),
    ...holdersOf(spec, "subresources").flatMap(({ holder, path }) => subresourceErrors(holder, path)),
    ...holdersOf(spec, "additionalPrinterColumns").flatMap(({ holder, path }) => columnErrors(holder, path)),
    ...holdersOf(spec, "selectableFields").flatMap(({ holder, path }) =>
      selectableErrors(spec, holder, path),
    ),
    ...schemasErrors(spec),
    ...conversionErrors(spec),
    ...storedVersionsErrors(definition),
    ...approvalErrors(definition),
  ];
}

/** What an update may not change: objects of the kind lie in the store under these. */
export function definitionUpdateErrors(definition: JsonObject, before: JsonObject): FieldError[] {
  const [now, old] = [objectAt(definition, "spec") ?? {}, objectAt(before, "spec") ?? {}];
  const established = listAt(before["status"], "conditions").some(
    (condition) => stringAt(condition, "type") === "Established" && stringAt(condition, "status") === "True",
  );
  const fields = [...(established ? [["scope"], ["names", "kind"]] : []), ["group"], ["names", "plural"]];
  return fields.flatMap((path) => {
    const at = (spec: unknown) =>
      path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), spec);
    if (jsonEqual(at(now), at(old))) return [];
    return [invalid(`spec.${path.join(".")}`, at(now), "field is immutable")];
  });
}

const SCOPES = ["Cluster", "Namespaced"];

function groupErrors(group: string): FieldError[] {
  if (group === "") return [required("spec.group")];
  const wrong = dns1123SubdomainErrors(group);
  if (wrong.length > 0) return [invalid("spec.group", group, wrong.join(","))];
  return group.includes(".")
    ? []
    : [invalid("spec.group", group, "should be a domain with at least one dot")];
}

/** What upstream moves from the versions to the whole where all versions have the same of it, under its name there. */
const SHARED = {
  schema: "validation",
  subresources: "subresources",
  additionalPrinterColumns: "additionalPrinterColumns",
  selectableFields: "selectableFields",
} as const;
type Shared = keyof typeof SHARED;

const versionsOf = (spec: JsonObject): JsonObject[] => listAt(spec, "versions").filter(isObject);

function isShared(spec: JsonObject, field: Shared): boolean {
  const [first, ...others] = versionsOf(spec);
  return first !== undefined && others.every((version) => jsonEqual(version[field], first[field]));
}

/** Each distinct holder of a field with its path: the whole definition, or every version. */
function holdersOf(spec: JsonObject, field: Shared): { holder: JsonObject; path: string }[] {
  const versions = versionsOf(spec);
  const [first] = versions;
  if (first !== undefined && isShared(spec, field)) return [{ holder: first, path: `spec.${SHARED[field]}` }];
  return versions.map((holder, i) => ({ holder, path: `spec.versions[${i}].${field}` }));
}

/** The versions as upstream's internal type shows them. */
function internalVersions(spec: JsonObject): unknown {
  const list = versionsOf(spec);
  if (!Array.isArray(spec["versions"])) return null;
  const own = (version: JsonObject, field: Shared) =>
    isShared(spec, field) ? null : (version[field] ?? null);
  return list.map((version) => ({
    Name: stringAt(version, "name"),
    Served: version["served"] === true,
    Storage: version["storage"] === true,
    Deprecated: version["deprecated"] === true,
    DeprecationWarning: version["deprecationWarning"] ?? null,
    Schema: own(version, "schema"),
    Subresources: own(version, "subresources"),
    AdditionalPrinterColumns: own(version, "additionalPrinterColumns"),
    SelectableFields: own(version, "selectableFields"),
  }));
}

function versionsErrors(spec: JsonObject): FieldError[] {
  const versions = versionsOf(spec);
  const errors: FieldError[] = [];
  versions.forEach((version, i) => {
    if (objectAt(objectAt(version, "schema"), "openAPIV3Schema") === undefined) {
      errors.push(required(`spec.versions[${i}].schema.openAPIV3Schema`));
    }
  });
  versions.forEach((version, i) => {
    errors.push(...versionNameErrors(version, `spec.versions[${i}].name`));
    const { deprecated, deprecationWarning } = version;
    if (typeof deprecationWarning === "string" && deprecated !== true) {
      const at = `spec.versions[${i}].deprecationWarning`;
      errors.push(invalid(at, deprecationWarning, "can only be set for deprecated versions"));
    }
  });
  const names = versions.map((version) => version["name"]);
  if (new Set(names).size !== names.length) {
    errors.push(invalid("spec.versions", internalVersions(spec), "must contain unique version names"));
  }
  if (versions.filter((version) => version["storage"] === true).length !== 1) {
    const detail = "must have exactly one version marked as storage version";
    errors.push(invalid("spec.versions", internalVersions(spec), detail));
  }
  const [first] = versions;
  // The old field of the first version's name is there, too.
  if (first !== undefined && stringAt(first, "name") !== "") {
    errors.push(...versionNameErrors(first, "spec.version"));
  }
  return errors;
}

function versionNameErrors(version: JsonObject, path: string): FieldError[] {
  const name = stringAt(version, "name");
  const wrong = dns1035LabelErrors(name);
  return wrong.length > 0 ? [invalid(path, name, wrong.join(","))] : [];
}

/** Objects must have been stored in some version, and there must be one to store them in. */
function storedVersionsErrors(definition: JsonObject): FieldError[] {
  const stored = listAt(definition["status"], "storedVersions").map(String);
  const at = "status.storedVersions";
  if (stored.length === 0) return [invalid(at, null, "must have at least one stored version")];
  const versions = versionsOf(objectAt(definition, "spec") ?? {});
  const storage = versions.filter((version) => version["storage"] === true);
  const names = new Set(versions.map((version) => version["name"]));
  const errors: FieldError[] = [];
  for (const { name } of storage) {
    if (stored.includes(String(name))) continue;
    errors.push(invalid(at, stored, `must have the storage version ${String(name)}`));
  }
  stored.forEach((name, i) => {
    if (names.has(name)) return;
    const detail = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    errors.push(invalid(`${at}[${i}]`, name, detail));
  });
  return errors;
}

/** Kubernetes' own groups take definitions only with a word of approval. */
function approvalErrors(definition: JsonObject): FieldError[] {
  const group = stringAt(objectAt(definition, "spec"), "group");
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(group)) return [];
  const annotation = "api-approved.kubernetes.io";
  const value = objectAt(objectAt(definition, "metadata"), "annotations")?.[annotation];
  if (typeof value === "string" && value !== "") return [];
  const detail = `protected groups must have approval annotation "${annotation}", see https://github.com/kubernetes/enhancements/pull/1111`;
  return [required(`metadata.annotations[${annotation}]`, detail)];
}

const NO_PATH = "must be a simple json path starting with .";

/** Paths of the scale subresource lead into the spec and the status, and nowhere else. */
function subresourceErrors(holder: JsonObject, path: string): FieldError[] {
  const scale = objectAt(objectAt(holder, "subresources"), "scale");
  if (scale === undefined) return [];
  const at = `${path}.scale`;
  const errors: FieldError[] = [];
  for (const [field, root] of [
    ["specReplicasPath", ".spec"],
    ["statusReplicasPath", ".status"],
  ] as const) {
    const value = stringAt(scale, field);
    if (value === "") errors.push(required(`${at}.${field}`));
    else if (!value.startsWith(".")) errors.push(invalid(`${at}.${field}`, value, NO_PATH));
    else if (!value.startsWith(`${root}.`)) {
      errors.push(invalid(`${at}.${field}`, value, `should be a json path under ${root}`));
    }
  }
  const label = stringAt(scale, "labelSelectorPath");
  if (label !== "" && !label.startsWith(".")) {
    errors.push(invalid(`${at}.labelSelectorPath`, label, NO_PATH));
  } else if (label !== "" && !label.startsWith(".spec.") && !label.startsWith(".status.")) {
    errors.push(
      invalid(`${at}.labelSelectorPath`, label, "should be a json path under either .spec or .status"),
    );
  }
  return errors;
}

const COLUMN_TYPES = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

function columnErrors(holder: JsonObject, path: string): FieldError[] {
  return listAt(holder, "additionalPrinterColumns")
    .filter(isObject)
    .flatMap((column, i) => {
      const at = `${path}[${i}]`;
      const [type, format, jsonPath] = ["type", "format", "jsonPath"].map((field) => stringAt(column, field));
      const errors = stringAt(column, "name") === "" ? [required(`${at}.name`)] : [];
      if (type === "") errors.push(required(`${at}.type`, `must be one of ${COLUMN_TYPES.join(",")}`));
      else if (!COLUMN_TYPES.includes(type ?? "")) {
        errors.push(invalid(`${at}.type`, type, `must be one of ${COLUMN_TYPES.join(",")}`));
      }
      if (format && !COLUMN_FORMATS.includes(format)) {
        errors.push(invalid(`${at}.format`, format, `must be one of ${COLUMN_FORMATS.join(",")}`));
      }
      if (!jsonPath) errors.push(required(`${at}.JSONPath`));
      else if (!jsonPath.startsWith(".")) {
        errors.push(invalid(`${at}.JSONPath`, jsonPath, NO_PATH));
      }
      return errors;
    });
}

/** Fields to select by must be declared, and be plain values. */
function selectableErrors(spec: JsonObject, holder: JsonObject, path: string): FieldError[] {
  return listAt(holder, "selectableFields")
    .filter(isObject)
    .flatMap((field, i) => {
      const jsonPath = stringAt(field, "jsonPath");
      const at = `${path}[${i}].jsonPath`;
      if (jsonPath === "") return [required(at)];
      if (!/^[.[]/.test(jsonPath)) {
        return [invalid(at, jsonPath, `is an invalid path: expected [ or . but got: ${jsonPath}`)];
      }
      const owner = holder["schema"] === undefined ? versionsOf(spec)[0] : holder;
      let schema = objectAt(objectAt(owner, "schema"), "openAPIV3Schema");
      for (const name of jsonPath.split(".").slice(1))
        schema = objectAt(objectAt(schema, "properties"), name);
      if (schema !== undefined && !jsonPath.startsWith(".metadata.")) return [];
      return [invalid(at, jsonPath, "is an invalid path: does not refer to a valid field")];
    });
}

function namesErrors(names: JsonObject): FieldError[] {
  const fields = ["plural", "singular", "kind", "listKind"];
  const errors = fields
    .filter((field) => stringAt(names, field) === "")
    .map((field) => required(`spec.names.${field}`));
  const check = (value: string, path: string, prefix = "") => {
    const wrong = value === "" ? [] : dns1035LabelErrors(prefix === "" ? value : value.toLowerCase());
    if (wrong.length > 0) errors.push(invalid(path, value, prefix + wrong.join(",")));
  };
  const mixed = "may have mixed case, but should otherwise match: ";
  check(stringAt(names, "plural"), "spec.names.plural");
  check(stringAt(names, "singular"), "spec.names.singular");
  check(stringAt(names, "kind"), "spec.names.kind", mixed);
  check(stringAt(names, "listKind"), "spec.names.listKind", mixed);
  for (const list of ["shortNames", "categories"]) {
    listAt(names, list).forEach((name, i) => {
      check(String(name), `spec.names.${list}[${i}]`);
    });
  }
  const [kind, listKind] = [stringAt(names, "kind"), stringAt(names, "listKind")];
  if (kind !== "" && kind === listKind) {
    errors.push(invalid("spec.names.listKind", listKind, "kind and listKind may not be the same"));
  }
  return errors;
}

/** Where all versions have the same schema, upstream speaks of it as the one of the whole definition. */
function schemasErrors(spec: JsonObject): FieldError[] {
  const [first] = versionsOf(spec);
  return holdersOf(spec, "schema").flatMap(({ holder, path }) => {
    const schema = objectAt(objectAt(holder, "schema"), "openAPIV3Schema");
    if (schema === undefined) return [];
    const at = `${path}.openAPIV3Schema`;
    // Upstream asks the whole definition about the status of the whole's schema.
    const shared = isShared(spec, "schema");
    const owner = shared && !isShared(spec, "subresources") ? undefined : shared ? first : holder;
    const hasStatus = objectAt(owner?.["subresources"], "status") !== undefined;
    return [
      ...(hasStatus ? rootErrors(schema, at) : []),
      ...nullableErrors(schema, at),
      ...structuralErrors(schema, at),
    ];
  });
}

/** With a status subresource only these may stand at the root, so that the status alone can be judged. */
function rootErrors(schema: JsonObject, at: string): FieldError[] {
  const shown = internalSchema(schema);
  for (const [name, value] of Object.entries(shown)) {
    if (value === null || value === "" || value === false) continue;
    if (name === "Type" && value !== "object") {
      const detail = `only "object" is allowed as the type at the root of the schema if the status subresource is enabled`;
      return [invalid(`${at}.type`, value, detail)];
    }
    if (ROOT_FIELDS.includes(name)) continue;
    const detail = `only [${ROOT_FIELDS.join(" ")}] fields are allowed at the root of the schema if the status subresource is enabled`;
    return [invalid(at, shown, detail)];
  }
  return [];
}

function nullableErrors(schema: JsonObject, at: string): FieldError[] {
  return schema["nullable"] === true
    ? [forbidden(`${at}.nullable`, "nullable cannot be true at the root")]
    : [];
}

const ROOT_FIELDS = (
  "Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems " +
  "MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations"
).split(" ");

function conversionErrors(spec: JsonObject): FieldError[] {
  const conversion = objectAt(spec, "conversion");
  if (spec["preserveUnknownFields"] === true) {
    const detail =
      "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
    return [invalid("spec.preserveUnknownFields", true, detail)];
  }
  if (conversion === undefined) return [];
  const at = "spec.conversion";
  const strategy = stringAt(conversion, "strategy");
  const webhook = objectAt(conversion, "webhook");
  const client = objectAt(webhook, "clientConfig");
  const versions = listAt(webhook, "conversionReviewVersions");
  if (strategy === "Webhook") {
    const errors: FieldError[] = [];
    const where = `${at}.webhookClientConfig`;
    if (client === undefined) errors.push(required(where, "required when strategy is set to Webhook"));
    else if ((client["url"] === undefined) === (client["service"] === undefined)) {
      errors.push(required(where, "exactly one of url or service is required"));
    }
    if (versions.length === 0) errors.push(required(`${at}.conversionReviewVersions`));
    if (errors.length > 0) return errors;
    return [forbidden(`${at}.strategy`, "conversion by webhooks is not implemented by this server")];
  }
  const errors: FieldError[] = [];
  if (strategy === "") errors.push(required(`${at}.strategy`));
  else if (strategy !== "None") errors.push(notSupported(`${at}.strategy`, strategy, ["None", "Webhook"]));
  const unwanted = "should not be set when strategy is not set to Webhook";
  if (client !== undefined) errors.push(forbidden(`${at}.webhookClientConfig`, unwanted));
  if (versions.length > 0) errors.push(forbidden(`${at}.conversionReviewVersions`, unwanted));
  return errors;
}
