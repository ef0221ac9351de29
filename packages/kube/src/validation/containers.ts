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
import { dns1123LabelErrors, portNameErrors, portNumberErrors } from "./names.ts";
import { oneOf } from "./one-of.ts";
import { containerSecurityErrors } from "./pod-security.ts";
import { lifecycleErrors, probeErrors } from "./probes.ts";
import { resourceErrors } from "./resources.ts";

/** What containers may refer to. */
export interface ContainerScope {
  /** The volumes by name, and whether each can be given as a block device. */
  readonly volumes: ReadonlyMap<string, { readonly block: boolean }>;
  /** The pod's resource claims, by name. */
  readonly claims: readonly string[];
  /** The pod's own. */
  readonly restartPolicy: string;
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
    const given = NOT_EPHEMERAL.filter(
      (field) => isGiven(container[field]) && !(field === "resources" && isEmptyObject(container[field])),
    );
    return [
      ...containerErrors(container, at, scope),
      ...repeatedName(container, names, at),
      ...(target === "" || targets.has(target) ? [] : [notFound(`${at}.targetContainerName`, target)]),
      ...given.map((field) => forbidden(`${at}.${field}`, NOT_FOR_EPHEMERAL)),
      ...listAt(container, "volumeMounts").flatMap((mount, j) =>
        ["subPath", "subPathExpr"]
          .filter((field) => stringAt(mount, field) !== "")
          .map((field) => forbidden(`${at}.volumeMounts[${j}].${field}`, NOT_FOR_EPHEMERAL)),
      ),
    ];
  });
}

const isEmptyObject = (value: unknown): boolean => isObject(value) && Object.keys(value).length === 0;

const NOT_FOR_EPHEMERAL = "cannot be set for an Ephemeral Container";

/** Resources without amounts are always there. */
const isGiven = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : isObject(value) ? true : value !== undefined;

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
  errors.push(...deviceErrors(container, `${path}.volumeDevices`, scope));
  errors.push(...oneOf(container, "imagePullPolicy", ["Always", "IfNotPresent", "Never"], path));
  errors.push(...resourceErrors(objectAt(container, "resources"), `${path}.resources`, scope.claims));
  errors.push(...resizePolicyErrors(container, `${path}.resizePolicy`, scope));
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
      const recursive = stringAt(mount, "recursiveReadOnly");
      return [
        ...errors,
        ...propagationErrors(mount, container, path),
        ...recursiveErrors(recursive, mount, path),
      ];
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

const RECURSIVE = ["Disabled", "Enabled", "IfPossible"];

function recursiveErrors(recursive: string, mount: JsonObject, path: string): FieldError[] {
  const at = `${path}.recursiveReadOnly`;
  if (recursive === "" || recursive === "Disabled") return [];
  if (!RECURSIVE.includes(recursive)) return [notSupported(at, recursive, RECURSIVE)];
  const errors: FieldError[] = [];
  if (mount["readOnly"] !== true) errors.push(forbidden(at, "may only be specified when readOnly is true"));
  const propagation = stringAt(mount, "mountPropagation");
  if (propagation !== "" && propagation !== "None") {
    errors.push(forbidden(at, "may only be specified when mountPropagation is None or not specified"));
  }
  return errors;
}

/** Volumes as block devices rather than file systems. */
function deviceErrors(container: JsonObject, path: string, { volumes }: ContainerScope): FieldError[] {
  const mounts = listAt(container, "volumeMounts").filter(isObject);
  const [names, paths] = [new Set<string>(), new Set<string>()];
  return listAt(container, "volumeDevices")
    .filter(isObject)
    .flatMap((device, i) => {
      const at = `${path}[${i}]`;
      const [name, devicePath] = [stringAt(device, "name"), stringAt(device, "devicePath")];
      const volume = volumes.get(name);
      const errors = name === "" ? [required(`${at}.name`)] : [];
      if (names.has(name)) errors.push(invalid(`${at}.name`, name, "must be unique"));
      if (volume?.block === false) errors.push(invalid(`${at}.name`, name, ONLY_BLOCK));
      if (volume === undefined) errors.push(notFound(`${at}.name`, name));
      if (devicePath === "") errors.push(required(`${at}.devicePath`));
      if (paths.has(devicePath)) errors.push(invalid(`${at}.devicePath`, devicePath, "must be unique"));
      if (devicePath.split("/").includes("..")) {
        errors.push(invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')"));
      } else paths.add(devicePath);
      if (mounts.some((mount) => stringAt(mount, "name") === name)) {
        errors.push(invalid(`${at}.name`, name, "must not already exist in volumeMounts"));
      }
      if (mounts.some((mount) => stringAt(mount, "mountPath") === devicePath)) {
        errors.push(
          invalid(`${at}.devicePath`, devicePath, "must not already exist as a path in volumeMounts"),
        );
      }
      if (name !== "") names.add(name);
      return errors;
    });
}

const ONLY_BLOCK = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";

const RESIZED = ["cpu", "memory"];
const RESIZE_POLICIES = ["NotRequired", "RestartContainer"];

/** What happens to a container whose resources change. Upstream leaves the index out of all of these. */
function resizePolicyErrors(
  container: JsonObject,
  path: string,
  { restartPolicy }: ContainerScope,
): FieldError[] {
  const seen = new Set<string>();
  return listAt(container, "resizePolicy")
    .filter(isObject)
    .flatMap((policy) => {
      const [name, restart] = [stringAt(policy, "resourceName"), stringAt(policy, "restartPolicy")];
      const errors: FieldError[] = [];
      if (seen.has(name)) errors.push(duplicate(path, name));
      seen.add(name);
      if (name === "") errors.push(required(path));
      else if (!RESIZED.includes(name)) errors.push(notSupported(path, name, RESIZED));
      if (restart === "") errors.push(required(path));
      else if (!RESIZE_POLICIES.includes(restart)) errors.push(notSupported(path, restart, RESIZE_POLICIES));
      if (restartPolicy === "Never" && restart !== "NotRequired") {
        errors.push(invalid(path, restart, "must be 'NotRequired' when `restartPolicy` is 'Never'"));
      }
      return errors;
    });
}
