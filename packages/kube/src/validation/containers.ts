import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { compareQuantities, parseQuantity } from "../values/quantity.ts";
import {
  duplicate,
  type FieldError,
  forbidden,
  invalid,
  notFound,
  notSupported,
  required,
} from "./field-error.ts";
import {
  configKeyErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  envNameErrors,
  portNameErrors,
  portNumberErrors,
  qualifiedNameErrors,
} from "./names.ts";
import { lifecycleErrors, probeErrors } from "./probes.ts";

/** What containers may refer to. */
export interface ContainerScope {
  readonly volumes: ReadonlySet<string>;
}

export function containersErrors(
  containers: readonly JsonObject[],
  path: string,
  scope: ContainerScope,
): FieldError[] {
  if (containers.length === 0) return [required(path)];
  const names = new Set<string>();
  const errors = containers.flatMap((container, i) => {
    const at = `${path}[${i}]`;
    const lifecycle = objectAt(container, "lifecycle");
    const policy = container["restartPolicy"];
    return [
      ...containerErrors(container, at, scope),
      ...repeatedName(container, names, at),
      ...(lifecycle === undefined ? [] : lifecycleErrors(lifecycle, `${at}.lifecycle`)),
      ...probeErrors(container, at),
      ...(policy === undefined
        ? []
        : [forbidden(`${at}.restartPolicy`, "may not be set for non-init containers")]),
    ];
  });
  return [...errors, ...hostPortConflicts(containers, path)];
}

export function initContainersErrors(
  containers: readonly JsonObject[],
  regular: readonly JsonObject[],
  path: string,
  scope: ContainerScope,
): FieldError[] {
  const names = new Set(regular.map((container) => stringAt(container, "name")));
  return containers.flatMap((container, i) => {
    const at = `${path}[${i}]`;
    const policy = container["restartPolicy"];
    const errors = containerErrors(container, at, scope);
    if (policy !== undefined && policy !== "Always") {
      errors.push(notSupported(`${at}.restartPolicy`, policy, ["Always"]));
    }
    errors.push(...repeatedName(container, names, at));
    if (policy === "Always") {
      const lifecycle = objectAt(container, "lifecycle");
      if (lifecycle !== undefined) errors.push(...lifecycleErrors(lifecycle, `${at}.lifecycle`));
      return [...errors, ...probeErrors(container, at)];
    }
    for (const field of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"]) {
      if (container[field] !== undefined) {
        errors.push(
          forbidden(`${at}.${field}`, "may not be set for init containers without restartPolicy=Always"),
        );
      }
    }
    return errors;
  });
}

function repeatedName(container: JsonObject, names: Set<string>, path: string): FieldError[] {
  const name = stringAt(container, "name");
  if (name !== "" && names.has(name)) return [duplicate(`${path}.name`, name)];
  names.add(name);
  return [];
}

function containerErrors(container: JsonObject, path: string, scope: ContainerScope): FieldError[] {
  const name = stringAt(container, "name");
  const errors =
    name === ""
      ? [required(`${path}.name`)]
      : dns1123LabelErrors(name).map((detail) => invalid(`${path}.name`, name, detail));
  if (stringAt(container, "image") === "") errors.push(required(`${path}.image`));
  errors.push(...oneOf(container, "terminationMessagePolicy", ["File", "FallbackToLogsOnError"], path));
  errors.push(...containerPortErrors(container, `${path}.ports`));
  errors.push(...envErrors(container, `${path}.env`));
  errors.push(...envFromErrors(container, `${path}.envFrom`));
  errors.push(...mountErrors(container, `${path}.volumeMounts`, scope));
  errors.push(...oneOf(container, "imagePullPolicy", ["Always", "IfNotPresent", "Never"], path));
  return [...errors, ...resourceErrors(objectAt(container, "resources"), `${path}.resources`)];
}

/** A field that must have one of some values. */
export function oneOf(
  object: JsonObject,
  field: string,
  values: readonly string[],
  path: string,
): FieldError[] {
  const value = stringAt(object, field);
  if (value === "") return [required(`${path}.${field}`)];
  return values.includes(value) ? [] : [notSupported(`${path}.${field}`, value, values)];
}

