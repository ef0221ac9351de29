import { isObject, type JsonObject, jsonEqual, listAt, objectAt, stringAt } from "../json.ts";
import { parseQuantity } from "../values/quantity.ts";

/**
 * What a writer hears of an object that is accepted all the same: things that have no effect, or not the one that they seem
 * to have. On an update only of what changed.
 */
export function builtInWarnings(
  kind: { group: string; kind: string },
  object: JsonObject,
  before?: JsonObject,
): string[] {
  const name = kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`;
  if (name === "Pod") return before === undefined ? podWarnings(object, "") : [];
  if (name === "Service") return serviceWarnings(object);
  if (name === "Ingress.networking.k8s.io" && before === undefined) return ingressWarnings(object);
  const path = TEMPLATES[name];
  if (path === undefined) return [];
  const template = templateAt(object, path);
  if (template === undefined || jsonEqual(template, before && templateAt(before, path))) return [];
  return podWarnings(template, path.join("."));
}

const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  "Deployment.apps": ["spec", "template"],
  "ReplicaSet.apps": ["spec", "template"],
  "DaemonSet.apps": ["spec", "template"],
  "StatefulSet.apps": ["spec", "template"],
  ReplicationController: ["spec", "template"],
  PodTemplate: ["template"],
  "Job.batch": ["spec", "template"],
  "CronJob.batch": ["spec", "jobTemplate", "spec", "template"],
};

const templateAt = (object: JsonObject, path: readonly string[]): JsonObject | undefined =>
  path.reduce<JsonObject | undefined>((at, key) => objectAt(at, key), object);

/** Warnings about a pod, or a template at a path. */
function podWarnings(pod: JsonObject, above: string): string[] {
  const at = (path: string) => (above === "" ? path : `${above}.${path}`);
  const spec = objectAt(pod, "spec") ?? {};
  const annotations = objectAt(objectAt(pod, "metadata"), "annotations") ?? {};
  const warnings: string[] = [];
  if (Object.hasOwn(annotations, SECCOMP)) {
    warnings.push(
      `${at("metadata.annotations")}[${SECCOMP}]: non-functional in v1.27+; use the "seccompProfile" field instead`,
    );
  }
  for (const volume of listAt(spec, "volumes").filter(isObject)) {
    const projected = objectAt(volume, "projected");
    if (projected === undefined || listAt(projected, "sources").some((one) => isObject(one) && !isEmpty(one)))
      continue;
    warnings.push(`volume ${JSON.stringify(volume["name"])} (Projected) has no sources provided`);
  }
  listAt(spec, "imagePullSecrets").forEach((secret, i) => {
    const name = stringAt(secret, "name");
    if (name.trim() === "") {
      warnings.push(`${at("spec.imagePullSecrets")}[${i}].name: invalid empty name ${JSON.stringify(name)}`);
    }
  });
  for (const field of ["initContainers", "containers"]) {
    listAt(spec, field).forEach((container, i) => {
      if (isObject(container)) warnings.push(...containerWarnings(container, at(`spec.${field}[${i}]`)));
    });
  }
  return warnings;
}

const SECCOMP = "seccomp.security.alpha.kubernetes.io/pod";

const isEmpty = (object: JsonObject): boolean => Object.keys(object).length === 0;

function containerWarnings(container: JsonObject, path: string): string[] {
  const warnings: string[] = [];
  const values = objectAt(container, "resources");
  for (const kind of ["limits", "requests"]) {
    for (const name of ["memory", "ephemeral-storage"]) {
      const value = objectAt(values, kind)?.[name];
      if (value === undefined || parseQuantity(String(value)).nanos % 1_000_000_000n === 0n) continue;
      const at = `${path}.resources.${kind}[${name}]`;
      warnings.push(`${at}: fractional byte value ${JSON.stringify(value)} is invalid, must be an integer`);
    }
  }
  const names = new Set<string>();
  listAt(container, "env").forEach((variable, i) => {
    const name = stringAt(variable, "name");
    if (names.has(name)) {
      const shown = JSON.stringify(name);
      warnings.push(
        `${path}.env[${i}]: hides previous definition of ${shown}, which may be dropped when using apply`,
      );
    }
    names.add(name);
  });
  const ports = listAt(container, "ports").filter(isObject);
  const number = (port: JsonObject) => `${stringAt(port, "protocol")} ${String(port["containerPort"])}`;
  ports.forEach((port, i) => {
    const first = ports.findIndex((other) => number(other) === number(port));
    if (first < i)
      warnings.push(`${path}.ports[${i}]: duplicate port definition with ${path}.ports[${first}]`);
  });
  return warnings;
}

function serviceWarnings(service: JsonObject): string[] {
  const spec = objectAt(service, "spec") ?? {};
  const headless = spec["clusterIP"] === "None";
  const sticky = stringAt(spec, "sessionAffinity");
  if (headless && sticky !== "" && sticky !== "None")
    return ["spec.SessionAffinity is ignored for headless services"];
  return [];
}

const CLASS = "kubernetes.io/ingress.class";

function ingressWarnings(ingress: JsonObject): string[] {
  const annotations = objectAt(objectAt(ingress, "metadata"), "annotations") ?? {};
  if (!Object.hasOwn(annotations, CLASS)) return [];
  return [`annotation "${CLASS}" is deprecated, please use 'spec.ingressClassName' instead`];
}
