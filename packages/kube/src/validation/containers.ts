import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { envErrors, envFromErrors } from "./environment.ts";
import {
  duplicate,
  type FieldError,
  forbidden,
  invalid,
  notFound,
  notSupported,
  required,
} from "./field-error.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors, portNameErrors, portNumberErrors } from "./names.ts";
import { oneOf } from "./one-of.ts";
import { containerSecurityErrors } from "./pod-security.ts";
import { lifecycleErrors, probeErrors } from "./probes.ts";
import { resourceErrors } from "./resources.ts";

/** What containers may refer to. */
export interface ContainerScope {
  readonly volumes: ReadonlySet<string>;
  /** For how many seconds a container may end. */
  readonly grace?: number;
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
    return [
      ...containerErrors(container, at, scope),
      ...repeatedName(container, names, at),
      ...(lifecycle === undefined ? [] : lifecycleErrors(lifecycle, `${at}.lifecycle`, scope.grace)),
      ...probeErrors(container, at),
      // Since rules for restarts came (on by default from 1.34 on) every container may have a policy of its own.
      ...restartPolicyErrors(container, at),
    ];
  });
  return [...errors, ...hostPortConflicts(containers, path)];
}

/** What a container for debugging may not have: others come to rely on it. */
const NOT_EPHEMERAL = [
  "ports",
  "resources",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
  "resizePolicy",
  "restartPolicy",
];

export function ephemeralContainersErrors(
  containers: readonly JsonObject[],
  others: readonly JsonObject[],
  path: string,
  scope: ContainerScope,
): FieldError[] {
  const targets = new Set(others.map((container) => stringAt(container, "name")));
  const names = new Set(targets);
  return containers.flatMap((container, i) => {
    const at = `${path}[${i}]`;
    const target = stringAt(container, "targetContainerName");
    const given = NOT_EPHEMERAL.filter((field) => isGiven(container[field]));
    return [
      ...containerErrors(container, at, scope),
      ...repeatedName(container, names, at),
      ...(target === "" || targets.has(target) ? [] : [notFound(`${at}.targetContainerName`, target)]),
      ...given.map((field) => forbidden(`${at}.${field}`, "cannot be set for an Ephemeral Container")),
    ];
  });
}

const isGiven = (value: unknown): boolean =>
  isObject(value)
    ? Object.keys(value).length > 0
    : Array.isArray(value)
      ? value.length > 0
      : value !== undefined;

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
    errors.push(...restartPolicyErrors(container, at));
    errors.push(...repeatedName(container, names, at));
    if (policy === "Always") {
      const lifecycle = objectAt(container, "lifecycle");
      if (lifecycle !== undefined) errors.push(...lifecycleErrors(lifecycle, `${at}.lifecycle`, scope.grace));
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

function restartPolicyErrors(container: JsonObject, path: string): FieldError[] {
  const policy = stringAt(container, "restartPolicy");
  const policies = ["Always", "Never", "OnFailure"];
  return policy === "" || policies.includes(policy)
    ? []
    : [notSupported(`${path}.restartPolicy`, policy, policies)];
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
  const image = stringAt(container, "image");
  if (image === "") errors.push(required(`${path}.image`));
  else if (image !== image.trim()) {
    errors.push(invalid(`${path}.image`, image, "must not have leading or trailing whitespace"));
  }
  errors.push(...oneOf(container, "terminationMessagePolicy", ["File", "FallbackToLogsOnError"], path));
  errors.push(...containerPortErrors(container, `${path}.ports`));
  errors.push(...envErrors(container, `${path}.env`));
  errors.push(...envFromErrors(container, `${path}.envFrom`));
  errors.push(...mountErrors(container, `${path}.volumeMounts`, scope));
  errors.push(...oneOf(container, "imagePullPolicy", ["Always", "IfNotPresent", "Never"], path));
  errors.push(...resourceErrors(objectAt(container, "resources"), `${path}.resources`));
  return [...errors, ...containerSecurityErrors(container, path)];
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
      const expression = stringAt(mount, "subPathExpr");
      if (subPath !== "" && expression !== "") {
        errors.push(
          invalid(`${at}.subPathExpr`, expression, "subPathExpr and subPath are mutually exclusive"),
        );
      }
      return [...errors, ...propagationErrors(mount, container, path)];
    });
}

const PROPAGATIONS = ["Bidirectional", "HostToContainer", "None"];

/** Whether mounts made later are seen, which the index is left out of, too. */
function propagationErrors(mount: JsonObject, container: JsonObject, path: string): FieldError[] {
  const propagation = stringAt(mount, "mountPropagation");
  const at = `${path}.mountPropagation`;
  if (propagation === "") return [];
  if (!PROPAGATIONS.includes(propagation)) return [notSupported(at, propagation, PROPAGATIONS)];
  const privileged = objectAt(container, "securityContext")?.["privileged"] === true;
  if (propagation !== "Bidirectional" || privileged) return [];
  return [forbidden(at, "Bidirectional mount propagation is available only to privileged containers")];
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
