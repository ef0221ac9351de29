import { isObject, type JsonObject, jsonEqual, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { containersErrors, initContainersErrors, pullSecretErrors } from "./containers.ts";
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

const UPDATABLE = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
].join(",");

/**
 * What an update may change of a pod's spec. Upstream ends the complaint with a diff of its internal form; here stand the
 * fields that changed.
 */
export function podUpdateErrors(spec: JsonObject, before: JsonObject): FieldError[] {
  for (const list of ["containers", "initContainers"]) {
    if (listAt(spec, list).length !== listAt(before, list).length) {
      return [forbidden(`spec.${list}`, "pod updates may not add or remove containers")];
    }
  }
  const errors: FieldError[] = [];
  const [deadline, former] = [
    numberAt(spec, "activeDeadlineSeconds"),
    numberAt(before, "activeDeadlineSeconds"),
  ];
  if (deadline !== undefined && former !== undefined && former < deadline) {
    errors.push(
      invalid("spec.activeDeadlineSeconds", deadline, "must be less than or equal to previous value"),
    );
  } else if (deadline === undefined && former !== undefined) {
    const detail = "must not update from a positive integer to nil value";
    errors.push(invalid("spec.activeDeadlineSeconds", null, detail));
  }
  errors.push(...removedTolerations(spec, before));
  const allowed = withAllowedChanges(spec, before);
  if (jsonEqual(allowed, before)) return errors;
  const changed = [...new Set([...Object.keys(allowed), ...Object.keys(before)])]
    .filter((field) => !jsonEqual(allowed[field], before[field]))
    .sort();
  const detail = `pod updates may not change fields other than ${UPDATABLE}\n${changed.map((f) => `spec.${f}`).join("\n")}`;
  return [...errors, forbidden("spec", detail)];
}

/** The new spec with what may change put back to what it was. */
function withAllowedChanges(spec: JsonObject, before: JsonObject): JsonObject {
  const withOldImages = (list: string) => {
    if (spec[list] === undefined) return {};
    const old = listAt(before, list);
    const restored = listAt(spec, list).map((container, i) =>
      isObject(container) ? { ...container, image: objectAt({ c: old[i] }, "c")?.["image"] } : container,
    );
    return { [list]: restored };
  };
  const kept = ["activeDeadlineSeconds", "tolerations", "schedulingGates"].flatMap((field) =>
    before[field] === undefined ? [] : [[field, before[field]]],
  );
  const { activeDeadlineSeconds, tolerations, schedulingGates, ...rest } = spec;
  const grace =
    (numberAt(before, "terminationGracePeriodSeconds") ?? 0) < 0 &&
    spec["terminationGracePeriodSeconds"] === 1;
  return {
    ...rest,
    ...withOldImages("containers"),
    ...withOldImages("initContainers"),
    ...Object.fromEntries(kept),
    ...(grace ? { terminationGracePeriodSeconds: before["terminationGracePeriodSeconds"] } : {}),
  };
}

function removedTolerations(spec: JsonObject, before: JsonObject): FieldError[] {
  const now = listAt(spec, "tolerations").filter(isObject);
  const comparable = ({ tolerationSeconds, ...rest }: JsonObject) => rest;
  const missing = listAt(before, "tolerations")
    .filter(isObject)
    .some((old) => !now.some((toleration) => jsonEqual(comparable(toleration), comparable(old))));
  return missing
    ? [forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")]
    : [];
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
  const given = Object.keys(volume).filter((key) => key !== "name" && isObject(volume[key]));
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
