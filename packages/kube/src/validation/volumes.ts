import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { parseQuantity } from "../values/quantity.ts";
import { fieldReferenceErrors, resourceReferenceErrors, VOLUME_FIELDS } from "./environment.ts";
import { duplicate, type FieldError, forbidden, invalid, required } from "./field-error.ts";
import { backstepErrors, hostPathErrors } from "./host-path.ts";
import { annotationErrors, labelsErrors } from "./metadata.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors } from "./names.ts";
import { claimErrors } from "./storage.ts";
import { having, type SourceRule, STORAGE_SYSTEMS } from "./volume-sources.ts";

/** What is wrong with a pod's volumes, and the names of those that can be mounted. */
export function volumesErrors(
  spec: JsonObject,
  path: string,
): { errors: FieldError[]; names: Map<string, { readonly block: boolean }> } {
  const names = new Map<string, { readonly block: boolean }>();
  const hasAccount = stringAt(spec, "serviceAccountName") !== "";
  const errors = listAt(spec, "volumes")
    .filter(isObject)
    .flatMap((volume, i) => {
      const at = `${path}[${i}]`;
      const name = stringAt(volume, "name");
      const wrong = sourcesErrors(volume, at);
      if (name === "") wrong.push(required(`${at}.name`));
      else wrong.push(...dns1123LabelErrors(name).map((detail) => invalid(`${at}.name`, name, detail)));
      if (names.has(name)) wrong.push(duplicate(`${at}.name`, name));
      const block = isObject(volume["persistentVolumeClaim"]) || isObject(volume["ephemeral"]);
      if (wrong.length === 0) names.set(name, { block });
      return hasAccount ? wrong : [...wrong, ...tokenErrors(volume, at)];
    });
  return { errors, names };
}

function sourcesErrors(volume: JsonObject, path: string): FieldError[] {
  // Upstream looks at this one first, and complains of those that come after the first.
  const sources = ["emptyDir", ...Object.keys(volume).filter((key) => key !== "emptyDir" && key !== "name")];
  const given = sources.filter((key) => isObject(volume[key]));
  if (given.length === 0) return [required(path, "must specify a volume type")];
  return given.flatMap((type, i) => {
    const at = `${path}.${type}`;
    if (i > 0) return [forbidden(at, "may not specify more than 1 volume type")];
    return SOURCES[type]?.(objectAt(volume, type) ?? {}, at) ?? [];
  });
}

/** The sources by name, in the order in which upstream looks at the first of them. */
const SOURCES: Readonly<Record<string, SourceRule>> = {
  emptyDir: (source, path) => {
    const { sizeLimit } = source;
    if (sizeLimit === undefined || parseQuantity(String(sizeLimit)).nanos >= 0n) return [];
    return [forbidden(`${path}.sizeLimit`, "SizeLimit field must be a valid resource quantity")];
  },
  hostPath: hostPathErrors,
  secret: (source, path) => [
    ...having("secretName")(source, path),
    ...modeErrors(source, "defaultMode", path),
    ...itemErrors(source, path),
  ],
  configMap: (source, path) => [
    ...having("name")(source, path),
    ...modeErrors(source, "defaultMode", path),
    ...itemErrors(source, path),
  ],
  persistentVolumeClaim: having("claimName"),
  nfs: (source, path) => [
    ...having("server")(source, path),
    ...(stringAt(source, "path") === "" ? [required(`${path}.path`)] : []),
    ...(stringAt(source, "path").startsWith("/")
      ? []
      : [invalid(`${path}.path`, stringAt(source, "path"), "must be an absolute path")]),
  ],
  csi: (source, path) => {
    const driver = stringAt(source, "driver");
    const wrong = dns1123SubdomainErrors(driver.toLowerCase());
    return [
      ...having("driver")(source, path),
      ...wrong.map((detail) => invalid(`${path}.driver`, driver, detail)),
      ...secretErrors(source, "nodePublishSecretRef", path),
    ];
  },
  ephemeral: (source, path) => {
    const template = objectAt(source, "volumeClaimTemplate");
    const at = `${path}.volumeClaimTemplate`;
    return template === undefined ? [required(at)] : claimTemplateErrors(template, at);
  },
  downwardAPI: (source, path) => [
    ...modeErrors(source, "defaultMode", path),
    ...downwardErrors(source, path),
  ],
  projected: projectedErrors,
  ...STORAGE_SYSTEMS,
};

function secretErrors(source: JsonObject, field: string, path: string): FieldError[] {
  const secret = objectAt(source, field);
  if (secret === undefined) return [];
  const [at, name] = [`${path}.${field}`, stringAt(secret, "name")];
  if (name === "") return [required(`${at}.name`)];
  return dns1123SubdomainErrors(name).map((detail) => invalid(`${at}.name`, name, detail));
}

/** What a template's metadata may say, and how upstream writes what it may not. */
const TEMPLATE_METADATA = ["annotations", "labels"];