const PROTOCOLS = ["SCTP", "TCP", "UDP"];

function containerPortErrors(container: JsonObject, path: string): FieldError[] {
  const names = new Set<string>();
  return listAt(container, "ports")
    .filter(isObject)
    .flatMap((port, i) => {
      const at = `${path}[${i}]`;
      const errors: FieldError[] = [];
      const name = stringAt(port, "name");
      if (name !== "") {
        const wrong = portNameErrors(name);
        errors.push(...wrong.map((detail) => invalid(`${at}.name`, name, detail)));
        if (wrong.length === 0 && names.has(name)) errors.push(duplicate(`${at}.name`, name));
        names.add(name);
      }
      const number = numberAt(port, "containerPort") ?? 0;
      if (number === 0) errors.push(required(`${at}.containerPort`));
      else
        errors.push(
          ...portNumberErrors(number).map((detail) => invalid(`${at}.containerPort`, number, detail)),
        );
      const host = numberAt(port, "hostPort") ?? 0;
      if (host !== 0)
        errors.push(...portNumberErrors(host).map((detail) => invalid(`${at}.hostPort`, host, detail)));
      return [...errors, ...oneOf(port, "protocol", PROTOCOLS, at)];
    });
}

function hostPortConflicts(containers: readonly JsonObject[], path: string): FieldError[] {
  const seen = new Set<string>();
  return containers.flatMap((container, i) =>
    listAt(container, "ports")
      .filter(isObject)
      .flatMap((port, j) => {
        const host = numberAt(port, "hostPort") ?? 0;
        if (host === 0) return [];
        const key = `${stringAt(port, "protocol")}/${stringAt(port, "hostIP")}/${host}`;
        if (seen.has(key)) return [duplicate(`${path}[${i}].ports[${j}].hostPort`, key)];
        seen.add(key);
        return [];
      }),
  );
}

const SOURCES = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"];

function envErrors(container: JsonObject, path: string): FieldError[] {
  return listAt(container, "env")
    .filter(isObject)
    .flatMap((variable, i) => {
      const at = `${path}[${i}]`;
      const name = stringAt(variable, "name");
      const errors =
        name === ""
          ? [required(`${at}.name`)]
          : envNameErrors(name).map((detail) => invalid(`${at}.name`, name, detail));
      const from = objectAt(variable, "valueFrom");
      return from === undefined ? errors : [...errors, ...valueFromErrors(variable, from, `${at}.valueFrom`)];
    });
}

