import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { containersErrors, ephemeralContainersErrors, initContainersErrors } from "./containers.ts";
import { type FieldError, forbidden, invalid, notSupported, required } from "./field-error.ts";
import { annotationErrors, labelsErrors } from "./metadata.ts";
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  labelValueErrors,
  qualifiedNameErrors,
  rangeError,
} from "./names.ts";
import { oneOf } from "./one-of.ts";
import { dnsErrors, hostAliasErrors } from "./pod-names.ts";
import { affinityErrors, gateErrors, nodeSelectorErrors, spreadErrors } from "./pod-scheduling.ts";
import { osErrors, podSecurityErrors } from "./pod-security.ts";
import { overheadErrors, podResourceErrors, resourceClaimErrors } from "./resources.ts";
import { volumesErrors } from "./volumes.ts";

const MAX_INT32 = 2 ** 31 - 1;

/** What is wrong with a pod's spec, in the order in which upstream looks. */
export function podSpecErrors(spec: JsonObject, path: string): FieldError[] {
  const volumes = volumesErrors(spec, `${path}.volumes`);
  const grace = numberAt(spec, "terminationGracePeriodSeconds");
  const claims = listAt(spec, "resourceClaims").map((claim) => stringAt(claim, "name"));
  const scope = {
    volumes: volumes.names,
    claims,
    restartPolicy: stringAt(spec, "restartPolicy"),
    ...(grace === undefined ? {} : { grace }),
  };
  const containers = listAt(spec, "containers").filter(isObject);
  const inits = listAt(spec, "initContainers").filter(isObject);
  return [
    ...(spec["terminationGracePeriodSeconds"] === undefined
      ? [required(`${path}.terminationGracePeriodSeconds`)]
      : []),
    ...volumes.errors,
    ...resourceClaimErrors(listAt(spec, "resourceClaims").filter(isObject), `${path}.resourceClaims`),
    ...containersErrors(containers, `${path}.containers`, scope),
    ...initContainersErrors(inits, containers, `${path}.initContainers`, scope),
    ...ephemeralContainersErrors(
      listAt(spec, "ephemeralContainers").filter(isObject),
      [...containers, ...inits],
      `${path}.ephemeralContainers`,
      scope,
    ),
    ...podResourceErrors(objectAt(spec, "resources"), `${path}.resources`, claims),
    ...hostNetworkErrors(spec, [...containers, ...inits], path),
    ...oneOf(spec, "restartPolicy", ["Always", "OnFailure", "Never"], path),
    ...oneOf(spec, "dnsPolicy", ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"], path),
    ...nodeSelectorErrors(spec, path),
    ...podSecurityErrors(spec, path),
    ...affinityErrors(objectAt(spec, "affinity"), `${path}.affinity`),
    ...dnsErrors(spec, path),
    ...gateErrors(spec, path),
    ...spreadErrors(
      listAt(spec, "topologySpreadConstraints").filter(isObject),
      `${path}.topologySpreadConstraints`,
    ),
    ...nameErrors(spec, "serviceAccountName", dns1123SubdomainErrors, path),
    ...nameErrors(spec, "nodeName", dns1123SubdomainErrors, path),
    ...deadlineErrors(spec, path),
    ...nameErrors(spec, "hostname", dns1123LabelErrors, path),
    ...nameErrors(spec, "subdomain", dns1123LabelErrors, path),
    ...tolerationErrors(listAt(spec, "tolerations").filter(isObject), `${path}.tolerations`),
    ...hostAliasErrors(spec, path),
    ...nameErrors(spec, "priorityClassName", dns1123SubdomainErrors, path),
    ...nameErrors(spec, "runtimeClassName", dns1123SubdomainErrors, path),
    ...preemptionErrors(spec, path),
    ...overheadErrors(objectAt(spec, "overhead"), `${path}.overhead`),
    ...osErrors(spec, path),
  ];
}

const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";

/** Annotations that mean something to pods. */
export function podAnnotationErrors(pod: JsonObject, path: string): FieldError[] {
  const cost = objectAt(objectAt(pod, "metadata"), "annotations")?.[DELETION_COST];
  const isInt =
    typeof cost === "string" && /^(0|-?[1-9][0-9]*)$/.test(cost) && Math.abs(Number(cost)) <= MAX_INT32;
  if (cost === undefined || isInt) return [];
  return [invalid(`${path}[${DELETION_COST}]`, cost, "must be a 32bit integer")];
}

/** A template of pods: its labels and annotations, and the spec. */
export function podTemplateErrors(template: JsonObject, path: string): FieldError[] {
  const metadata = objectAt(template, "metadata");
  const spec = objectAt(template, "spec") ?? {};
  const errors = [
    ...labelsErrors(objectAt(metadata, "labels"), `${path}.labels`),
    ...annotationErrors(objectAt(metadata, "annotations"), `${path}.annotations`),
    ...podAnnotationErrors(template, `${path}.annotations`),
    ...podSpecErrors(spec, `${path}.spec`),
  ];
  if (listAt(spec, "ephemeralContainers").length > 0) {
    errors.push(
      forbidden(`${path}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template"),
    );
  }
  return errors;
}

function hostNetworkErrors(spec: JsonObject, containers: readonly JsonObject[], path: string): FieldError[] {
  if (spec["hostNetwork"] !== true) return [];
  return containers.flatMap((container, i) =>
    listAt(container, "ports").flatMap((port, j) => {
      const [host, own] = [numberAt(port, "hostPort"), numberAt(port, "containerPort")];
      const at = `${path}.containers[${i}].ports[${j}].hostPort`;
      // Templates are not given the ports of the host: pods made from them are.
      return host === undefined || host === own
        ? []
        : [invalid(at, host ?? 0, "must match `containerPort` when `hostNetwork` is true")];
    }),
  );
}

const PREEMPTIONS = ["PreemptLowerPriority", "Never"];

function preemptionErrors(spec: JsonObject, path: string): FieldError[] {
  const policy = stringAt(spec, "preemptionPolicy");
  return policy === "" || PREEMPTIONS.includes(policy)
    ? []
    : [notSupported(`${path}.preemptionPolicy`, policy, PREEMPTIONS)];
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
