import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import {
  containersErrors,
  ephemeralContainersErrors,
  initContainersErrors,
  pullSecretErrors,
} from "./containers.ts";
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from "./field-error.ts";
import { annotationErrors, labelsErrors } from "./metadata.ts";
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  labelValueErrors,
  qualifiedNameErrors,
  rangeError,
} from "./names.ts";
import { oneOf } from "./one-of.ts";

const MAX_INT32 = 2 ** 31 - 1;

/** What is wrong with a pod's spec, in the order in which upstream looks. */
export function podSpecErrors(spec: JsonObject, path: string): FieldError[] {
  const volumes = volumeErrors(listAt(spec, "volumes").filter(isObject), `${path}.volumes`);
  const scope = { volumes: volumes.names };
  const containers = listAt(spec, "containers").filter(isObject);
  const inits = listAt(spec, "initContainers").filter(isObject);
  return [
    ...(spec["terminationGracePeriodSeconds"] === undefined
      ? [required(`${path}.terminationGracePeriodSeconds`)]
      : []),
    ...volumes.errors,
    ...containersErrors(containers, `${path}.containers`, scope),
    ...initContainersErrors(inits, containers, `${path}.initContainers`, scope),
    ...ephemeralContainersErrors(
      listAt(spec, "ephemeralContainers").filter(isObject),
      [...containers, ...inits],
      `${path}.ephemeralContainers`,
      scope,
    ),
    ...hostNetworkErrors(spec, [...containers, ...inits], path),
    ...oneOf(spec, "restartPolicy", ["Always", "OnFailure", "Never"], path),
    ...oneOf(spec, "dnsPolicy", ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"], path),
    ...labelsErrors(objectAt(spec, "nodeSelector"), `${path}.nodeSelector`),
    ...pullSecretErrors(listAt(spec, "imagePullSecrets"), `${path}.imagePullSecrets`),
    ...nameErrors(spec, "serviceAccountName", dns1123SubdomainErrors, path),
    ...nameErrors(spec, "nodeName", dns1123SubdomainErrors, path),
    ...deadlineErrors(spec, path),
    ...nameErrors(spec, "hostname", dns1123LabelErrors, path),
    ...nameErrors(spec, "subdomain", dns1123LabelErrors, path),
    ...tolerationErrors(listAt(spec, "tolerations").filter(isObject), `${path}.tolerations`),
    ...nameErrors(spec, "priorityClassName", dns1123SubdomainErrors, path),
  ];
}

/** A template of pods: its labels and annotations, and the spec. */
export function podTemplateErrors(template: JsonObject, path: string): FieldError[] {
  const metadata = objectAt(template, "metadata");
  const spec = objectAt(template, "spec") ?? {};
  const errors = [
    ...labelsErrors(objectAt(metadata, "labels"), `${path}.labels`),
    ...annotationErrors(objectAt(metadata, "annotations"), `${path}.annotations`),
    ...podSpecErrors(spec, `${path}.spec`),
  ];
  if (listAt(spec, "ephemeralContainers").length > 0) {
    errors.push(
      forbidden(`${path}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template"),
    );
  }
  return errors;
}

function volumeErrors(
  volumes: readonly JsonObject[],
  path: string,
): { errors: FieldError[]; names: Set<string> } {
  const names = new Set<string>();
  const errors = volumes.flatMap((volume, i) => {
    const at = `${path}[${i}]`;
    const name = stringAt(volume, "name");
    const wrong = sourceErrors(volume, at);
    if (name === "") wrong.push(required(`${at}.name`));
    else wrong.push(...dns1123LabelErrors(name).map((detail) => invalid(`${at}.name`, name, detail)));
    if (names.has(name)) wrong.push(duplicate(`${at}.name`, name));
    if (wrong.length === 0) names.add(name);
    return wrong;
  });
  return { errors, names };
}

/** What a source must name, by type. */
const SOURCE_NAMES: Readonly<Record<string, string>> = {
  secret: "secretName",
  configMap: "name",
  persistentVolumeClaim: "claimName",
  hostPath: "path",
};

function sourceErrors(volume: JsonObject, path: string): FieldError[] {
  // Upstream looks at this one first, and complains of those that come after the first.
  const sources = ["emptyDir", ...Object.keys(volume).filter((key) => key !== "emptyDir" && key !== "name")];
  const given = sources.filter((key) => isObject(volume[key]));
  if (given.length === 0) return [required(path, "must specify a volume type")];
  return given.flatMap((type, i) => {
    if (i > 0) return [forbidden(`${path}.${type}`, "may not specify more than 1 volume type")];
    const name = SOURCE_NAMES[type];
    return name !== undefined && stringAt(volume[type], name) === ""
      ? [required(`${path}.${type}.${name}`)]
      : [];
  });
}

function hostNetworkErrors(spec: JsonObject, containers: readonly JsonObject[], path: string): FieldError[] {
  if (spec["hostNetwork"] !== true) return [];
  return containers.flatMap((container, i) =>
    listAt(container, "ports").flatMap((port, j) => {
      const [host, own] = [numberAt(port, "hostPort"), numberAt(port, "containerPort")];
      const at = `${path}.containers[${i}].ports[${j}].hostPort`;
      return host === own
        ? []
        : [invalid(at, host ?? 0, "must match `containerPort` when `hostNetwork` is true")];
    }),
  );
}

function nameErrors(
  spec: JsonObject,
  field: string,
  grammar: (name: string) => string[],
  path: string,
): FieldError[] {
  const name = stringAt(spec, field);
  return name === "" ? [] : grammar(name).map((detail) => invalid(`${path}.${field}`, name, detail));
}

function deadlineErrors(spec: JsonObject, path: string): FieldError[] {
  const deadline = numberAt(spec, "activeDeadlineSeconds");
  if (deadline === undefined || (deadline >= 1 && deadline <= MAX_INT32)) return [];
  return [invalid(`${path}.activeDeadlineSeconds`, deadline, rangeError(1, MAX_INT32))];
}

function tolerationErrors(tolerations: readonly JsonObject[], path: string): FieldError[] {
  return tolerations.flatMap((toleration, i) => {
    const at = `${path}[${i}]`;
    const [key, operator, value, effect] = ["key", "operator", "value", "effect"].map((f) =>
      stringAt(toleration, f),
    );
    const errors = key ? qualifiedNameErrors(key).map((detail) => invalid(`${at}.key`, key, detail)) : [];
    if (!key && operator !== "Exists") {
      const detail =
        'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(invalid(`${at}.operator`, operator, detail));
    }
    if (toleration["tolerationSeconds"] !== undefined && effect !== "NoExecute") {
      errors.push(
        invalid(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"),
      );
    }
    if (operator === "Equal" || operator === "") {
      const wrong = labelValueErrors(value ?? "");
      if (wrong.length > 0) errors.push(invalid(`${at}.operator`, value, wrong.join(";")));
    } else if (operator === "Exists") {
      if (value)
        errors.push(invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"));
    } else {
      errors.push(notSupported(`${at}.operator`, operator, ["Equal", "Exists"]));
    }
    const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    if (effect && !effects.includes(effect)) errors.push(notSupported(`${at}.effect`, effect, effects));
    return errors;
  });
}