function valueFromErrors(variable: JsonObject, from: JsonObject, path: string): FieldError[] {
  const given = SOURCES.filter((source) => isObject(from[source]));
  const errors = given.flatMap((source) =>
    sourceErrors(source, objectAt(from, source) ?? {}, `${path}.${source}`),
  );
  if (given.length === 0) {
    const detail = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`";
    errors.push(invalid(path, "", detail));
  } else if (stringAt(variable, "value") !== "") {
    errors.push(invalid(path, "", "may not be specified when `value` is not empty"));
  } else if (given.length > 1) {
    errors.push(invalid(path, "", "may not have more than one field specified at a time"));
  }
  return errors;
}

const ENV_FIELDS = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];

function sourceErrors(type: string, source: JsonObject, path: string): FieldError[] {
  if (type === "fieldRef") {
    const field = stringAt(source, "fieldPath");
    if (stringAt(source, "apiVersion") === "") return [required(`${path}.apiVersion`)];
    if (field === "") return [required(`${path}.fieldPath`)];
    if (ENV_FIELDS.includes(field) || /^metadata\.(labels|annotations)\['[^']+'\]$/.test(field)) return [];
    return [notSupported(`${path}.fieldPath`, field, ENV_FIELDS)];
  }
  if (type === "resourceFieldRef")
    return stringAt(source, "resource") === "" ? [required(`${path}.resource`)] : [];
  const key = stringAt(source, "key");
  const errors = stringAt(source, "name") === "" ? [required(`${path}.name`)] : [];
  if (key === "") return [...errors, required(`${path}.key`)];
  return [...errors, ...configKeyErrors(key).map((detail) => invalid(`${path}.key`, key, detail))];
}

function envFromErrors(container: JsonObject, path: string): FieldError[] {
  return listAt(container, "envFrom")
    .filter(isObject)
    .flatMap((source, i) => {
      const at = `${path}[${i}]`;
      const prefix = stringAt(source, "prefix");
      const errors =
        prefix === "" ? [] : envNameErrors(prefix).map((detail) => invalid(`${at}.prefix`, prefix, detail));
      const given = ["configMapRef", "secretRef"].filter((ref) => isObject(source[ref]));
      for (const ref of given)
        if (stringAt(source[ref], "name") === "") errors.push(required(`${at}.${ref}.name`));
      if (given.length === 0)
        errors.push(invalid(at, "", "must specify one of: `configMapRef` or `secretRef`"));
      if (given.length > 1)
        errors.push(invalid(at, "", "may not have more than one field specified at a time"));
      return errors;
    });
}

function mountErrors(container: JsonObject, path: string, { volumes }: ContainerScope): FieldError[] {
  const paths = new Set<string>();
  return listAt(container, "volumeMounts")
    .filter(isObject)
    .flatMap((mount, i) => {
      const at = `${path}[${i}]`;
      const [name, mountPath] = [stringAt(mount, "name"), stringAt(mount, "mountPath")];
      const errors = name === "" ? [required(`${at}.name`)] : [];
      if (!volumes.has(name)) errors.push(notFound(`${at}.name`, name));
      if (mountPath === "") errors.push(required(`${at}.mountPath`));
      if (paths.has(mountPath)) errors.push(invalid(`${at}.mountPath`, mountPath, "must be unique"));
      paths.add(mountPath);
      const subPath = stringAt(mount, "subPath");
      // Upstream leaves the index out of these two.
      if (subPath.startsWith("/"))
        errors.push(invalid(`${path}.subPath`, subPath, "must be a relative path"));
      if (subPath.split("/").includes(".."))
        errors.push(invalid(`${path}.subPath`, subPath, "must not contain '..'"));
      return errors;
    });
}

/** Requests and limits: known names, amounts that are not negative, no request above its limit. */
export function resourceErrors(resources: JsonObject | undefined, path: string): FieldError[] {
  const [limits, requests] = [objectAt(resources, "limits") ?? {}, objectAt(resources, "requests") ?? {}];
  const errors = Object.entries(limits).flatMap(([name, value]) =>
    amountErrors(name, value, `${path}.limits`),
  );
  for (const [name, value] of Object.entries(requests)) {
    errors.push(...amountErrors(name, value, `${path}.requests`));
    const limit = limits[name];
    if (limit === undefined) continue;
    const order = compareQuantities(String(value), String(limit));
    const exact = !OVERCOMMITTED.has(name);
    if (exact && order !== 0) {
      errors.push(invalid(`${path}.requests`, value, `must be equal to ${name} limit of ${limit}`));
    } else if (order > 0) {
      errors.push(
        invalid(`${path}.requests`, value, `must be less than or equal to ${name} limit of ${limit}`),
      );
    }
  }
  return errors;
}

/** Resources whose request may be below the limit. */
const OVERCOMMITTED = new Set(["cpu", "memory", "ephemeral-storage"]);

function amountErrors(name: string, value: unknown, path: string): FieldError[] {
  const at = `${path}[${name}]`;
  const errors = qualifiedNameErrors(name).map((detail) => invalid(at, name, detail));
  if (
    errors.length === 0 &&
    !name.includes("/") &&
    !OVERCOMMITTED.has(name) &&
    !name.startsWith("hugepages-")
  ) {
    errors.push(invalid(at, name, "must be a standard resource type or fully qualified"));
    errors.push(invalid(at, name, "must be a standard resource for containers"));
  }
  const { nanos } = parseQuantity(String(value));
  if (nanos < 0n) errors.push(invalid(at, value, "must be greater than or equal to 0"));
  return errors;
}

/** References to secrets that images are pulled with. */
export function pullSecretErrors(secrets: readonly unknown[], path: string): FieldError[] {
  return secrets.flatMap((secret, i) => {
    const name = stringAt(secret, "name");
    return name === ""
      ? []
      : dns1123SubdomainErrors(name).map((detail) => invalid(`${path}[${i}].name`, name, detail));
  });
}
