/** Validation of CustomResourceDefinitions themselves. */
import { isObject, type JsonObject, jsonEqual, listAt, objectAt, stringAt } from "../json.ts";
import { type FieldError, forbidden, invalid, notSupported, required } from "../validation/field-error.ts";
import { dns1035LabelErrors, dns1123SubdomainErrors } from "../validation/names.ts";
import { structuralErrors } from "./structural.ts";

export function definitionErrors(definition: JsonObject): FieldError[] {
  const spec = objectAt(definition, "spec") ?? {};
  const name = stringAt(objectAt(definition, "metadata"), "name");
  const names = objectAt(spec, "names") ?? {};
  const wanted = `${stringAt(names, "plural")}.${stringAt(spec, "group")}`;
  const errors: FieldError[] = [];
  if (name !== wanted)
    errors.push(invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group'));
  errors.push(...groupErrors(stringAt(spec, "group")));
  const scope = stringAt(spec, "scope");
  if (scope === "") errors.push(required("spec.scope"));
  else if (!SCOPES.includes(scope)) errors.push(notSupported("spec.scope", scope, SCOPES));
  return [
    ...errors,
    ...versionsErrors(spec),
    ...namesErrors(names),
    ...schemasErrors(spec),
    ...conversionErrors(spec),
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

function versionsErrors(spec: JsonObject): FieldError[] {
  const versions = listAt(spec, "versions").filter(isObject);
  const errors: FieldError[] = [];
  versions.forEach((version, i) => {
    if (objectAt(objectAt(version, "schema"), "openAPIV3Schema") === undefined) {
      errors.push(required(`spec.versions[${i}].schema.openAPIV3Schema`));
    }
  });
  versions.forEach((version, i) => {
    const name = stringAt(version, "name");
    const wrong = dns1035LabelErrors(name);
    if (wrong.length > 0) errors.push(invalid(`spec.versions[${i}].name`, name, wrong.join(",")));
    errors.push(
      ...subresourceErrors(version, `spec.versions[${i}]`),
      ...columnErrors(version, `spec.versions[${i}]`),
    );
  });
  const names = versions.map((version) => version["name"]);
  if (new Set(names).size !== names.length) {
    errors.push(invalid("spec.versions", versions, "must contain unique version names"));
  }
  if (versions.filter((version) => version["storage"] === true).length !== 1) {
    errors.push(
      invalid("spec.versions", versions, "must have exactly one version marked as storage version"),
    );
  }
  return errors;
}

/** Paths of the scale subresource lead into the spec and the status, and nowhere else. */
function subresourceErrors(version: JsonObject, path: string): FieldError[] {
  const scale = objectAt(objectAt(version, "subresources"), "scale");
  if (scale === undefined) return [];
  const at = `${path}.subresources.scale`;
  const errors: FieldError[] = [];
  for (const [field, root] of [
    ["specReplicasPath", ".spec"],
    ["statusReplicasPath", ".status"],
  ] as const) {
    const value = stringAt(scale, field);
    if (value === "") errors.push(required(`${at}.${field}`));
    else if (!value.startsWith(`${root}.`)) {
      errors.push(invalid(`${at}.${field}`, value, `should be a json path under ${root}`));
    }
  }
  const label = stringAt(scale, "labelSelectorPath");
  if (label !== "" && !label.startsWith(".spec.") && !label.startsWith(".status.")) {
    errors.push(
      invalid(`${at}.labelSelectorPath`, label, "should be a json path under either .spec or .status"),
    );
  }
  return errors;
}

const COLUMN_TYPES = ["boolean", "date", "integer", "number", "string"];

function columnErrors(version: JsonObject, path: string): FieldError[] {
  return listAt(version, "additionalPrinterColumns")
    .filter(isObject)
    .flatMap((column, i) => {
      const at = `${path}.additionalPrinterColumns[${i}]`;
      const type = stringAt(column, "type");
      const errors = stringAt(column, "name") === "" ? [required(`${at}.name`)] : [];
      if (type === "") errors.push(required(`${at}.type`, `must be one of ${COLUMN_TYPES.join(",")}`));
      else if (!COLUMN_TYPES.includes(type)) {
        errors.push(invalid(`${at}.type`, type, `must be one of ${COLUMN_TYPES.join(",")}`));
      }
      if (stringAt(column, "jsonPath") === "") errors.push(required(`${at}.JSONPath`));
      return errors;
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
  const versions = listAt(spec, "versions").filter(isObject);
  const schemas = versions.map((version) => objectAt(objectAt(version, "schema"), "openAPIV3Schema"));
  const [first, ...others] = schemas;
  if (first !== undefined && others.every((schema) => jsonEqual(schema, first))) {
    return structuralErrors(first, "spec.validation.openAPIV3Schema");
  }
  return schemas.flatMap((schema, i) =>
    schema === undefined ? [] : structuralErrors(schema, `spec.versions[${i}].schema.openAPIV3Schema`),
  );
}

function conversionErrors(spec: JsonObject): FieldError[] {
  const conversion = objectAt(spec, "conversion");
  if (spec["preserveUnknownFields"] === true) {
    const detail =
      "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
    return [invalid("spec.preserveUnknownFields", true, detail)];
  }
  if (conversion === undefined || conversion["strategy"] === "None") return [];
  if (conversion["strategy"] === "Webhook") {
    return [
      forbidden("spec.conversion.strategy", "conversion by webhooks is not implemented by this server"),
    ];
  }
  return [notSupported("spec.conversion.strategy", conversion["strategy"], ["None", "Webhook"])];
}