/** A claim that is made with the pod: only its labels and annotations are its own. */
function claimTemplateErrors(template: JsonObject, path: string): FieldError[] {
  const metadata = objectAt(template, "metadata") ?? {};
  const at = `${path}.metadata`;
  return [
    ...annotationErrors(objectAt(metadata, "annotations"), `${at}.annotations`),
    ...labelsErrors(objectAt(metadata, "labels"), `${at}.labels`),
    ...Object.entries(metadata)
      .filter(([field, value]) => !TEMPLATE_METADATA.includes(field) && value !== null)
      .map(([field]) => forbidden(`${at}.${field === "uid" ? "uID" : field}`, "cannot be set")),
    ...claimErrors(objectAt(template, "spec") ?? {}, `${path}.spec`),
  ];
}

function modeErrors(holder: JsonObject, field: string, path: string): FieldError[] {
  const mode = numberAt(holder, field);
  if (mode === undefined || (mode >= 0 && mode <= 0o777)) return [];
  return [invalid(`${path}.${field}`, mode, "must be a number between 0 and 0777 (octal), both inclusive")];
}

function itemErrors(source: JsonObject, path: string): FieldError[] {
  return listAt(source, "items")
    .filter(isObject)
    .flatMap((item, i) => {
      const at = `${path}.items[${i}]`;
      return [
        ...having("key")(item, at),
        ...having("path")(item, at),
        ...localPathErrors(stringAt(item, "path"), `${at}.path`),
        ...modeErrors(item, "mode", at),
      ];
    });
}

/** A path below a volume's own folder. */
function localPathErrors(path: string, at: string): FieldError[] {
  if (path.startsWith("/")) return [invalid(at, path, "must be a relative path")];
  const errors = backstepErrors(path, at);
  return errors.length === 0 && path.startsWith("..")
    ? [invalid(at, path, "must not start with '..'")]
    : errors;
}

function downwardErrors(source: JsonObject, path: string): FieldError[] {
  return listAt(source, "items")
    .filter(isObject)
    .flatMap((item) => {
      const [field, resource] = [objectAt(item, "fieldRef"), objectAt(item, "resourceFieldRef")];
      const errors = stringAt(item, "path") === "" ? [required(`${path}.path`)] : [];
      errors.push(...localPathErrors(stringAt(item, "path"), `${path}.path`));
      if (field !== undefined) {
        errors.push(...fieldReferenceErrors(field, VOLUME_FIELDS, `${path}.fieldRef`));
        if (resource !== undefined) {
          errors.push(
            invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"),
          );
        }
      } else if (resource !== undefined) {
        if (stringAt(resource, "containerName") === "")
          errors.push(required(`${path}.resourceFieldRef.containerName`));
        else errors.push(...resourceReferenceErrors(resource, `${path}.resourceFieldRef`));
      } else errors.push(required(path, "one of fieldRef and resourceFieldRef is required"));
      return [...errors, ...modeErrors(item, "mode", path)];
    });
}

const SHORTEST_TOKEN_SECONDS = 600;

function projectedErrors(volume: JsonObject, path: string): FieldError[] {
  const errors = modeErrors(volume, "defaultMode", path);
  const paths = new Set<string>();
  const claim = (file: string, owner: string) => {
    if (file === "") return;
    if (paths.has(file)) errors.push(invalid(path, owner, "conflicting duplicate paths"));
    paths.add(file);
  };
  for (const [i, source] of listAt(volume, "sources").filter(isObject).entries()) {
    const at = `${path}.sources[${i}]`;
    for (const type of ["secret", "configMap"] as const) {
      const projection = objectAt(source, type);
      if (projection === undefined) continue;
      const name = stringAt(projection, "name");
      if (name === "") errors.push(required(`${at}.${type}.name`));
      errors.push(...itemErrors(projection, `${at}.${type}`));
      for (const item of listAt(projection, "items")) claim(stringAt(item, "path"), name);
    }
    const downward = objectAt(source, "downwardAPI");
    if (downward !== undefined) {
      errors.push(...downwardErrors(downward, `${at}.downwardAPI`));
      for (const item of listAt(downward, "items")) claim(stringAt(item, "path"), "downwardAPI");
    }
    const token = objectAt(source, "serviceAccountToken");
    if (token === undefined) continue;
    const seconds = numberAt(token, "expirationSeconds");
    if (seconds !== undefined && seconds < SHORTEST_TOKEN_SECONDS) {
      const field = `${at}.serviceAccountToken.expirationSeconds`;
      errors.push(invalid(field, seconds, "may not specify a duration less than 10 minutes"));
    }
    // Upstream leaves the source out of this one.
    if (stringAt(token, "path") === "") errors.push(required(`${path}.path`));
  }
  return errors;
}

/** A pod's own token needs to know whose it is. */
function tokenErrors(volume: JsonObject, path: string): FieldError[] {
  return listAt(objectAt(volume, "projected"), "sources").flatMap((source, i) =>
    isObject(source) && isObject(source["serviceAccountToken"])
      ? [
          forbidden(
            `${path}.projected.sources[${i}].serviceAccountToken`,
            "must not be specified when serviceAccountName is not set",
          ),
        ]
      : [],
  );
}
